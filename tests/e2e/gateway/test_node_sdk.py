"""The official OpenAI SDK for Node against Legato; the checks themselves are in JavaScript."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from running import CALLER, within

if TYPE_CHECKING:
    from running import RunningLegato

    from legato.providers.simulated.child import SimulatedChild

HERE = Path(__file__).parents[1] / "node"
NODE = shutil.which("node")
pytestmark = [
    pytest.mark.skipif(NODE is None, reason="node is not installed"),
    pytest.mark.skipif(
        not (HERE / "node_modules" / "openai").is_dir(),
        reason="the SDK for Node is not installed: make .make/node",
    ),
]
CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
cache: {enabled: false}
retry: {attempts_max: 1}
providers:
  - {name: open, kind: openai_compatible, base_url: "UPSTREAM/v1"}
  - {name: other, kind: anthropic, base_url: "UPSTREAM", api_key: {env: CALLER_KEY}}
deployments:
  - {name: chat, provider: open, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
  - {name: translated, provider: other, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
  - {name: limited, provider: open, model: limited, price: {input_per_mtok: "1", output_per_mtok: "2"}}
  - {name: hiccup, provider: open, model: hiccup, price: {input_per_mtok: "1", output_per_mtok: "2"}}
  - {name: cut, provider: open, model: cut, price: {input_per_mtok: "1", output_per_mtok: "2"}}
  - {name: slow, provider: open, model: slow, price: {input_per_mtok: "1", output_per_mtok: "2"}}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""  # noqa: E501 - one deployment a line
MODELS = {
    "limited": {"rate429": 1.0, "retry_after_s": 1},
    "hiccup": {"rate429": 1.0, "retry_after_s": None, "retry_after_ms": 400, "fault_calls_max": 1},
    "cut": {"cut_rate": 1.0, "cut_after_events": 5, "itl_ms": 10},
    "slow": {"itl_ms": 50, "output_tokens": 1000},
}
CHECKS = [
    "chat", "streaming", "tools", "embeddings", "models", "errors", "retries",
    "an error in mid-stream", "leaving",
]  # fmt: skip


@pytest.fixture(scope="module")
def outcomes(legato: RunningLegato, upstream_of_module: SimulatedChild) -> dict[str, str | None]:
    upstream_of_module.change(models=MODELS)
    done = subprocess.run(
        [str(NODE), "checks.mjs", f"{legato.url}/v1", CALLER],
        cwd=HERE,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, str | None] = json.loads(done.stdout)
    assert sorted(found) == sorted(CHECKS)
    return found


@pytest.mark.parametrize("check", CHECKS)
def test_the_sdk_for_node(outcomes: dict[str, str | None], check: str) -> None:
    assert outcomes[check] is None, outcomes[check]


def test_leaving_cancelled_the_provider(
    outcomes: dict[str, str | None], upstream_of_module: SimulatedChild
) -> None:
    assert within(1, lambda: upstream_of_module.counts()["in_flight"] == 0)
    assert upstream_of_module.counts()["by_outcome"]["client_gone"] == 1
