"""The published comparison of the twin with reality is within what the page promises."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "explanation" / "twin.md").read_text()
ROW = re.compile(r"^\| (.+?) \| ([\d.,]+) \| ([\d.,]+) \|", re.MULTILINE)


def table(heading: str) -> dict[str, tuple[float, float]]:
    text = PAGE.partition(heading)[2].partition("\n\n|")[2].partition("\n\n")[0]
    return {
        name: (float(said.replace(",", "")), float(was.replace(",", "")))
        for name, said, was in ROW.findall(text)
    }


def off(figures: tuple[float, float]) -> float:
    said, was = figures
    return abs(said - was) / was


def test_the_twin_said_what_came() -> None:
    plain = table("Without a change:")
    outage = table("The outage, said from the run without one:")
    said, was = plain["cost, nano-USD"]
    assert said == was > 0
    for quantile in ("latency ms p50", "latency ms p95"):
        assert off(plain[quantile]) <= 0.05
        assert off(outage[quantile]) <= 0.10
    assert off(outage["cost, nano-USD"]) <= 0.10
    assert off(outage["fell back"]) <= 0.10
