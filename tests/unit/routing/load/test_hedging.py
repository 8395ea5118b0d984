from legato.routing.load.hedging import BeginTimes, Hedging


def test_the_quantile_is_known_after_some_answers_and_follows_later_ones() -> None:
    times = BeginTimes()
    for _ in range(19):
        times.add(0.1)
    assert times.p95_s() is None
    times.add(0.1)
    p95_s = times.p95_s()
    assert p95_s is not None
    assert 0.1 <= p95_s < 0.11
    for _ in range(3):
        times.add(2.0)
    p95_s = times.p95_s()
    assert p95_s is not None
    assert p95_s >= 2.0
    for _ in range(5_000):
        times.add(0.4)
    p95_s = times.p95_s()
    assert p95_s is not None
    assert 0.4 <= p95_s < 0.44


def test_hedges_never_are_more_than_their_share() -> None:
    hedging = Hedging(0.5, 0.05)
    taken = sum(hedging.wait_s("a", stream=False) == 0.5 and hedging.take() for _ in range(1_000))
    assert 48 <= taken <= 50


def test_streams_are_measured_apart() -> None:
    hedging = Hedging(None, 1.0)
    for _ in range(20):
        hedging.began("a", 1.0, stream=False)
        hedging.began("a", 0.25, stream=True)
    whole, stream = hedging.wait_s("a", stream=False), hedging.wait_s("a", stream=True)
    assert whole is not None
    assert stream is not None
    assert 1.0 <= whole < 1.1
    assert 0.25 <= stream < 0.28
    assert hedging.wait_s("b", stream=True) is None
