"""The worked example runs to its end, and what it prints closes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[3] / "examples" / "company" / "run.py"
BAR = re.compile(r"^  (\w+) +(-?[\d,.]+) USD$", re.MULTILINE)


@pytest.mark.soak
def test_the_worked_example_closes(tmp_path: Path) -> None:
    command = [sys.executable, str(EXAMPLE), "--speed", "20", "--out", str(tmp_path / "company")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr
    bars = {name: float(usd.replace(",", "")) for name, usd in BAR.findall(done.stdout)}
    assert sum(bars.values()) - bars["cost"] == pytest.approx(bars["cost"], abs=1e-5)
    assert bars["cache"] < 0
    assert bars["routing"] < 0
    for name in ("direct cost a month", "upkeep a month", "break-even"):
        (line,) = [line for line in done.stdout.splitlines() if line.startswith(name)]
        assert ("not met" in line) is (name == "upkeep a month"), line
    assert (tmp_path / "company" / "report.xlsx").stat().st_size > 10_000
