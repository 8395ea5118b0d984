"""The replay of arrivals with repeated meanings, on a small trace made here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "semantic_traffic.py"


def test_a_replay_ends_with_the_money_saved(tmp_path: Path) -> None:
    trace = tmp_path / "trace.csv"
    lines = [f"2026-01-01 00:00:{number % 60:02}.5,{100 + number},20" for number in range(120)]
    trace.write_text("\n".join(["TIMESTAMP,ContextTokens,GeneratedTokens", *lines]))
    done = subprocess.run(
        [sys.executable, SCRIPT, trace, "--bound", "0.1", "--json"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["requests"] == 120
    assert 20 < report["redundant"] < 60
    assert 0 < report["avoided"] <= report["hits"] == report["avoided"] + report["wrong"]
    assert 120 - report["hits"] <= report["calls"] <= 120
    assert report["saved_usd"] > 0
    assert report["verified"]
