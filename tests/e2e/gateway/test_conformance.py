"""`legato conformance` against ourselves: everything passes, nothing is skipped."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from running import CALLER, RunningLegato

from legato.cli.conformance.catalogue import CHECKS, chosen

if TYPE_CHECKING:
    from legato.providers.simulated.child import SimulatedChild

CONFIG = """\
config_version: 1
retry: {attempts_max: 1}
providers:
  - {name: open, kind: openai_compatible, base_url: "UPSTREAM/v1", api_key: {env: CALLER_KEY}}
  - {name: other, kind: anthropic, base_url: "UPSTREAM", api_key: {env: CALLER_KEY}}
deployments:
  - {name: chat, provider: open, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
  - {name: vectors, provider: open, model: e, price: {input_per_mtok: "1", output_per_mtok: "0"}}
  - {name: claude, provider: other, model: m, price: {input_per_mtok: "3", output_per_mtok: "15"}}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""
EVERY_DIALECT = ("messages", "responses", "chat.stream.", "line", "errors")


def conformance(
    legato: RunningLegato, *more: str, key: str = CALLER
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "legato", "conformance", "--url", f"{legato.url}/v1", *more],
        env=legato.environment | {"LEGATO_KEY": key},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.fixture
def splitting(upstream: SimulatedChild) -> SimulatedChild:
    """The provider cuts its packets within letters; its answers hold some outside ASCII."""
    upstream.change(framing="split", output_tokens=48)
    return upstream


@pytest.mark.slow
def test_we_pass_with_nothing_skipped(legato: RunningLegato, splitting: SimulatedChild) -> None:
    asked = ("--model", "chat", "--embedding-model", "vectors", "--json")
    done = conformance(legato, *asked)
    results: list[dict[str, Any]] = json.loads(done.stdout)
    assert {row["name"]: row["reason"] for row in results if row["outcome"] != "pass"} == {}
    assert [row["name"] for row in results] == [check.name for check in CHECKS]
    assert (done.returncode, done.stderr) == (0, "")


def test_we_pass_in_front_of_another_dialect(
    legato: RunningLegato, splitting: SimulatedChild
) -> None:
    only = [word for prefix in EVERY_DIALECT for word in ("--only", prefix)]
    done = conformance(legato, "--model", "claude", "--json", *only)
    results: list[dict[str, Any]] = json.loads(done.stdout)
    assert {row["name"]: row["reason"] for row in results if row["outcome"] == "fail"} == {}
    # Anthropic has no n.
    skipped = {row["name"]: row["reason"] for row in results if row["outcome"] == "skip"}
    assert set(skipped) == {"chat.stream.n"}
    assert "refuses n" in skipped["chat.stream.n"]
    assert done.returncode == 0


def test_the_lines_a_person_reads(legato: RunningLegato, upstream: SimulatedChild) -> None:
    done = conformance(legato, "--model", "chat", "--only", "models", "--only", "embeddings")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("pass  models.list  ")
    assert lines[1].startswith("skip  embeddings.floats  ")
    assert lines[2].strip() == "no --embedding-model was given"
    count = len(chosen(("embeddings",)))
    assert lines[-1] == f"1 passed, 0 failed, {count} skipped"
    assert done.returncode == 0


def test_what_the_server_lacks_fails(legato: RunningLegato, upstream: SimulatedChild) -> None:
    upstream.change(error_rate=1.0, fault_calls_max=2)
    done = conformance(legato, "--model", "chat", "--only", "chat.shape", "--only", "chat.usage")
    assert done.returncode == 1
    assert "legato: /v1/chat/completions answers 503" in done.stderr
    wrong = conformance(legato, "--model", "chat", "--only", "models", key="lg-nobody")
    assert wrong.returncode == 1
    assert "401" in wrong.stderr


def test_a_check_without_a_name_like_it_is_refused(legato: RunningLegato) -> None:
    done = conformance(legato, "--model", "chat", "--only", "nothing")
    assert done.returncode == 2
    assert "nothing" in done.stderr
