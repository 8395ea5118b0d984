from __future__ import annotations

import pytest

from legato.core.config_routing import RouteRule
from legato.core.errors import ConfigInvalid
from legato.routing.rules.rules import problems_in, rules_of

ABLE = ("small", "large", "local")


def test_the_first_rule_that_fits_decides() -> None:
    rules = rules_of(
        [
            RouteRule(name="code", when='content == "code"', use=["large", "local"]),
            RouteRule(name="night", when="hour < 6", exclude=["large"]),
            RouteRule(name="all", when="hour >= 0", prefer=["local"]),
        ]
    )
    assert rules is not None
    assert rules.variables == {"content", "hour"}

    def left(content: str, hour: int) -> tuple[str, list[str]]:
        rule = rules.decide({"content": content, "hour": hour}, ABLE).rule
        assert rule is not None
        return rule.setting.name, rule.left(ABLE)

    assert left("code", 3) == ("code", ["large", "local"])
    assert left("chat", 3) == ("night", ["small", "local"])
    assert left("chat", 9) == ("all", ["local", "small", "large"])


def test_a_rule_that_would_leave_nothing_is_passed_over_and_told() -> None:
    rules = rules_of(
        [
            RouteRule(name="one", when="stream", use=["large"]),
            RouteRule(name="two", when="stream", exclude=["small"]),
        ]
    )
    assert rules is not None
    ruling = rules.decide({"stream": True}, ("small",))
    assert ruling.rule is None
    assert ruling.emptied == ("one", "two")


def test_a_place_that_a_list_has_not_fails_the_rule_alone() -> None:
    rules = rules_of([RouteRule(name="turns", when="[1, 2][messages] == 2", use=["large"])])
    assert rules is not None
    assert rules.decide({"messages": 1}, ABLE).rule is not None
    assert rules.decide({"messages": 7}, ABLE).failed == ("turns",)


def test_a_missing_key_does_not_hold_and_what_fails_is_told() -> None:
    rules = rules_of(
        [
            RouteRule(name="gold", when='metadata.tier == "gold"', use=["large"]),
            RouteRule(name="odd", when="messages / hour > 1", use=["large"]),
            RouteRule(name="last", when="hour == 0", use=["small"]),
        ]
    )
    assert rules is not None
    ruling = rules.decide({"metadata": {}, "messages": 1, "hour": 0}, ABLE)
    assert ruling.rule is not None
    assert ruling.rule.setting.name == "last"
    assert ruling.failed == ("odd",)


def test_a_route_without_rules_has_none() -> None:
    assert rules_of([]) is None


def test_a_rule_that_cannot_be_compiled_is_named() -> None:
    with pytest.raises(ConfigInvalid, match="rule broken: a request has no 'nothing'"):
        rules_of([RouteRule(name="broken", when="nothing", use=["small"])])


@pytest.mark.parametrize(
    ("rule", "field", "told"),
    [
        (RouteRule(name="a", when="stream"), "use", "changes nothing"),
        (RouteRule(name="a", when="stream", use=["other"]), "use", "`other` is not among"),
        (RouteRule(name="a", when="stream", use=["small"], prefer=["large"]), "use", "beside"),
        (RouteRule(name="a", when="stream", exclude=list(ABLE)), "exclude", "nothing is left"),
        (RouteRule(name="a", when="strem", prefer=["small"]), "when", "has no 'strem'"),
    ],
)
def test_what_is_wrong_with_a_rule_names_its_field(rule: RouteRule, field: str, told: str) -> None:
    ((found, message, remedy),) = problems_in(rule, ABLE)
    assert found == field
    assert told in message
    assert remedy.endswith(".")
