from pathlib import Path

from legato.app.desks.statistics import statistics
from legato.telemetry.metrics import Meters

KEY = ("support", "bot", "small")


def test_a_call_without_a_known_cost_saves_nothing() -> None:
    meters = Meters(Path("never-written"))
    meters.spent(KEY, tokens=(10, 5), cost=40, baseline=100)
    meters.spent(KEY, tokens=(10, 5), cost=None, baseline=100)
    seen = statistics(meters.counts, meters.counts, 1.0)
    assert (seen.cost, seen.saved, seen.unpriced) == (40, 60, 1)


def test_what_is_overhead_lowers_what_is_saved() -> None:
    meters = Meters(Path("never-written"))
    meters.spent(KEY, tokens=(10, 5), cost=40, baseline=100)
    meters.spent(KEY, tokens=(10, 5), cost=25, baseline=0)
    assert statistics(meters.counts, meters.counts, 1.0).saved == 35
