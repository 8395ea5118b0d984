"""The kinds of measurement: which load, and which figures come out of it."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.gateway.bench import Drive, Running, Window
from benchmarks.gateway.processes import BenchmarkFailed
from benchmarks.gateway.targets import Target
from benchmarks.gateway.upstream import EVENTS

CONNECTIONS = 32
LATENCY_RATE = 50.0
STREAM_RATES = (3.0, 40.0)
DISTINCT_HITS = 256
QUESTIONS_BEFORE = 1_000
QUESTIONS = 1_000
P99_SAMPLES_MIN = 5000
MEMORY_REQUESTS = 100_000
MEMORY_STEPS = 10

_WARM_CONNECTIONS_S = 1.0
_STARTED_S = 4.0
_NO_TIME_LIMIT_S = 3600.0
_NO_COUNT_LIMIT = 1 << 40


@dataclass(frozen=True)
class Effort:
    """How long each window is; latency is sampled so often over all rounds."""

    rounds: int
    window_s: float
    warm_s: float
    requests: int
    latency_samples: int = P99_SAMPLES_MIN

    @property
    def latency_s(self) -> float:
        return max(self.window_s, self.latency_samples / LATENCY_RATE / self.rounds + 0.5)


@dataclass(frozen=True)
class Figures:
    """One round's figures by name (the unit ends it), and samples that all rounds pool."""

    values: dict[str, float]
    samples: dict[str, list[float]] = field(default_factory=dict)


Measure = Callable[[Running, Target, Effort], Figures]


@dataclass(frozen=True)
class Kind:
    """One kind. `figure` is what ratios are made of."""

    measure: Measure
    about: str
    seconds: Callable[[Effort], float]
    """About how long one target takes in one round."""
    needs_gateway: bool = True
    tls: bool = False
    once: bool = False
    only: frozenset[str] | None = None


def _steady(duration_s: float) -> Drive:
    return lambda load: load.closed_loop(
        CONNECTIONS, duration_s=duration_s, requests=_NO_COUNT_LIMIT
    )


def _per_request(window: Window) -> dict[str, float]:
    answered = window.outcome.answered
    values = {
        "cpu_us_per_request": window.cpu_us / answered,
        "requests_per_s": answered / window.wall_s,
        "core_share": window.cpu_us / 1e6 / window.wall_s,
        "closed_loop_p50_ms": statistics.median(window.outcome.latencies_s) * 1e3,
    }
    if len(window.cpu_ns) > 1:
        parts = window.cpu_ns.items()
        values |= {f"cpu_us_per_request.{name}": ns / 1e3 / answered for name, ns in parts}
    return values


def measure_max(running: Running, _target: Target, effort: Effort) -> Figures:
    """CPU per request, closed loop, nothing repeated."""
    running.window(running.prompts(), _steady(effort.warm_s))
    return Figures(_per_request(running.window(running.prompts(), _steady(effort.window_s))))


def measure_hit(running: Running, target: Target, effort: Effort) -> Figures:
    """CPU per request with prompts that repeat; a target without a cache just passes them on."""
    prompts = running.prompts(distinct=DISTINCT_HITS)
    running.window(
        prompts,
        lambda load: load.closed_loop(8, duration_s=_NO_TIME_LIMIT_S, requests=DISTINCT_HITS),
    )
    running.window(prompts, _steady(effort.warm_s), cached=target.caches)
    window = running.window(prompts, _steady(effort.window_s), cached=target.caches)
    return Figures(_per_request(window))


def measure_questions(running: Running, _target: Target, _effort: Effort) -> Figures:
    """CPU per question, closed loop, with 1,000 earlier ones in a semantic cache, then 2,000."""
    questions = running.questions()

    def asked(count: int) -> Drive:
        return lambda load: load.closed_loop(
            CONNECTIONS, duration_s=_NO_TIME_LIMIT_S, requests=count
        )

    running.window(questions, asked(QUESTIONS_BEFORE))
    return Figures(_per_request(running.window(questions, asked(QUESTIONS))))


def measure_latency(running: Running, _target: Target, effort: Effort) -> Figures:
    """Latency at a fixed rate far from the limit."""
    running.window(running.prompts(), _steady(_WARM_CONNECTIONS_S))
    window = running.window(
        running.prompts(), lambda load: load.open_loop(LATENCY_RATE, effort.latency_s)
    )
    latencies_ms = [latency_s * 1e3 for latency_s in window.outcome.latencies_s]
    values = {"latency_p50_ms": statistics.median(latencies_ms)}
    if window.cpu_ns:
        values["cpu_us_per_request"] = window.cpu_us / window.outcome.answered
    return Figures(values, {"latency_ms": latencies_ms})


def measure_stream(running: Running, _target: Target, effort: Effort) -> Figures:
    """CPU per event of paced streams, and the time to their first event."""
    values: dict[str, float] = {}
    samples: dict[str, list[float]] = {}
    for rate in STREAM_RATES:
        at = f"at_{rate:.0f}"
        window = _streams(running, rate, effort)
        outcome = window.outcome
        for name, times_s in (
            ("first_token", outcome.first_tokens_s),
            ("first_event", outcome.first_events_s),
        ):
            samples[f"{name}_ms_{at}"] = [time_s * 1e3 for time_s in times_s]
            values[f"{name}_p50_ms_{at}"] = statistics.median(samples[f"{name}_ms_{at}"])
        if window.cpu_ns:
            values |= _per_event(window, at)
    return Figures(values, samples)


def _per_event(window: Window, at: str) -> dict[str, float]:
    """Divide by the tokens upstream sent: the same number for every target."""
    events = window.outcome.answered * EVENTS
    values = {f"cpu_us_per_event_{at}": window.cpu_us / events}
    if len(window.cpu_ns) > 1:
        parts = window.cpu_ns.items()
        values |= {f"cpu_us_per_event_{at}.{name}": ns / 1e3 / events for name, ns in parts}
    return values


def _streams(running: Running, rate: float, effort: Effort) -> Window:
    prompts = running.prompts(stream=True)
    running.window(prompts, lambda load: load.open_loop(40, _WARM_CONNECTIONS_S))
    window = running.window(prompts, lambda load: load.open_loop(rate, effort.window_s * 2))
    answered, events = window.outcome.answered, window.outcome.events
    if events < answered * EVENTS or len(window.outcome.first_tokens_s) != answered:
        raise BenchmarkFailed(f"{answered} streams of {EVENTS} tokens, but {events} events came")
    return window


def measure_tls(running: Running, target: Target, effort: Effort) -> Figures:
    """Requests and streams with TLS towards upstream."""
    values = measure_max(running, target, effort).values
    return Figures(values | _per_event(_streams(running, STREAM_RATES[-1], effort), "at_40"))


def measure_memory(running: Running, _target: Target, effort: Effort) -> Figures:
    """Memory of the tree while many requests go through."""
    values = {"memory_mib_at_start": running.memory_mib()}
    step = max(CONNECTIONS, effort.requests // MEMORY_STEPS)
    for number in range(1, MEMORY_STEPS + 1):
        running.window(
            running.prompts(),
            lambda load: load.closed_loop(CONNECTIONS, duration_s=_NO_TIME_LIMIT_S, requests=step),
        )
        values[f"memory_mib_after_{number * step}"] = running.memory_mib()
    return Figures(values)


def measure_ready(running: Running, _target: Target, _effort: Effort) -> Figures:
    """Start to first good answer, in an empty folder."""
    return Figures({"ready_s": running.ready_s})


KINDS: dict[str, Kind] = {
    "max": Kind(
        measure_max,
        f"CPU per request, closed loop of {CONNECTIONS} connections",
        lambda effort: effort.window_s + effort.warm_s + _STARTED_S,
    ),
    "hit": Kind(
        measure_hit,
        "the same with repeated prompts, which only a cache answers",
        lambda effort: effort.window_s + effort.warm_s + _STARTED_S + 1,
    ),
    "questions": Kind(
        measure_questions,
        f"CPU per question, {QUESTIONS} after {QUESTIONS_BEFORE}, each of another meaning",
        lambda _: (QUESTIONS + QUESTIONS_BEFORE) / 800 + _STARTED_S,
    ),
    "stream": Kind(
        measure_stream,
        "CPU per SSE event and times to the first event and token, at 3 and 40 streams a second",
        lambda effort: 4 * effort.window_s + 4 + _STARTED_S,
        needs_gateway=False,
    ),
    "latency": Kind(
        measure_latency,
        f"latency at {LATENCY_RATE:.0f} requests a second",
        lambda effort: effort.latency_s + 1 + _STARTED_S,
        needs_gateway=False,
    ),
    "tls": Kind(
        measure_tls,
        "requests, and 40 streams a second, with TLS towards upstream",
        lambda effort: 3 * effort.window_s + effort.warm_s + 2 + _STARTED_S,
        tls=True,
    ),
    "memory": Kind(
        measure_memory,
        "memory of the process tree while requests go through",
        lambda effort: effort.requests / 1500 + _STARTED_S + MEMORY_STEPS,
        once=True,
        only=frozenset({"legato", "tensorzero-embedded"}),
    ),
    "ready": Kind(
        measure_ready,
        "start to first good answer",
        lambda _: _STARTED_S,
    ),
}
