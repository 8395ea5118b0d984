"""Simulates hourly spend with spikes in it, and finds them by the code that watches real spend.

`python docs/anomaly_simulation.py`
Prints the table of docs/explanation/anomaly-statistics.md, with fixed seeds, in about two minutes.
`tuning` is the family that the terms were chosen on; the others were looked at afterwards.
"""

import math
import sys
from random import Random
from typing import NamedTuple

from legato.economics.anomalies.detection import (
    WEEK_HOURS,
    Hour,
    Terms,
    judge,
    learn,
)

TERMS = Terms()
HISTORY_WEEKS = 8
WATCHED_WEEKS = 4
SERIES = 60
SPIKES = 4
"""Of each series, in the watched weeks."""
NANO = 1_000_000_000


class Family(NamedTuple):
    """How series are made: ranges that each draws from."""

    name: str
    seed: int
    requests: tuple[float, float]
    """An hour, at the busiest (drawn on a logarithmic scale)."""
    noise: tuple[float, float]
    """Standard deviation of the logarithm of an hour's rate, about a third of it lasting."""
    request_usd: tuple[float, float]
    scatter: float
    """Standard deviation of the logarithm of a request's cost."""
    growth: float
    """A week, up to so much up or down."""
    holidays: int
    """Days of which each has a fifth of its traffic."""
    spike: float = 3.0
    history_weeks: int = HISTORY_WEEKS


FAMILIES = (
    Family("tuning", 11, (50, 2_000), (0.08, 0.25), (0.005, 0.05), 0.8, 0.02, 1),
    Family("other sizes and noise", 9101, (30, 5_000), (0.05, 0.3), (0.003, 0.1), 1.0, 0.05, 2),
    Family("steep growth", 9202, (50, 2_000), (0.08, 0.25), (0.005, 0.05), 0.8, 0.12, 1),
    Family("few, dear requests", 9303, (10, 60), (0.1, 0.25), (0.1, 1.0), 1.0, 0.03, 1),
    Family("noisy", 9404, (50, 2_000), (0.3, 0.45), (0.005, 0.05), 0.8, 0.03, 2),
    Family("two weeks known", 9505, (30, 5_000), (0.05, 0.3), (0.003, 0.1), 1.0, 0.05, 1,
           history_weeks=2),
    Family("spikes of 2", 9606, (30, 5_000), (0.05, 0.3), (0.003, 0.1), 1.0, 0.05, 2, spike=2.0),
)  # fmt: skip


class Made(NamedTuple):
    """A series, and where the spikes are: hours from the first to the one behind the last."""

    hours: list[Hour]
    spikes: list[tuple[int, int]]


def made(family: Family, number: int) -> Made:
    """Return one series."""
    random = Random(family.seed * 1_000 + number)  # noqa: S311 - reproducible, guards nothing
    busiest = math.exp(random.uniform(*map(math.log, family.requests)))
    price = random.uniform(*family.request_usd)
    noise, growth = random.uniform(*family.noise), random.uniform(-family.growth, family.growth)
    weekend, night = random.uniform(0.2, 0.9), random.uniform(0.05, 0.4)
    peak = random.uniform(9, 17)
    count = (family.history_weeks + WATCHED_WEEKS) * WEEK_HOURS
    days_off = {random.randrange(count // 24) for _ in range(family.holidays)}
    spikes = _spikes(random, family.history_weeks * WEEK_HOURS, count)
    lasting, hours = 0.0, []
    for place in range(count):
        day, hour = divmod(place, 24)
        shape = night + (1 - night) * math.exp(-(((hour - peak) / 5) ** 2))
        shape *= weekend if day % 7 >= 5 else 1  # noqa: PLR2004 - Saturday and Sunday
        shape *= 0.2 if day in days_off else 1
        lasting = 0.9 * lasting + random.gauss(0, noise * 0.58 * math.sqrt(1 - 0.81))
        rate = busiest * shape * (1 + growth) ** (place / WEEK_HOURS)
        rate *= math.exp(lasting + random.gauss(0, noise * 0.81))
        if any(first <= place < end for first, end in spikes):
            rate *= family.spike
        hours.append(_hour(random, rate, price, family.scatter))
    return Made(hours, spikes)


def _spikes(random: Random, first: int, end: int) -> list[tuple[int, int]]:
    part = (end - first) // SPIKES
    found = []
    for number in range(SPIKES):
        start = first + number * part + random.randrange(2, part - 14)
        found.append((start, start + random.randint(3, 12)))
    return found


def _hour(random: Random, rate: float, price: float, scatter: float) -> Hour:
    requests = max(0, round(random.gauss(rate, math.sqrt(rate))))
    if requests > 30:  # noqa: PLR2004 - then their sum is about normal
        spread = math.sqrt(math.expm1(scatter**2) / requests)
        cost = requests * price * max(0.0, random.gauss(1, spread))
    else:
        shift = -(scatter**2) / 2
        cost = price * sum(math.exp(random.gauss(shift, scatter)) for _ in range(requests))
    return Hour(round(cost * NANO), requests)


def alerts(series: list[Hour], known: int, terms: Terms = TERMS) -> list[int]:
    """Return the hours at whose end there is an alert; it is learnt anew each day."""
    found = []
    for day in range(known, len(series), 24):
        history = series[max(0, day - 9 * WEEK_HOURS) : day]
        model = learn(history)
        if model is None:
            continue
        for place in range(day, min(day + 24, len(series))):
            both = (series[place - 1], series[place])
            if judge(model, place - day, both, terms) is not None:
                found.append(place)
    return found


def figures(family: Family, terms: Terms = TERMS, count: int = SERIES) -> tuple[float, float]:
    """Return the share of spikes that were found, and false alert-hours a feature-week."""
    hit = total = false = 0
    for number in range(count):
        hours, spikes = made(family, number)
        found = alerts(hours, family.history_weeks * WEEK_HOURS, terms)
        total += len(spikes)
        hit += sum(any(first <= place < end for place in found) for first, end in spikes)
        # the hour behind a spike is judged together with its last
        false += sum(not any(a <= place <= b for a, b in spikes) for place in found)
    return hit / total, false / (count * WATCHED_WEEKS)


def main() -> None:
    """Print the table."""
    write = sys.stdout.write
    write("| family | spikes found | false alert-hours a feature-week |\n|---|--:|--:|\n")
    for family in FAMILIES:
        recall, false = figures(family)
        write(f"| {family.name} | {recall:.2f} | {false:.3f} |\n")


if __name__ == "__main__":
    main()
