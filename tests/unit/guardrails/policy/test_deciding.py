from __future__ import annotations

from typing import Any

import msgspec
import pytest

from legato.core.config_guardrails import GuardPolicy
from legato.core.guard_facts import shown_pointer
from legato.core.guarding import Action, Finding, Piece, Place
from legato.guardrails.policy.compiling import CompiledPolicy, compiled_policy
from legato.guardrails.policy.deciding import Verdict, merged, verdict_of

TEXT = "mail a@b.c, key K"
MAIL, KEY = Finding("EMAIL_ADDRESS", 5, 10, 1.0, "d"), Finding("SECRET", 16, 17, 0.7, "d")


def policy(*rules: dict[str, Any], **said: Any) -> CompiledPolicy:
    plain = {"name": "p", "rules": list(rules), **said}
    return compiled_policy(msgspec.convert(plain, GuardPolicy), "guardrail/p@1")


def rule(action: str, *labels: str, **said: Any) -> dict[str, Any]:
    name = said.pop("name", f"{action}-{'-'.join(labels)}")
    return {"name": name, "detect": {"labels": list(labels)}, "action": action, **said}


def verdict(*policies: CompiledPolicy, place: Place = Place.INPUT) -> Verdict:
    piece = Piece(TEXT, "/messages/0/content", place)
    return verdict_of(policies, [(piece, [MAIL, KEY])])


def fired(found: Verdict) -> list[tuple[str, str, str]]:
    return [(one.rule, one.label, one.mode) for one in found.fired]


def test_the_first_rule_of_a_policy_decides() -> None:
    found = verdict(policy(rule("flag", "EMAIL_ADDRESS"), rule("redact", "personal", "secrets")))
    assert found.action is Action.REDACT
    assert [one.findings for one in found.masked] == [(KEY,)]


@pytest.mark.parametrize("order", [1, -1])
def test_of_several_policies_the_strictest_wins(order: int) -> None:
    policies = [policy(rule("flag", "personal")), policy(rule("block", "personal"))][::order]
    found = verdict(*policies)
    assert found.action is Action.BLOCK
    assert found.blocking is not None
    assert found.blocking.finding == MAIL


def test_an_exception_holds_for_what_lies_within_it_and_for_its_own_policy_alone() -> None:
    ours = {"name": "ours", "detect": {"patterns": {"o": "[a-z]@b"}}, "action": "allow"}
    wide = {"name": "ours", "detect": {"patterns": {"o": "[a-z]@b[.]c"}}, "action": "allow"}
    strict = rule("block", "EMAIL_ADDRESS")
    assert verdict(policy(ours, strict)).action is Action.BLOCK  # it covers only a part
    assert verdict(policy(wide, strict)).action is Action.ALLOW
    assert verdict(policy(wide, strict), policy(strict)).action is Action.BLOCK


def test_a_shadow_fires_and_does_nothing() -> None:
    found = verdict(policy(rule("block", "personal"), mode="shadow"))
    assert (found.action, found.blocking, found.masked) == (None, None, ())
    assert fired(found) == [("block-personal", "EMAIL_ADDRESS", "shadow")]


def test_scores_places_and_detectors_are_asked_for() -> None:
    assert verdict(policy(rule("block", "secrets", at_least=0.8))).action is None
    assert verdict(policy(rule("block", "secrets")), place=Place.OUTPUT).action is None
    by_other = {"name": "a", "detect": {"detectors": ["e"]}, "action": "block"}
    by_this = {"name": "a", "detect": {"detectors": ["d"]}, "action": "block"}
    assert verdict(policy(by_other)).action is None
    assert verdict(policy(by_this)).action is Action.BLOCK


def test_one_deployment_is_named_for_what_may_go_nowhere_else() -> None:
    found = verdict(policy(rule("route", "secrets", deployment="inside")))
    assert (found.action, found.deployments) == (Action.ROUTE, ("inside",))


def test_what_overlaps_is_masked_once_by_the_longest_name() -> None:
    some = [Finding("A", 0, 4), Finding("B", 2, 12), Finding("C", 12, 13)]
    assert [(one.label, one.start, one.end) for one in merged(some)] == [
        ("B", 0, 12),
        ("C", 12, 13),
    ]


def test_pointers_tell_no_names_that_a_caller_chose() -> None:
    assert shown_pointer("/messages/0/content/1/text") == "/messages/0/content/1/text"
    assert shown_pointer("/metadata/alice@example.com#") == "/metadata/*#"
