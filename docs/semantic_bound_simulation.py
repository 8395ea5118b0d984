"""Simulates streams of questions in front of the semantic cache's bound, by the code that decides.

`python docs/semantic_bound_simulation.py`
Prints the tables of docs/explanation/semantic-cache-bound.md, with fixed seeds, in some minutes.
"""

import sys
from collections.abc import Callable
from random import Random
from typing import NamedTuple

from legato.matching.bound import UNKNOWN, BoundSettings, Evidence, OnlineBound

STREAMS = 100
REQUESTS = 10_000
BOUND = 0.01
Error = Callable[[int, float], float]
"""How likely a candidate is wrong, from the request's number and what its score expects."""


class Ended(NamedTuple):
    """What a stream came to: shares of all requests."""

    hits: float
    wrong: float
    checked: float


def times(factor: float) -> Error:
    """Wrong hits are so many times those that scores expect."""
    return lambda _, expected: min(1.0, factor * expected)


def turning(before: float, after: float) -> Error:
    """That factor changes after half of a stream."""
    return lambda number, expected: min(
        1.0, (before if number < REQUESTS // 2 else after) * expected
    )


def ran(seed: int, error: Error, settings: BoundSettings, requests: int = REQUESTS) -> Ended:
    """Run one stream from a cold start: a third of the requests have a candidate."""
    random = Random(seed)  # noqa: S311 - reproducible, guards nothing
    bound = OnlineBound(settings)
    hits = wrong = checked = 0
    for number in range(requests):
        score = 1 - random.uniform(0.008, 0.1) if random.random() < 1 / 3 else 0.0
        decision = bound.decide(b"", score, random.random())
        if not decision.serve:
            continue
        right = random.random() >= error(number, 1 - score)
        hits, wrong, checked = hits + 1, wrong + (not right), checked + decision.check
        if decision.check:
            bound.learn(b"", score, right=right)
    return Ended(hits / requests, wrong / requests, checked / max(hits, 1))


def main() -> None:
    """Print the table."""
    write = sys.stdout.write
    write(
        "| evidence | wrong hits to those scores expect | hits | wrong of all, mean | 95th of 100 "
    )
    write("| streams above 1 % | above 1.25 % |\n|---|---|--:|--:|--:|--:|--:|\n")
    kinds: tuple[Evidence, ...] = ("scores", "checks")
    for evidence in kinds:
        for name, error in (
            ("2 times", times(2)),
            ("4 times, as supposed", times(4)),
            ("6 times", times(6)),
            ("10 times", times(10)),
            ("4, from the middle on 10", turning(4, 10)),
            ("every hit is wrong", times(1e9)),
        ):
            settings = BoundSettings(bound=BOUND, evidence=evidence)
            ended = [ran(seed, error, settings) for seed in range(STREAMS)]
            wrong = sorted(one.wrong for one in ended)
            write(
                f"| {evidence} | {name} | {sum(one.hits for one in ended) / STREAMS:.1%} "
                f"| {sum(wrong) / STREAMS:.2%} | {wrong[STREAMS * 95 // 100 - 1]:.2%} "
                f"| {sum(share > BOUND for share in wrong)} "
                f"| {sum(share > 1.25 * BOUND for share in wrong)} |\n"
            )
    _print_learnt()


def _print_learnt() -> None:
    """Print how an embedder does whose scores nobody calibrated."""
    write = sys.stdout.write
    write("\n| wrong hits to those scores expect | bound | requests | hits | wrong of all, mean ")
    write("| most of 20 |\n|---|--:|--:|--:|--:|--:|\n")
    for bound, requests in ((0.01, 10_000), (0.01, 40_000), (0.03, 10_000)):
        settings = BoundSettings(bound=bound, evidence="learnt", prior=UNKNOWN)
        for name, factor in (("4 times", 4), ("10 times", 10), ("30 times", 30), ("all", 1e9)):
            ended = [ran(seed, times(factor), settings, requests) for seed in range(20)]
            wrong = [one.wrong for one in ended]
            write(f"| {name} | {bound:.0%} | {requests:,} ")
            write(f"| {sum(one.hits for one in ended) / 20:.1%} ")
            write(f"| {sum(wrong) / 20:.2%} | {max(wrong):.2%} |\n")


if __name__ == "__main__":
    main()
