from __future__ import annotations

from legato.core.guard_facts import Fired, Guarded
from legato.guardrails.policy.reporting import EXAMPLES_MAX, report_of


def fired(count: int = 1, place: str = "input", mode: str = "shadow") -> Fired:
    return Fired("guardrail/p@1", "r", "EMAIL_ADDRESS", "redact", mode, place, count)


def test_what_rules_found_is_summed_by_version_rule_and_label() -> None:
    report = report_of(
        [
            ("1", Guarded(("guardrail/p@1",), (fired(2), fired(3, "document")))),
            ("2", Guarded(("guardrail/p@1",), (fired(),), passed_over=("names",), done="flag")),
            ("3", Guarded(("guardrail/p@1",))),
        ]
    )
    assert (report.requests, report.acted) == (3, {"": 2, "flag": 1})
    assert report.passed_over == {"names": 1}
    (rule,) = report.rules
    assert (rule.requests, rule.findings, rule.examples) == (2, 6, ("2", "1"))


def test_the_newest_requests_are_the_examples() -> None:
    report = report_of((str(n), Guarded(("a",), (fired(),))) for n in range(20))
    assert report.rules[0].examples == tuple(str(n) for n in range(19, 19 - EXAMPLES_MAX, -1))


def test_only_what_is_enforced_and_no_exception_triggers() -> None:
    assert not Guarded(("a",), (fired(),)).triggered
    assert Guarded(("a",), (fired(mode="enforce"),)).triggered
    allowed = Fired("p", "r", "X", "allow", "enforce", "input", 1)
    assert not Guarded(("a",), (allowed,)).triggered
