from legato.providers.simulated.faults import NO_FAULTS, Dice, decide, latency_s
from legato.providers.simulated.settings import Behaviour


def test_rates_are_kept_and_repeatable() -> None:
    behaviour = Behaviour(error_rate=0.3)
    calls = [decide(behaviour, Dice(1, "m", call), call) for call in range(4000)]
    assert calls == [decide(behaviour, Dice(1, "m", call), call) for call in range(4000)]
    assert 0.27 < sum(faults.status == 503 for faults in calls) / 4000 < 0.33


def test_another_seed_strikes_other_calls() -> None:
    behaviour = Behaviour(error_rate=0.5)
    one, two = (
        [decide(behaviour, Dice(seed, "m", call), call).status for call in range(50)]
        for seed in (1, 2)
    )
    assert one != two


def test_faults_end_after_so_many_calls() -> None:
    behaviour = Behaviour(rate429=1.0, fault_calls_max=2, retry_after_ms=50)
    struck = [decide(behaviour, Dice(0, "", call), call).status for call in range(4)]
    assert struck == [429, 429, None, None]


def test_errors_come_before_everything_else() -> None:
    behaviour = Behaviour(error_rate=1, rate429=1, garbage_rate=1, cut_rate=1)
    faults = decide(behaviour, Dice(0, "", 0), 0)
    assert (faults.status, faults.garbage, faults.cut_after_events) == (503, None, None)


def test_no_faults_by_default() -> None:
    assert decide(Behaviour(), Dice(0, "", 0), 0) is NO_FAULTS


def test_jitter_stays_around_the_latency() -> None:
    behaviour = Behaviour(latency_ms=100, latency_jitter_ms=30)
    waits = [latency_s(behaviour, Dice(0, "m", call)) for call in range(500)]
    assert 0.07 <= min(waits) < 0.08
    assert 0.12 < max(waits) <= 0.13
