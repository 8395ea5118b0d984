"""The example workflows run to their ends, and the office did what they say, each once."""

from __future__ import annotations

import json
import secrets
import socket
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[3] / "examples" / "workflows" / "run.py"
ENDED = (
    ("support_triage", "done", '"paid_back": true'),
    ("support_triage", "done", '"paid_back": true'),
    ("support_triage", "done", '"paid_back": false'),
    ("service_desk", "done", "credit note"),
    ("document_intake", "done", '"total": 120.5'),
    ("document_intake", "failed", "Nobody could make an invoice"),
    ("know_your_customer", "done", '"accepted": true'),
    ("know_your_customer", "done", '"accepted": false'),
    ("claims", "done", '"straight_through": true'),
    ("claims", "done", '"paid": false'),
    ("nightly", "done", '"all": 60'),
)
DONE = [("refund", "30.0"), ("refund", "400.0"), ("claim", "800.0")]


@pytest.mark.soak
def test_they_run_to_their_ends() -> None:
    command = [sys.executable, str(EXAMPLE), "--rows", "60"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    runs = [line for line in lines if not line.startswith("the office: ")]
    assert len(runs) == len(ENDED)
    for line, (workflow, status, told) in zip(runs, ENDED, strict=True):
        assert line.split()[:2] == [workflow, status]
        assert told in line
    office = [line for line in lines if line.startswith("the office: ")]
    assert len(office) == len(DONE)
    for line, (kind, amount) in zip(office, DONE, strict=True):
        assert f"'kind': '{kind}', 'asked': 1, 'amount': {amount}" in line


@pytest.mark.soak
def test_readings_of_machines_begin_runs_that_act_once() -> None:
    try:
        socket.create_connection(("127.0.0.1", 1883), 3).close()
    except OSError:
        pytest.skip("no MQTT broker answers at 127.0.0.1:1883")
    script = EXAMPLE.with_name("maintenance.py")
    command = [sys.executable, str(script), "--prefix", f"legato-{secrets.token_hex(4)}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    runs = [json.loads(line.partition(" ")[2]) for line in lines if line.startswith("done ")]
    assert sorted((one["machine"], round(one["wear"], 3), one["technician"]) for one in runs) == [
        ("pump-7", 0.2, None), ("pump-7", 0.4, None), ("pump-7", 0.6, "2026-12-02"),
        ("pump-8", 0.025, None), ("pump-8", 0.05, None),
    ]  # fmt: skip
    office = [line for line in lines if line.startswith("the office: ")]
    assert ["'kind': 'order'" in line or "'kind': 'visit'" in line for line in office] == [True] * 2
    assert all("'asked': 1" in line for line in office)
