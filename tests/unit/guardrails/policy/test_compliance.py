from __future__ import annotations

from typing import Any

import msgspec
import pytest

from legato.core.config_guardrails import GuardPolicy
from legato.guardrails.policy.compliance import Unmet, breaches, unmet

SECRETS: dict[str, Any] = {
    "name": "secrets",
    "detect": {"labels": ["secrets"]},
    "action": "block",
}


def policy(*rules: dict[str, Any], **said: Any) -> GuardPolicy:
    plain = {"name": "mine", "rules": list(rules), **said}
    return msgspec.convert(plain, GuardPolicy)


def broken(one: GuardPolicy, *names: str) -> list[tuple[str, str]]:
    return [(each.rule, each.field) for each in breaches(one, names, "production")]


@pytest.mark.parametrize("action", ["allow", "flag", "route"])
def test_secrets_may_not_be_let_out(action: str) -> None:
    mild = policy({**SECRETS, "action": action})
    assert broken(mild, "no-secrets-leave") == [("no-secrets-leave", "rules[0].action")]
    one_label = policy({**SECRETS, "action": action, "detect": {"labels": ["SECRET"]}})
    assert broken(one_label, "no-secrets-leave")
    by_detector = policy({**SECRETS, "action": action, "detect": {"detectors": ["structured"]}})
    assert broken(by_detector, "no-secrets-leave")


def test_what_a_rule_is_not_about_breaks_nothing() -> None:
    elsewhere = policy({**SECRETS, "action": "flag", "on": ["output"]})
    patterns = policy({**SECRETS, "action": "flag", "detect": {"patterns": {"a": "a"}}})
    assert broken(elsewhere, "no-secrets-leave") == broken(patterns, "no-secrets-leave") == []
    assert broken(policy(SECRETS), "no-secrets-leave", "personal-data-masked") == []


def test_shadows_and_exceptions_are_refused_where_the_operator_says_so() -> None:
    shadow = policy(SECRETS, mode="shadow")
    assert broken(shadow, "no-shadow-on-production") == [("no-shadow-on-production", "mode")]
    assert breaches(shadow, ["no-shadow-on-production"], "staging") == []
    excepted = policy({**SECRETS, "action": "allow"})
    assert broken(excepted, "no-exceptions") == [("no-exceptions", "rules[0].action")]
    assert broken(excepted) == []


def test_a_rule_asks_for_one_policy_that_is_for_every_request() -> None:
    names = ["no-secrets-leave"]
    assert unmet([policy(SECRETS)], names) == []
    assert unmet([], names) == [Unmet(names[0])]
    assert unmet([policy(SECRETS, mode="shadow")], names) == [Unmet(names[0])]
    assert unmet([policy(SECRETS, attach={"teams": ["a"]})], names) == [Unmet(names[0])]
    assert unmet([policy({**SECRETS, "on": ["input"]})], names) == [Unmet(names[0])]
    assert unmet([policy({**SECRETS, "action": "flag"})], names) == [Unmet(names[0])]
    excepting = {**SECRETS, "name": "not", "action": "allow", "detect": {"patterns": {"a": "a"}}}
    assert unmet([policy(excepting, SECRETS)], names) == [Unmet(names[0])]


def test_a_rule_that_asks_for_great_scores_does_not_see_to_all() -> None:
    """What a detector is less sure of would go out."""
    names = ["no-secrets-leave"]
    choosy = policy({"name": "a", "detect": {"words": {"x": ["y"]}}, "action": "flag"},
                    {**SECRETS, "at_least": 0.9})  # fmt: skip
    assert unmet([policy(SECRETS, mode="shadow"), choosy], names) == [
        Unmet("no-secrets-leave", "policies[1].rules[1].at_least")
    ]
    assert unmet([choosy, policy({**SECRETS, "at_least": 0.5})], names) == []
