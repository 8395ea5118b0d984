"""Checks of `guardrails`: policies, detectors, and the compliance rules that are switched on."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from legato.app.checks.egress import address_problem
from legato.app.checks.semantic_checks import problems_of_embedder
from legato.app.config.problems import Path, Problem, suggestion
from legato.core.config import Config
from legato.core.config_guardrails import GuardPolicy, TopicReading
from legato.core.errors import ConfigInvalid
from legato.detectors.directory import HTTP, check_settings, installed, labels_by_detector
from legato.guardrails.policy.checking import Known
from legato.guardrails.policy.compliance import RULES, SCORE_MAX, breaches, unmet
from legato.registry.guardrails import every_problem

_STEP: Final = re.compile(r"([^.\[\]]+)|\[([0-9]+)\]")
_MEND: Final = "Change it, or leave it out."


def known_to_policies(config: Config) -> Known:
    """Return what policies may name on this instance. Raises ConfigInvalid: of detectors."""
    guardrails = config.guardrails
    return Known(
        detectors=labels_by_detector(guardrails.detectors),
        deployments=frozenset(one.name for one in config.deployments),
        environment=config.registry.environment,
        compliance=tuple(guardrails.compliance),
        routes=frozenset(one.alias for one in config.routes),
        lookups=tuple(one.name for one in config.lookups),
    )


def problems_of_guardrails(config: Config, place_of: Callable[[Path], str]) -> list[Problem]:
    """Return what is wrong with `guardrails`."""
    return [
        Problem(("guardrails", *path), place_of(("guardrails", *path)), message, remedy)
        for path, message, remedy in _found(config)
    ]


def _found(config: Config) -> Iterator[tuple[Path, str, str]]:
    guardrails = config.guardrails
    for index, name in enumerate(guardrails.compliance):
        if name not in RULES:
            yield ("compliance", index), f"no rule `{name}`", suggestion(name, sorted(RULES))
    yield from _of_detectors(config)
    read = guardrails.topics != TopicReading()
    if read or any(_embeds(one) for one in guardrails.policies):
        for field, message, remedy in problems_of_embedder(config, guardrails.topics):
            yield ("topics", field), message, remedy
    try:
        known = known_to_policies(config)
    except ConfigInvalid as error:
        yield ("detectors",), error.message, _MEND
        return
    names: set[str] = set()
    for index, policy in enumerate(guardrails.policies):
        at: Path = ("policies", index)
        if policy.name in names:
            yield (*at, "name"), f"`{policy.name}` is taken", "Give each its own name."
        names.add(policy.name)
        for field, told in every_problem(policy, known):
            yield (*at, *_path(field)), told, _MEND
        for broken in breaches(policy, known.compliance, known.environment):
            yield (*at, *_path(broken.field)), f"breaks {broken.rule}", f"{broken.told}."
    for one in unmet(guardrails.policies, known.compliance):
        message = f"{one.rule}: no policy here sees to it"
        remedy = (
            f"{RULES[one.rule].meaning} Enforce that by a policy of this file, for all requests."
        )
        if one.too_sure:
            message += f", as guardrails.{one.too_sure} passes over what is found with less"
            remedy = f"Leave `at_least` out, or write {SCORE_MAX} or less."
        yield ("compliance", guardrails.compliance.index(one.rule)), message, remedy


def _embeds(policy: GuardPolicy) -> bool:
    grounding = None if policy.output is None else policy.output.grounding
    if grounding is not None and grounding.meaning:
        return True
    return any(one.detect.topics or one.detect.only_topics for one in policy.rules)


def _of_detectors(config: Config) -> Iterator[tuple[Path, str, str]]:
    names: set[str] = set()
    for index, one in enumerate(config.guardrails.detectors):
        at: Path = ("detectors", index)
        if one.name in names:
            yield (*at, "name"), f"`{one.name}` is taken", "Give each its own name."
        names.add(one.name)
        if one.kind == HTTP and not one.url:
            yield (*at, "url"), "missing", "Write where it is called: https://host/path."
        if one.kind == HTTP and one.url and (problem := address_problem(one.url, config)):
            yield (*at, "url"), problem, "Write where it is called: https://host/path."
        if one.kind != HTTP and one.url:
            yield (*at, "url"), f"`{one.kind}` isn't called over HTTP", "Leave it out."
        if one.kind == HTTP and not one.labels:
            yield (*at, "labels"), "missing", "List the labels that it may find."
        if one.kind in installed():
            try:
                check_settings(one)
            except ConfigInvalid as error:
                yield (*at, "settings"), f"`{one.kind}`: {error.message}", _MEND


def _path(field: str) -> Path:
    return tuple(int(index) if index else name for name, index in _STEP.findall(field))
