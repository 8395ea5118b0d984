"""Checks a guardrail's policy before it becomes a version, and reads a stored one."""

from collections.abc import Iterator
from typing import Any

import msgspec

from legato.core.config_guardrails import GuardPolicy
from legato.core.errors import ConfigInvalid, InvalidRequest
from legato.core.registry import Kind, ObjectName, digest_of, shown
from legato.guardrails.policy.checking import Known, problems_of
from legato.guardrails.policy.compliance import breaches
from legato.registry.reading import ContentInvalid, Problem, problems_in, unplain
from legato.registry.registry import References
from legato.routing.rules.expression import condition
from legato.routing.rules.lookups import unknown_lookups

_UNNAMED = "policy"


class ComplianceBroken(InvalidRequest):
    """A policy breaks a rule that the operator has switched on."""

    code = "compliance_rule_broken"


def check_guardrail(content: Any, known: Known) -> References:
    """Check a policy written as plain data; return what it names of others.

    Raises:
        ContentInvalid: with all problems, each at its place.
        ComplianceBroken: it breaks rules of the operator; with their names.
    """
    policy = _read(content)
    found = [Problem(*one) for one in every_problem(policy, known)]
    if policy.attach.orgs is not None:
        told = "a policy of the registry is for its own organisation; take this out"
        found.append(Problem("attach.orgs", told))
    if found:
        raise ContentInvalid(Kind.GUARDRAIL, found)
    broken = breaches(policy, known.compliance, known.environment)
    if broken:
        told = "; ".join(f"{one.rule} ({one.field}: {one.told})" for one in broken)
        raise ComplianceBroken(f"the policy breaks {told}", param=broken[0].field)
    return _references(policy)


def every_problem(policy: GuardPolicy, known: Known) -> Iterator[tuple[str, str]]:
    """Yield the field and what is wrong with it: of rules, of schemas and of conditions."""
    yield from problems_of(policy, known)
    for index, terms in enumerate(policy.input.conditions):
        try:
            asked = condition(terms.when).lookups
            for told in unknown_lookups(asked, known.lookups):
                yield f"input.conditions[{index}].when", told
        except ConfigInvalid as error:
            yield f"input.conditions[{index}].when", error.message


def read_guardrail(name: str, content: Any) -> GuardPolicy:
    """Return a stored policy. Raises msgspec.ValidationError where it is none."""
    return msgspec.convert({**content, "name": name}, GuardPolicy)


def version_of(policy: GuardPolicy) -> str:
    """Return how answers and traces name a policy of the file: `guardrail/NAME@3fa9c1d2e4b5`."""
    plain = msgspec.to_builtins(policy)
    name = ObjectName(Kind.GUARDRAIL, plain.pop("name"))
    return shown(name, digest_of(name.kind, plain))


def _read(content: Any) -> GuardPolicy:
    if problems := list(unplain(content)):
        raise ContentInvalid(Kind.GUARDRAIL, problems)
    if isinstance(content, dict) and "name" in content:
        told = "is the object's own name; take it out"
        raise ContentInvalid(Kind.GUARDRAIL, [Problem("name", told)])
    whole = {**content, "name": _UNNAMED} if isinstance(content, dict) else content
    if problems := problems_in(whole, GuardPolicy):
        raise ContentInvalid(Kind.GUARDRAIL, problems)
    return msgspec.convert(whole, GuardPolicy)


def _references(policy: GuardPolicy) -> References:
    routes = {("route", one) for one in policy.attach.routes or ()}
    deployments = {("deployment", one) for one in policy.attach.deployments or ()}
    return frozenset(
        routes
        | deployments
        | {("deployment", rule.deployment) for rule in policy.rules if rule.deployment is not None}
    )
