import pytest

from legato.economics.kpis import Counts, Figure, Unit, kpis

BOUNDS = (100, 200, 400)
KPIS = {one.id: one for one in kpis(BOUNDS)}
DAY = Counts(
    requests=200,
    answers=180,
    cached=60,
    cheaper=90,
    routed=150,
    unpriced=2,
    attempts=220,
    tokens_answered=9_000,
    tokens_removed=1_000,
    tokens_paid=6_000,
    cost=1_800_000,
    saved=7_200_000,
    latencies=(60, 108, 120),
    triggers=3,
    pii_stopped=7,
    users=30,
    features=4,
    teams=2,
    days=2,
    promotions=5,
    revenue=9_000_000,
    incidents=2,
    detection_ms=60_000,
    resolution_ms=600_000,
)


@pytest.mark.parametrize(
    ("kpi", "value"),
    [
        ("token-optimisation", 0.4),
        ("routing-efficiency", 90 / 120),
        ("routing-coverage", 150 / 180),
        ("cache-hit-rate", 60 / 180),
        ("policy-triggers", 15),
        ("personal-data-stopped", 7),
        ("cost-per-request", 9_000),
        ("cost-per-success", 10_000),
        ("cost-per-user", 60_000),
        ("cost-per-feature", 450_000),
        ("cost-per-team", 900_000),
        ("failure-rate", 0.1),
        ("throughput", 100),
        ("deployment-frequency", 2.5),
        ("time-to-detection", 30),
        ("time-to-resolution", 300),
        ("ai-cogs", 0.2),
        ("contribution-margin", 0.8),
        ("savings-rate", 0.8),
        ("unpriced", 2 / 220),
        # the 114th of 120: 6 of 12 above 200 ms
        ("latency-p95", 300),
    ],
)
def test_each_follows_from_the_counts(kpi: str, value: float) -> None:
    figure = KPIS[kpi].figure(DAY)
    assert figure.is_measured
    assert figure.numerator / figure.denominator == pytest.approx(value)


def test_without_data_each_says_what_it_needs() -> None:
    nothing = {name: one.figure(Counts()) for name, one in KPIS.items()}
    measured = {name for name, figure in nothing.items() if figure.is_measured}
    assert measured == {"throughput"}
    assert nothing["throughput"] == Figure(0, 1)
    assert "revenue" in nothing["contribution-margin"].needs
    assert "users" in nothing["cost-per-user"].needs
    assert "legato_semantic_cache" in KPIS["wrong-hit-rate"].figure(DAY).needs
    assert "workflow" in KPIS["cost-per-run"].figure(DAY).needs


def test_a_loss_is_a_negative_margin_and_a_failed_saving_a_negative_rate() -> None:
    poor = Counts(cost=3, saved=-1, revenue=2, requests=1, answers=1)
    margin = KPIS["contribution-margin"].figure(poor)
    assert (margin.numerator, margin.denominator) == (-1, 2)
    assert KPIS["savings-rate"].figure(poor) == Figure(-1, 2)


def test_latency_beyond_the_last_bound_is_not_made_up() -> None:
    slow = Counts(answers=100, latencies=(0, 0, 94))
    assert "400 ms" in KPIS["latency-p95"].figure(slow).needs


def test_each_has_a_definition_and_a_direction() -> None:
    for one in KPIS.values():
        assert one.definition.endswith(".")
        assert one.unit in Unit
    assert KPIS["cost-per-request"].lower_is_better
    assert not KPIS["cache-hit-rate"].lower_is_better
