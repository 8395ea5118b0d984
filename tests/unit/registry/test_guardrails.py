from __future__ import annotations

from typing import Any

import pytest

from legato.core.errors import InvalidRequest
from legato.guardrails.policy.checking import Known
from legato.registry.guardrails import (
    ComplianceBroken,
    check_guardrail,
    read_guardrail,
    version_of,
)
from legato.registry.reading import ContentInvalid

KNOWN = Known(
    detectors={"structured": frozenset({"EMAIL_ADDRESS", "SECRET"}), "own": frozenset({"BAD"})},
    deployments=frozenset({"local"}),
    compliance=("no-secrets-leave",),
)
RULE: dict[str, Any] = {"name": "mails", "detect": {"labels": ["personal"]}, "action": "redact"}


def problems(content: Any) -> list[str]:
    with pytest.raises(ContentInvalid) as caught:
        check_guardrail(content, KNOWN)
    return [one.place for one in caught.value.problems]


def test_a_policy_names_routes_and_deployments() -> None:
    content = {
        "attach": {"routes": ["chat"], "teams": ["a"]},
        "rules": [RULE, {**RULE, "name": "bad", "action": "route", "deployment": "local"}],
    }
    assert check_guardrail(content, KNOWN) == {("route", "chat"), ("deployment", "local")}


@pytest.mark.parametrize(
    ("content", "places"),
    [
        ({}, ["rules"]),
        ({"name": "a", "rules": [RULE]}, ["name"]),
        ({"rules": [RULE], "attach": {"orgs": ["other"]}}, ["attach.orgs"]),
        ({"rules": [RULE, RULE]}, ["rules[1].name"]),
        ({"rules": [{**RULE, "detect": {}}]}, ["rules[0].detect"]),
        ({"rules": [{**RULE, "detect": {"labels": ["EMAIL"]}}]}, ["rules[0].detect.labels"]),
        ({"rules": [{**RULE, "detect": {"detectors": ["x"]}}]}, ["rules[0].detect.detectors"]),
        (
            {"rules": [{**RULE, "detect": {"patterns": {"a": "("}}}]},
            ["rules[0].detect.patterns.a"],
        ),
        ({"rules": [{**RULE, "action": "route"}]}, ["rules[0].deployment"]),
        ({"rules": [{**RULE, "deployment": "local"}]}, ["rules[0].deployment"]),
        (
            {"rules": [{**RULE, "action": "route", "deployment": "local", "on": ["output"]}]},
            ["rules[0].on"],
        ),
        ({"rules": [{**RULE, "action": "ask"}]}, ["rules[0].action"]),
        ({"input": {"json_schema": {"type": "x"}}}, ["input.json_schema.type"]),
        (
            {"input": {"conditions": [{"name": "a", "when": "nope()", "message": "no"}]}},
            ["input.conditions[0].when"],
        ),
    ],
)
def test_every_problem_is_told_at_its_place(content: Any, places: list[str]) -> None:
    assert problems(content) == places


def test_labels_of_own_detectors_are_known() -> None:
    rule = {**RULE, "detect": {"labels": ["BAD"], "detectors": ["own"]}, "action": "block"}
    assert check_guardrail({"rules": [rule]}, KNOWN) == frozenset()


def test_what_breaks_a_compliance_rule_is_refused_by_its_name() -> None:
    mild = {**RULE, "detect": {"labels": ["SECRET"]}, "action": "flag"}
    with pytest.raises(ComplianceBroken, match="no-secrets-leave") as caught:
        check_guardrail({"rules": [mild]}, KNOWN)
    assert isinstance(caught.value, InvalidRequest)
    assert caught.value.param == "rules[0].action"


def test_the_version_is_that_of_the_content_whichever_way_it_was_written() -> None:
    short, long = {"rules": [RULE]}, {"rules": [{**RULE, "at_least": 0.5}], "mode": "enforce"}
    assert version_of(read_guardrail("a", short)) == version_of(read_guardrail("a", long))
    assert version_of(read_guardrail("a", short)).startswith("guardrail/a@")
