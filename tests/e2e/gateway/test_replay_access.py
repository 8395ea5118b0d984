"""Decisions made under rules of access: made again by those of then, and by those of now."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest
from running import RunningLegato, within
from test_replay import replayed, settled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
cache: {enabled: false}
providers: [{name: up, kind: simulated}]
deployments:
  - {name: a, provider: up, model: a, price: {input_per_mtok: "1", output_per_mtok: "2"}}
  - {name: b, provider: up, model: b, price: {input_per_mtok: "3", output_per_mtok: "4"}}
routes:
  - {alias: ordered, deployments: [a, b]}
  - {alias: alone, deployments: [a]}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""


@pytest.fixture
def legato(tmp_path: Path) -> Iterator[RunningLegato]:
    running = RunningLegato(tmp_path, CONFIG)
    yield running
    assert running.stop() == 0


def test_decisions_under_rules_of_access_are_made_again(
    legato: RunningLegato, tmp_path: Path
) -> None:
    rule = tmp_path / "rule.yaml"
    rule.write_text("{name: only-b, who: {keys: [ci]}, deployments: [b], tools: {deny: [shell]}}")
    assert legato.command("access", "add", str(rule))

    def deployments(model: str) -> set[str]:
        answer = legato.chat(model, max_tokens=9)
        assert answer.status == 200, answer.body
        return {entry["deployment"] for entry in legato.entries(answer.request_id)}

    assert within(5, lambda: deployments("ordered") == {"b"})
    ruled = legato.chat("ordered", max_tokens=9)
    refused = legato.chat("alone", "refused")
    assert (ruled.status, refused.status) == (200, 403)
    tool = {"type": "function", "function": {"name": "shell", "parameters": {}}}
    assert legato.chat("ordered", "refused", tools=[tool]).status == 403
    settled(legato)
    status, told = replayed(legato)
    assert status == 0, told
    verdicts = Counter(one["verdict"] for one in told)
    assert verdicts["reproduced"] >= 2, told
    unreplayable = [one["causes"] for one in told if one["verdict"] == "unreplayable"]
    assert unreplayable == [["refused for the tools that it declared, which are not kept"]]
    _, again = replayed(legato, "--access-now")
    under_the_rule = {ruled.request_id, refused.request_id}  # others asked before it was heard
    same, then = (
        [one for one in ones if one["request_id"] in under_the_rule] for ones in (again, told)
    )
    assert len(then) == len(under_the_rule)
    assert same == then, "the same rules come to the same"
    legato.command("access", "remove", "only-b")
    status, changed = replayed(legato, "--access-now")
    assert status == 1
    causes = [one["causes"][0] for one in changed if one["verdict"] == "different"]
    assert any("goes to a, then it went to b" in cause for cause in causes), causes
    assert any("an attempt at a that was not made then" in cause for cause in causes), causes
