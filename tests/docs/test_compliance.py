"""The page on compliance lists the live checks as they are."""

from pathlib import Path

from legato.app.checks.compliance_rules import BY_FRAMEWORK, SAVED_RULES
from legato.app.compliance.checks import CHECKS

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "compliance.md").read_text()


def test_every_check_stands_with_what_it_looks_at() -> None:
    for name, check in CHECKS.items():
        heavy = " (daily)" if check.heavy else ""
        assert f"| `{name}` | {check.looks_at}{heavy} |" in PAGE
    assert PAGE.count("\n| `") - 4 == len(CHECKS) + len(SAVED_RULES)


def test_every_rule_stands_with_what_switches_it_on() -> None:
    for name, rule in SAVED_RULES.items():
        by = [f"`{one.value}`" for one in BY_FRAMEWORK if name in BY_FRAMEWORK[one]]
        assert f"| `{name}` | {rule.meaning} | {', '.join(by)} |" in PAGE
