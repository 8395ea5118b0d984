"""The tables: medians with their spread, ratios round by round, what a gateway adds."""

import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from benchmarks.gateway.kinds import P99_SAMPLES_MIN
from benchmarks.gateway.rounds import Result
from benchmarks.gateway.targets import BASELINE

_UPSTREAM = "direct"
_COMPARED = ("cpu_us_per", "memory_mib", "ready_s")

Rounds = Mapping[int, float]


def report(results: Sequence[Result]) -> str:
    """Return everything as Markdown tables, one per kind."""
    lines: list[str] = []
    for kind in dict.fromkeys(result.kind for result in results):
        of_kind = [result for result in results if result.kind == kind]
        lines += [f"### {kind}", "", *_table(of_kind), ""]
    return "\n".join(lines)


def _table(results: Sequence[Result]) -> Iterator[str]:
    yield f"| figure | target | median (least to most) | ÷ {BASELINE}, by round |"
    yield "|---|---|--:|--:|"
    for figure, by_target in _by_figure(results).items():
        for target, rounds in by_target.items():
            ratio = _ratio(figure, rounds, by_target.get(BASELINE, {}))
            yield f"| {figure} | {target} | {_spread(rounds.values())} | {ratio} |"
    yield from _added(results)


def _by_figure(results: Sequence[Result]) -> dict[str, dict[str, dict[int, float]]]:
    figures: dict[str, dict[str, dict[int, float]]] = defaultdict(lambda: defaultdict(dict))
    for result in results:
        for name, value in result.figures.values.items():
            figures[name][result.target][result.round_number] = value
    return figures


def _ratio(figure: str, rounds: Rounds, baseline: Rounds) -> str:
    if not figure.startswith(_COMPARED) or "." in figure or not baseline or rounds is baseline:
        return ""
    return _spread(value / baseline[n] for n, value in rounds.items() if n in baseline)


def _spread(values: Sequence[float] | Iterator[float] | object) -> str:
    known = sorted(values)  # type: ignore[call-overload]
    if not known:
        return ""
    middle, least, most = (_shown(x) for x in (statistics.median(known), known[0], known[-1]))
    return middle if len(known) == 1 else f"{middle} ({least} to {most})"


def _shown(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _added(results: Sequence[Result]) -> Iterator[str]:
    """Yield what each gateway adds to the upstream alone, over the samples of all rounds."""
    pooled: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for result in results:
        for name, samples in result.figures.samples.items():
            pooled[name][result.target] += samples
    for name, by_target in pooled.items():
        alone = by_target.get(_UPSTREAM)
        for target, samples in by_target.items():
            if alone and target != _UPSTREAM:
                yield _added_row(name, target, samples, alone)


def _added_row(name: str, target: str, samples: list[float], alone: list[float]) -> str:
    p50 = statistics.median(samples) - statistics.median(alone)
    enough = min(len(samples), len(alone)) >= P99_SAMPLES_MIN
    p99 = f"{_percentile(samples, 99) - _percentile(alone, 99):.3f}" if enough else "not known"
    count = f"{len(samples)} samples" + ("" if enough else f", p99 needs {P99_SAMPLES_MIN}")
    return f"| added {name} | {target} | p50 {p50:.3f}, p99 {p99} | {count} |"


def _percentile(samples: Sequence[float], percent: int) -> float:
    return sorted(samples)[min(len(samples) - 1, len(samples) * percent // 100)]
