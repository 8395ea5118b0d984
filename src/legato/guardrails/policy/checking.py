"""What is wrong with a policy, each problem at its place."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final, NoReturn

import jsonschema_rs
import msgspec

from legato.core.config_guardrails import Detect, GuardPolicy, GuardRule, RuleJudge
from legato.core.errors import ConfigInvalid
from legato.core.guarding import Action, Place
from legato.guardrails.outputs.checking import output_problems
from legato.guardrails.policy.custom import custom_of
from legato.guardrails.policy.labels import GROUPS, LABELS, unknown_labels

RULES_MAX: Final = 50
_OF_ANSWERS: Final = frozenset({Place.OUTPUT, Place.TOOL_CALL})
Found = tuple[str, str]
"""A field, and what is wrong with it and how to mend it."""


class Known(msgspec.Struct, frozen=True):
    """What a policy may name."""

    detectors: Mapping[str, frozenset[str]]
    """With the labels that each may find."""
    deployments: Collection[str]
    environment: str = "production"
    compliance: Collection[str] = ()
    lookups: Sequence[str] = ()
    routes: Collection[str] = ()


def problems_of(policy: GuardPolicy, known: Known) -> Iterator[Found]:
    """Yield what keeps a policy from being asked."""
    asks = policy.input.conditions or policy.input.json_schema is not None or policy.output
    if not (policy.rules or asks):
        yield "rules", "the policy says nothing: give it rules, `input` or `output`"
    if len(policy.rules) > RULES_MAX:
        yield "rules", f"more than {RULES_MAX}; put labels together, or make several policies"
    if policy.redaction.keep is not None and not any(map(_redacts, policy.rules)):
        yield "redaction.keep", "no rule on what is sent redacts: there is nothing to keep"
    yield from _doubled("rules", [one.name for one in policy.rules])
    yield from _doubled("input.conditions", [one.name for one in policy.input.conditions])
    for index, rule in enumerate(policy.rules):
        for field, told in _of_rule(rule, known):
            yield f"rules[{index}].{field}", told
    for name in policy.attach.deployments or ():
        if name not in known.deployments:
            listed = ", ".join(sorted(known.deployments)[:20]) or "none"
            yield "attach.deployments", f"no deployment `{name}`; known: {listed}"
    if policy.output is not None:
        yield from output_problems(policy.output, known.deployments, known.routes)
    if policy.input.json_schema is not None:
        yield from _of_schema(policy.input.json_schema)


def _redacts(rule: GuardRule) -> bool:
    return rule.action is Action.REDACT and not frozenset(rule.on) <= _OF_ANSWERS


def _of_rule(rule: GuardRule, known: Known) -> Iterator[Found]:
    detect = rule.detect
    own = detect.patterns or detect.words or detect.topics or detect.only_topics
    if not (detect.labels or detect.detectors or own):
        yield "detect", "nothing is looked for: give labels, detectors, patterns, words or topics"
    yield from _of_topics(rule)
    if rule.judge is not None:
        yield from _of_judge(rule, rule.judge, known)
    found = frozenset[str]().union(*known.detectors.values())
    for label in unknown_labels(detect.labels, found):
        listed = ", ".join([*GROUPS, *sorted(LABELS | found)])
        yield "detect.labels", f"no label `{label[:60]}`; known: {listed}"
    for name in detect.detectors or ():
        if name not in known.detectors:
            listed = ", ".join(sorted(known.detectors)) or "none"
            yield "detect.detectors", f"no detector `{name}`; known: {listed}"
    for patterns, words in ((detect.patterns, {}), ({}, detect.words)):
        try:
            custom_of(patterns, words)
        except ConfigInvalid as error:
            field, _, told = error.message.partition(": ")
            yield f"detect.{field}", told
    yield from _of_action(rule, known)


def _of_topics(rule: GuardRule) -> Iterator[Found]:
    detect = rule.detect
    if not (detect.topics or detect.only_topics):
        return
    if rule.action is Action.REDACT:
        yield "action", "a topic is of a whole text: `flag`, `route` or `block` it"
    if detect.only_topics and rule.action is Action.ALLOW:
        yield "action", "what is off the topics can't be an exception: name it under `topics`"
    if Place.TOOL_CALL in rule.on:
        yield "on", "arguments of tools have no topic: take `tool_call` out"
    for field, topics in (("topics", detect.topics), ("only_topics", detect.only_topics)):
        for name, topic in topics.items():
            both = {*topic.examples} & {*topic.counter_examples}
            if both:
                yield f"detect.{field}.{name}.counter_examples", "one is among the examples, too"


def _of_judge(rule: GuardRule, judge: RuleJudge, known: Known) -> Iterator[Found]:
    if rule.action in {Action.REDACT, Action.ALLOW}:
        yield "judge", f"a judge is asked before `flag`, `route` or `block`, not `{rule.action}`"
    if judge.deployment not in known.deployments and judge.deployment not in known.routes:
        listed = ", ".join([*sorted(known.deployments), *sorted(known.routes)][:20]) or "none"
        yield "judge.deployment", f"no deployment or alias `{judge.deployment}`; known: {listed}"
    if rule.detect != Detect(labels=rule.detect.labels, detectors=rule.detect.detectors):
        yield "judge", "is about what detectors find: make another rule of patterns, words, topics"
    if _OF_ANSWERS & frozenset(rule.on) and not judge.always:
        yield "judge.always", "is needed on `output`: an answer is judged as a whole"
    if Place.TOOL_CALL in rule.on:
        yield "on", "arguments of tools aren't judged: take `tool_call` out"


def _of_action(rule: GuardRule, known: Known) -> Iterator[Found]:
    if rule.action is Action.ROUTE:
        if rule.deployment is None:
            yield "deployment", "missing: with the action `route` name the one that may answer"
        elif rule.deployment not in known.deployments:
            listed = ", ".join(sorted(known.deployments)[:20]) or "none"
            yield "deployment", f"no deployment `{rule.deployment}`; known: {listed}"
        if _OF_ANSWERS & frozenset(rule.on):
            yield "on", "an answer is there already: `route` is for what is sent"
    elif rule.deployment is not None:
        yield "deployment", "only the action `route` has one; leave it out"


def _doubled(field: str, names: list[str]) -> Iterator[Found]:
    for index, name in enumerate(names):
        if name in names[:index]:
            yield f"{field}[{index}].name", f"`{name}` is taken by another one above"


def _of_schema(schema: dict[str, Any]) -> Iterator[Found]:
    try:
        validator_of(schema)
    except jsonschema_rs.ValidationError as error:
        at = ".".join(("input.json_schema", *map(str, error.instance_path)))
        yield at, f"is no valid JSON Schema: {error.message[:300]}"


def validator_of(schema: dict[str, Any]) -> jsonschema_rs.Validator:
    """Compile a schema; no address in it is fetched. Raises ValidationError."""
    return jsonschema_rs.validator_for(schema, retriever=_refuse_address)


def _refuse_address(address: str) -> NoReturn:
    msg = f"{address[:300]} is not fetched; put what it holds under $defs"
    raise ValueError(msg)
