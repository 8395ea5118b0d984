import pytest

from legato.app.desks.statistics import quantile_ms, statistics
from legato.telemetry.families import LATENCY_BOUNDS_S, Histogram
from legato.telemetry.metrics import Counts


def histogram(**counts: int) -> Histogram:
    """`b2=5`: five observations in bucket 2."""
    filled = [0] * (len(LATENCY_BOUNDS_S) + 1)
    for name, count in counts.items():
        filled[int(name[1:])] = count
    return Histogram(filled)


def test_rates_come_from_the_interval_and_counts_from_the_start() -> None:
    before = Counts(requests={("chat", "r", "small", "200", "miss"): 10})
    now = Counts(
        requests={
            ("chat", "r", "small", "200", "miss"): 14,
            ("chat", "r", "small", "200", "hit"): 2,
            ("chat", "", "", "401", "bypass"): 3,
            ("chat", "r", "large", "503", "miss"): 1,
        },
        latency={("chat", "miss"): histogram(b1=15), ("chat", "hit"): histogram(b0=2)},
        first_byte={("small",): histogram(b2=5)},
        tokens={("small", "input"): 7, ("small", "output"): 9},
        cost_nano={("t", "f", "small"): 40, ("t", "g", "large"): 2},
        baseline_nano={("t", "f"): 100},
        failures={("large", "provider_timeout"): 4},
        unpriced={("large",): 1},
        gauges={"open_requests": 3.0},
    )
    seen = statistics(now, before, 2.0)
    assert (seen.requests, seen.requests_per_s, seen.open_requests) == (20, 5.0, 3)
    assert (seen.cache_hits, seen.caller_errors, seen.server_errors) == (2, 3, 1)
    assert (seen.cost, seen.baseline, seen.saved, seen.unpriced) == (42, 100, 58, 1)
    large, small = seen.deployments
    assert (large.name, large.failed_attempts, large.cost) == ("large", 4, 2)
    assert (small.requests, small.requests_per_s) == (16, 3.0)
    assert (small.input_tokens, small.output_tokens, small.cost) == (7, 9, 40)
    assert large.first_byte_ms_p50 is None


def test_counters_that_began_anew_are_no_negative_rate() -> None:
    before = Counts(requests={("chat", "r", "small", "200", "miss"): 10})
    assert statistics(Counts(), before, 1.0).requests_per_s == 0


@pytest.mark.parametrize(
    ("filled", "share", "expected"),
    [
        ({}, 0.5, None),
        ({"b0": 10}, 0.5, 0.5),
        ({"b0": 10, "b1": 10}, 0.5, 1.0),
        ({"b0": 10, "b1": 10}, 0.75, 1.75),
        ({f"b{len(LATENCY_BOUNDS_S)}": 1}, 0.99, 120_000.0),
    ],
)
def test_a_quantile_is_linear_within_its_bucket(
    filled: dict[str, int], share: float, expected: float | None
) -> None:
    assert quantile_ms(histogram(**filled).counts, share) == expected
