"""Simulates rollouts and writes the tables of docs/explanation/rollouts-statistics.md.

`python docs/rollout_simulation.py` prints them, `--write` puts them into the page, `--rollouts`
says how many each row has. What judges is the code that judges real rollouts.
"""

from __future__ import annotations

import argparse
import math
from bisect import bisect_left
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from random import Random
from statistics import NormalDist, median
from typing import TYPE_CHECKING, NamedTuple

from legato.routing.rollouts.contrast import Scale, Stratum, Unit, contrast
from legato.routing.rollouts.gates import Gate, Metric, Terms, Verdict, judge
from legato.routing.rollouts.moments import Moments
from legato.routing.rollouts.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

PAGE = Path(__file__).parent / "explanation" / "rollouts-statistics.md"
BEGIN, END = "<!-- written by docs/rollout_simulation.py -->\n", "<!-- end of it -->\n"
ROLLOUTS = 1_000
SEED = 20_260_101
SPREAD = 0.5  # of the logarithm of latencies and costs


class Outcome(NamedTuple):
    """In which share of rollouts it ended so, and after how many samples of the candidate."""

    share: float
    samples: float | None


def simulated(
    rollout: Callable[[Random], Iterator[tuple[int, Sequence[Stratum]]]],
    ends: Callable[[Sequence[Stratum]], bool],
    rollouts: int,
) -> Outcome:
    """Run rollouts, each looked at until it ends or its samples do."""
    random = Random(SEED)  # noqa: S311 - a simulation
    ended = []
    for _ in range(rollouts):
        for samples, strata in rollout(random):
            if ends(strata):
                ended.append(samples)
                break
    return Outcome(len(ended) / rollouts, median(ended) if ended else None)


def rolled_back(
    metric: Metric = Metric.ERRORS, terms: Terms | None = None
) -> Callable[[Sequence[Stratum]], bool]:
    """Return a judge that ends a rollout as Legato does."""
    gate, under = Gate(metric), terms or Terms()
    return lambda strata: judge(gate, strata, under).verdict is Verdict.WORSE


def passed(margin: float) -> Callable[[Sequence[Stratum]], bool]:
    """Return a judge that ends a rollout when its errors are proven below a margin."""
    gate = Gate(Metric.ERRORS, margin=margin)
    return lambda strata: gate.passed_by(judge(gate, strata, Terms()))


def rejected_by_a_plain_test(strata: Sequence[Stratum]) -> bool:
    """Judge by a one-sided z-test at 5 %, right for one look and wrong for many."""
    seen = contrast(strata, Scale.RATE)
    return seen is not None and seen.difference > NormalDist().inv_cdf(0.95) * seen.standard_error


# ---------------------------------------------------------------------------- independent requests


@dataclass(frozen=True)
class Traffic:
    """How much comes: the candidate's share, and how often and how long it is looked at."""

    share: float = 0.5
    every: int = 50
    until: int = 2_000

    def champion(self) -> int:
        return round(self.every * (1 - self.share) / self.share)


def failures(
    champion: float, candidate: float, traffic: Traffic
) -> Callable[[Random], Iterator[tuple[int, Sequence[Stratum]]]]:
    """Return rollouts where each request fails by itself with the arm's chance."""
    beside = traffic.champion()
    chances = _binomial(beside, champion), _binomial(traffic.every, candidate)

    def rollout(random: Random) -> Iterator[tuple[int, Sequence[Stratum]]]:
        failed = [0, 0]
        for look in range(1, traffic.until // traffic.every + 1):
            failed = [
                n + bisect_left(chance, random.random())
                for n, chance in zip(failed, chances, strict=True)
            ]
            samples = look * traffic.every
            one, other = look * beside, samples
            moments = Moments.of_rate(one, failed[0]), Moments.of_rate(other, failed[1])
            yield samples, (Stratum(*moments),)

    return rollout


def latencies(
    factor: float, traffic: Traffic
) -> Callable[[Random], Iterator[tuple[int, Sequence[Stratum]]]]:
    """Return rollouts whose latencies are log-normal, the candidate's times a factor."""

    def batch(random: Random, count: int, center: float) -> Moments:
        total = random.gauss(count * center, SPREAD * math.sqrt(count))
        around = SPREAD**2 * random.gammavariate((count - 1) / 2, 2)  # chi-square
        return Moments.of_units(count, total, around + total * total / count)

    return _batches(batch, math.log(factor), 0.0, traffic)


def costs(
    factor: float, traffic: Traffic
) -> Callable[[Random], Iterator[tuple[int, Sequence[Stratum]]]]:
    """Return rollouts whose costs are log-normal, the candidate's times a factor."""

    def batch(random: Random, count: int, times: float) -> Moments:
        drawn = [times * math.exp(random.gauss(0.0, SPREAD)) for _ in range(count)]
        return Moments.of_units(count, sum(drawn), sum(value * value for value in drawn))

    return _batches(batch, factor, 1.0, traffic)


def families(
    candidates: int, traffic: Traffic
) -> Callable[[Random], Iterator[tuple[int, Sequence[Stratum]]]]:
    """Return experiments whose arms all fail in 10 %, with as much traffic each.

    A stratum is one candidate's; all of them have the champion in common.
    """
    chances = _binomial(traffic.every, 0.1)

    def experiment(random: Random) -> Iterator[tuple[int, Sequence[Stratum]]]:
        failed = [0] * (candidates + 1)
        for samples in range(traffic.every, traffic.until + 1, traffic.every):
            failed = [n + bisect_left(chances, random.random()) for n in failed]
            champion, *others = (Moments.of_rate(samples, n) for n in failed)
            yield samples, [Stratum(champion, one) for one in others]

    return experiment


def any_is(verdict: Verdict, candidates: int, gates: int) -> Callable[[Sequence[Stratum]], bool]:
    """Return a judge that ends an experiment when this is found of any candidate."""
    plan = Plan((), (Gate(Metric.ERRORS),) * gates, candidates=candidates)

    def ends(each: Sequence[Stratum]) -> bool:
        findings = (judge(plan.gates[0], [stratum], plan.terms) for stratum in each)
        return any(finding.verdict is verdict for finding in findings)

    return ends


def _batches(
    batch: Callable[[Random, int, float], Moments],
    candidates: float,
    champions: float,
    traffic: Traffic,
) -> Callable[[Random], Iterator[tuple[int, Sequence[Stratum]]]]:
    def rollout(random: Random) -> Iterator[tuple[int, Sequence[Stratum]]]:
        champion = candidate = Moments()
        for samples in range(traffic.every, traffic.until + 1, traffic.every):
            champion += batch(random, traffic.champion(), champions)
            candidate += batch(random, traffic.every, candidates)
            yield samples, (Stratum(champion, candidate),)

    return rollout


def _binomial(count: int, chance: float) -> list[float]:
    """The distribution function, to draw from by bisection."""
    log_odds = math.log(chance) - math.log1p(-chance)
    logs = [
        math.lgamma(count + 1) - math.lgamma(k + 1) - math.lgamma(count - k + 1) + k * log_odds
        for k in range(count + 1)
    ]
    whole = [math.exp(value + count * math.log1p(-chance)) for value in logs]
    return [*list(accumulate(whole))[:-1], 1.0]


# ---------------------------------------------------------------------------- users who come back


@dataclass(frozen=True)
class Users:
    """Users who differ in how much they ask and how often it fails, through steps of a canary."""

    number: int = 1_000
    steps: tuple[float, ...] = (0.05, 0.25, 0.5)
    requests: int = 4_000  # in each step, by both arms
    every: int = 400
    harm: float = 0.0

    def rollout(self, random: Random) -> Iterator[tuple[int, Sequence[Stratum]]]:
        """Yield the strata so far, over users."""
        activity = list(accumulate(random.lognormvariate(0, 1) for _ in range(self.number)))
        chances = [random.betavariate(0.5, 4.5) for _ in range(self.number)]
        points = [random.random() for _ in range(self.number)]
        before: list[Stratum] = []
        samples = 0
        for share in self.steps:
            candidate = [point < share for point in points]
            fails = [
                chance + self.harm * at * (1 - chance)
                for chance, at in zip(chances, candidate, strict=True)
            ]
            counts, totals = [0] * self.number, [0] * self.number
            for asked in range(1, self.requests + 1):
                user = bisect_left(activity, random.random() * activity[-1])
                counts[user] += 1
                totals[user] += random.random() < fails[user]
                samples += candidate[user]
                if not asked % self.every:
                    stratum = _summed(counts, totals, candidate)
                    yield samples, [*before, stratum]
            before.append(stratum)


def as_if_requests(strata: Sequence[Stratum]) -> list[Stratum]:
    """Forget which requests were one user's."""
    return [
        Stratum(*(Moments.of_rate(int(arm.count), int(arm.total)) for arm in arms))
        for arms in ((stratum.champion, stratum.candidate) for stratum in strata)
    ]


def _summed(counts: Sequence[int], totals: Sequence[int], candidate: Sequence[bool]) -> Stratum:
    arms = []
    for wanted in (False, True):
        units = [
            (n, x) for n, x, at in zip(counts, totals, candidate, strict=True) if n and at is wanted
        ]
        n, x = sum(n for n, _ in units), sum(x for _, x in units)
        squares = sum(x * x for _, x in units), sum(n * n for n, _ in units)
        arms.append(Moments(n, x, *squares, sum(n * x for n, x in units)))
    return Stratum(*arms)


# ---------------------------------------------------------------------------- tables


def false_rollbacks(rollouts: int) -> Iterator[tuple[str, Outcome]]:
    """Both arms are the same: every end is a mistake."""
    for chance, traffic in (
        (0.1, Traffic(every=20)),
        (0.1, Traffic(every=100, until=10_000)),
        (0.1, Traffic(share=0.05)),
        (0.01, Traffic()),
        (0.01, Traffic(share=0.05, every=200, until=10_000)),
        (0.5, Traffic()),
        (0.9, Traffic(share=0.05)),
    ):
        row = f"{chance:.0%} fail | {_words(traffic)}"
        yield row, simulated(failures(chance, chance, traffic), rolled_back(), rollouts)
    traffic = Traffic()
    for metric, rollout in (
        (Metric.LATENCY, latencies(1.0, traffic)),
        (Metric.COST, costs(1.0, traffic)),
    ):
        yield f"{metric} | {_words(traffic)}", simulated(rollout, rolled_back(metric), rollouts)
    plain = simulated(failures(0.1, 0.1, Traffic(every=20)), rejected_by_a_plain_test, rollouts)
    yield f"10% fail, a plain z-test | {_words(Traffic(every=20))}", plain


def power(rollouts: int) -> Iterator[tuple[str, Outcome]]:
    """The candidate is worse: every rollback is right."""
    for drop, share, gates in (
        (0.02, 0.5, 1),
        (0.03, 0.5, 1),
        (0.05, 0.5, 1),
        (0.05, 0.5, 3),
        (0.05, 0.05, 1),
        (0.1, 0.5, 1),
        (0.5, 0.5, 1),
    ):
        traffic = Traffic(share=share)
        judged = rolled_back(terms=Terms(comparisons=gates))
        outcome = simulated(failures(0.1, 0.1 + drop, traffic), judged, rollouts)
        yield f"10% → {0.1 + drop:.0%} fail | {gates} | {_words(traffic)}", outcome
    traffic = Traffic()
    for row, metric, rollout in (
        ("latency +10%", Metric.LATENCY, latencies(1.1, traffic)),
        ("cost +20%", Metric.COST, costs(1.2, traffic)),
    ):
        outcome = simulated(rollout, rolled_back(metric), rollouts)
        yield f"{row} | 1 | {_words(traffic)}", outcome


def false_passes(rollouts: int) -> Iterator[tuple[str, Outcome]]:
    """A margin of two points: passing is wrong in the first row, right in the others."""
    traffic = Traffic(every=100, until=10_000)
    for candidate in (0.12, 0.11, 0.1, 0.09):
        outcome = simulated(failures(0.1, candidate, traffic), passed(0.02), rollouts)
        yield f"10% → {candidate:.0%} fail | {_words(traffic)}", outcome


def several_candidates(rollouts: int) -> Iterator[tuple[str, Outcome]]:
    """All arms are the same: whatever is found of any candidate is a mistake."""
    traffic = Traffic(every=50, until=2_000)
    for candidates in (2, 4, 8):
        for mistake, verdict in (
            ("taken out", Verdict.WORSE),
            ("named better", Verdict.BETTER),
        ):
            row = (
                f"{candidates} | {mistake} | every {traffic.every} of each up to {traffic.until:,}"
            )
            judged = any_is(verdict, candidates, 1)
            yield row, simulated(families(candidates, traffic), judged, rollouts)
    undivided = any_is(Verdict.WORSE, 1, 1)
    row = (
        f"8, alpha not divided | taken out | every {traffic.every} of each up to {traffic.until:,}"
    )
    yield row, simulated(families(8, traffic), undivided, rollouts)


def returning_users(rollouts: int) -> Iterator[tuple[str, Outcome]]:
    """Sticky users who differ: how they are counted decides whether the test holds."""
    by_user, by_request = rolled_back(), rolled_back(terms=Terms(unit=Unit.REQUEST))
    three = Users()
    ten = Users(400, tuple((32 + 2 * n) / 100 for n in range(10)), 2_000, 1_000)
    few = max(rollouts // 5, 1)

    def ignorant(strata: Sequence[Stratum]) -> bool:
        return by_request(as_if_requests(strata))

    for worse, users, counted, judged in (
        ("no", three, "request", ignorant),
        ("no", three, "user", by_user),
        ("10%", replace(three, harm=0.1), "user", by_user),
        ("no", ten, "request", ignorant),
        ("no", ten, "user, steps taken as independent", by_request),
        ("no", ten, "user", by_user),
    ):
        row = f"{worse} | {len(users.steps)} | {counted}"
        yield row, simulated(users.rollout, judged, few)


TABLES = (
    ("both arms | traffic | rolled back falsely | median samples then", false_rollbacks),
    ("change | gates | traffic | rolled back | median samples until then", power),
    ("change | traffic | passed | median samples until then", false_passes),
    ("candidates | any is | traffic | falsely | median samples then", several_candidates),
    ("worse | steps | counted by | rolled back | median samples until then", returning_users),
)


def tables(rollouts: int) -> Iterator[str]:
    """Yield each table as Markdown."""
    for head, rows in TABLES:
        columns = head.count("|") + 1
        lines = [f"| {head} |", "|---|" + "---|" * (columns - 3) + "--:|--:|"]
        for row, outcome in rows(rollouts):
            samples = "" if outcome.samples is None else f"{outcome.samples:,.0f}"
            lines.append(f"| {row} | {outcome.share:.1%} | {samples} |")
        yield "\n".join(lines) + "\n"


def page(rollouts: int) -> str:
    """Return the page with the tables in their places."""
    parts = PAGE.read_text(encoding="utf-8").split(BEGIN)
    for number, table in enumerate(tables(rollouts), start=1):
        parts[number] = f"\n{table}\n{END}{parts[number].partition(END)[2]}"
    return BEGIN.join(parts)


def _words(traffic: Traffic) -> str:
    return (
        f"{traffic.share:.0%} candidate, every {traffic.every} of its samples "
        f"up to {traffic.until:,}"
    )


def main() -> None:
    """Print the tables, or write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rollouts", type=int, default=ROLLOUTS)
    parser.add_argument("--write", action="store_true", help="into the page")
    options = parser.parse_args()
    if options.write:
        PAGE.write_text(page(options.rollouts), encoding="utf-8")
    else:
        for table in tables(options.rollouts):
            print(table, flush=True)


if __name__ == "__main__":
    main()
