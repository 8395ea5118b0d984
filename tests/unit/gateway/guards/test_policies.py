"""Which policies a call comes under, by how far it may get."""

from __future__ import annotations

from typing import Any

import msgspec

from legato.core.config_guardrails import GuardPolicy
from legato.core.guarding import Reach
from legato.core.principal import Principal
from legato.gateway.guards.policies import Policies
from legato.guardrails.policy.compiling import compiled_policy

RULE = {"name": "r", "detect": {"words": {"w": ["Kestrel"]}}, "action": "redact"}


def policies(*said: dict[str, Any]) -> Policies:
    given = [msgspec.convert({"rules": [RULE], **one}, GuardPolicy) for one in said]
    compiled = [compiled_policy(one, one.name) for one in given]
    return Policies(compiled, dict, complete=True)


def applied(known: Policies, names: set[str], deployments: set[str]) -> tuple[str, ...]:
    caller = Principal("id", "ci", "default", "platform", "tests")
    return known.applying(caller, Reach(frozenset(names), frozenset(deployments))).versions


def test_a_policy_of_a_deployment_holds_wherever_it_may_be_asked() -> None:
    known = policies({"name": "d", "attach": {"deployments": ["inside"]}})
    assert applied(known, {"chat"}, {"small", "inside"}) == ("d",)
    assert applied(known, {"inside"}, {"inside"}) == ("d",)
    assert applied(known, {"inside"}, {"small"}) == ()


def test_where_a_rule_sends_to_has_its_policies_too() -> None:
    sends = {**RULE, "action": "route", "deployment": "inside"}
    further = {**RULE, "action": "route", "deployment": "cellar"}
    known = policies(
        {"name": "a", "attach": {"deployments": ["cellar"]}},
        {"name": "b", "attach": {"deployments": ["inside"]}, "rules": [further]},
        {"name": "c", "attach": {"routes": ["chat"]}, "rules": [sends]},
    )
    assert applied(known, {"chat"}, {"small"}) == ("a", "b", "c")
    assert applied(known, {"other"}, {"small"}) == ()


def test_a_copy_reaches_what_its_call_did_and_what_it_does() -> None:
    known = policies(
        {"name": "a", "attach": {"routes": ["first"]}},
        {"name": "b", "attach": {"routes": ["second"]}},
    )
    both = Reach(frozenset({"first"})) | Reach(frozenset({"second"}))
    assert applied(known, set(both.names), set()) == ("a", "b")
