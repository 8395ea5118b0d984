"""Simulates watches over scores, by the code that watches real ones.

`python docs/drift_simulation.py`
Prints the tables of docs/explanation/drift-statistics.md, with a fixed seed, in about a minute.
"""

import sys
from collections.abc import Callable
from random import Random
from statistics import median

from legato.insights.drift import Direction, Drift, Terms, Watch, watched

WATCHES = 200
CHANGED_AT = 1_500
TERMS = Terms()
Draw = Callable[[Random], float]


def passes(share: float) -> Draw:
    """Return draws of scores that are 1 with a probability, else 0."""
    return lambda random: float(random.random() < share)


def level(mean: float) -> Draw:
    """Return draws of five levels around a mean, as rubrics give them."""
    return lambda random: min(4, max(0, round(random.gauss(4 * mean, 0.8)))) / 4


def ran(seed: int, before: Draw, after: Draw, count: int) -> tuple[Drift | None, int]:
    """Return the alarm of one watch, None for none, and after how many scores it was raised."""
    random, watch = Random(seed), Watch()  # noqa: S311 - reproducible, guards nothing
    for number in range(1, count + 1):
        draw = before if number <= CHANGED_AT else after
        watch, drift = watched(watch, [draw(random)], TERMS)
        if drift is not None:
            return drift, number
    return None, count


def row(before: Draw, after: Draw, count: int) -> tuple[float, str]:
    """Return the share of watches that raised the alarm, and the median of scores until then."""
    alarms = [ran(seed, before, after, count) for seed in range(WATCHES)]
    found = [number - CHANGED_AT for drift, number in alarms
             if drift is not None and drift.direction is Direction.LOWER]  # fmt: skip
    raised = sum(drift is not None for drift, _ in alarms)
    return raised / WATCHES, f"{median(found):,.0f}" if found else "-"


def main() -> None:
    """Print both tables."""
    write = sys.stdout.write
    write("| nothing changes | scores | false alarms |\n|---|--:|--:|\n")
    for name, draw in (
        ("90 % pass", passes(0.9)),
        ("50 % pass", passes(0.5)),
        ("98 % pass", passes(0.98)),
        ("five levels, mean 0.7", level(0.7)),
    ):
        share, _ = row(draw, draw, 4_000)
        write(f"| {name} | 4,000 | {share:.1%} |\n")
    write("\n| change | found within 1,500 scores | median scores until then |\n|---|--:|--:|\n")
    for name, before, after in (
        ("90 % → 85 % pass", passes(0.9), passes(0.85)),
        ("90 % → 80 % pass", passes(0.9), passes(0.8)),
        ("90 % → 70 % pass", passes(0.9), passes(0.7)),
        ("five levels, 0.70 → 0.65", level(0.7), level(0.65)),
        ("five levels, 0.70 → 0.60", level(0.7), level(0.6)),
    ):
        share, scores = row(before, after, CHANGED_AT + 1_500)
        write(f"| {name} | {share:.1%} | {scores} |\n")


if __name__ == "__main__":
    main()
