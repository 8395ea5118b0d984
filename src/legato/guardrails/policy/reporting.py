"""What policies did over many requests: the basis for enforcing one that only watches."""

from collections.abc import Iterable
from typing import Final

import msgspec

from legato.core.guard_facts import Fired, Guarded

EXAMPLES_MAX: Final = 5


class RuleReport(msgspec.Struct, frozen=True):
    """What one rule of one version found of one label."""

    policy: str
    rule: str
    label: str
    action: str
    mode: str
    requests: int
    findings: int
    examples: tuple[str, ...]
    """Ids of the newest requests: `legato guard explain` tells of each, a capture what it was."""


class Report(msgspec.Struct, frozen=True):
    """What all policies did in a time."""

    requests: int
    """That any policy applied to."""
    acted: dict[str, int]
    """Requests by the strictest action that was taken; "" for none."""
    passed_over: dict[str, int]
    """Requests that passed though a detector couldn't look, by detector."""
    rules: tuple[RuleReport, ...]


Key = tuple[str, str, str, str, str]


def report_of(guarded: Iterable[tuple[str, Guarded]]) -> Report:
    """Sum up requests, by their ids, the oldest first."""
    requests = 0
    acted: dict[str, int] = {}
    passed_over: dict[str, int] = {}
    rules: dict[Key, tuple[list[str], int]] = {}
    for request_id, one in guarded:
        requests += 1
        acted[one.done] = acted.get(one.done, 0) + 1
        for name in one.passed_over:
            passed_over[name] = passed_over.get(name, 0) + 1
        for key, findings in _by_rule(one.fired).items():
            seen, total = rules.get(key, ([], 0))
            seen.append(request_id)
            rules[key] = (seen, total + findings)
    listed = [
        RuleReport(*key, len(seen), findings, tuple(reversed(seen[-EXAMPLES_MAX:])))
        for key, (seen, findings) in rules.items()
    ]
    listed.sort(key=lambda one: (one.policy, -one.requests, one.rule, one.label))
    return Report(requests, acted, passed_over, tuple(listed))


def policy_name(version: str) -> str:
    """Return the name of a policy as its version has it: `guardrail/NAME@3fa9c1d2e4b5`."""
    return version.partition("/")[2].partition("@")[0]


def _by_rule(fired: Iterable[Fired]) -> dict[Key, int]:
    """Put what a rule found in several kinds of place together."""
    found: dict[Key, int] = {}
    for one in fired:
        key = (one.policy, one.rule, one.label, one.action, one.mode)
        found[key] = found.get(key, 0) + one.count
    return found
