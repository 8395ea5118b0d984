"""No process loads what only policies, the semantic cache, the learned router or another database
need, unless it is there: each library is weight of every process, and of the machine that many
instances share."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from running import ADMIN, CALLER, within

if TYPE_CHECKING:
    from running import RunningLegato

CONFIG = """\
config_version: 1
providers:
  - {name: vendor, kind: openai_compatible, base_url: "UPSTREAM/v1"}
deployments:
  - {name: small, provider: vendor, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""
OF_POLICIES = {"jsonschema_rs", "re2"}
OPTIONAL = {"phonenumbers", "stdnum", "numpy", "tokenizers", "wordllama", "cel"}
POLICY: dict[str, Any] = {
    "input": {
        "conditions": [{"name": "brief", "when": "input_tokens < 50000", "message": "too long"}],
        "json_schema": {"properties": {"model": {"type": "string"}}},
    },
    "rules": [
        {"name": "zoo", "detect": {"patterns": {"z": "zeb+ra"}}, "action": "block"},
        {"name": "told", "detect": {"labels": ["personal"]}, "on": ["output"], "action": "flag"},
    ],
}


def mapped(pid: int) -> set[str]:
    """Return those of the libraries that a process has mapped."""
    lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    steps = {step for line in lines if "/" in line for step in Path(line.split()[-1]).parts}
    return {one for one in OF_POLICIES | OPTIONAL if any(step.startswith(one) for step in steps)}


def test_starting_imports_none_of_them() -> None:
    ours = {"legato.guardrails.scanning", "legato.evaluation"}
    wanted = sorted(OF_POLICIES | OPTIONAL | ours | {"sqlalchemy.dialects.postgresql"})
    loaded = f"[n for n in {wanted} if n in sys.modules]"
    code = f"import sys, legato.app.processes.supervisor; print({loaded})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_worker_loads_them_with_the_first_policy(legato: RunningLegato) -> None:
    worker = legato.children()[1]
    assert legato.chat("small", "a zebra", key=CALLER).status == 200
    assert [mapped(pid) for pid in legato.children()] == [set()] * len(legato.children())
    made = legato.post(
        "/api/v1/registry/objects/guardrail/animals/versions",
        {"spec": POLICY, "labels": ["production"]},
        ADMIN,
    )
    assert made.status == 201, made.body
    assert within(5, lambda: mapped(worker) >= OF_POLICIES)
    assert within(5, lambda: legato.chat("small", "a zebra").status == 400)
    assert legato.chat("small", "a lion").status == 200
