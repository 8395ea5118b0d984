"""Runs kinds and targets in rounds, in alternating order, and keeps every figure."""

import contextlib
import gc
import json
import os
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from benchmarks.gateway.bench import Bench, Running
from benchmarks.gateway.kinds import KINDS, Effort, Figures, Kind
from benchmarks.gateway.processes import BenchmarkFailed, ProcessesChanged
from benchmarks.gateway.targets import Target

_TRIES_MAX = 3


@dataclass(frozen=True)
class Result:
    """What one target gave in one round of one kind."""

    kind: str
    target: str
    round_number: int
    figures: Figures


class Journal:
    """The file of JSON lines: the machine first, then a line per measurement."""

    def __init__(self, path: Path, effort: Effort, targets: Sequence[Target]) -> None:
        self._path = path
        machine = {
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            "python": platform.python_version(),
            "kernel": platform.release(),
            "processor": _processor(),
            "cores": os.cpu_count(),
            "legato": version("legato"),
            "effort": vars(effort),
            "switched_on": {target.name: target.switched_on for target in targets},
        }
        path.write_text(json.dumps(machine) + "\n")

    def write(self, line: dict[str, object]) -> None:
        with self._path.open("a") as file:
            file.write(json.dumps(line) + "\n")


def in_order(targets: Sequence[Target], round_number: int) -> list[Target]:
    """Turn the order by one each round and reverse it every second time."""
    turn = round_number % max(1, len(targets))
    turned = [*targets[turn:], *targets[:turn]]
    return turned[::-1] if round_number % 2 else turned


def fitting(kind: Kind, targets: Sequence[Target]) -> list[Target]:
    """Return the targets a kind can measure."""
    return [
        target
        for target in targets
        if (target.launch is not None or not kind.needs_gateway)
        and (kind.only is None or target.name in kind.only)
    ]


def expected_s(kinds: Sequence[str], targets: Sequence[Target], effort: Effort) -> float:
    """Return about how long it all takes."""
    return sum(
        KINDS[kind].seconds(effort)
        * len(fitting(KINDS[kind], targets))
        * (1 if KINDS[kind].once else effort.rounds)
        for kind in kinds
    )


def run_rounds(
    bench: Bench, kinds: Sequence[str], targets: Sequence[Target], effort: Effort
) -> Iterator[Result | str]:
    """Yield each result as it comes, or a sentence on why there is none."""
    gc.disable()  # a pause of the generator would be taken for one of the gateway
    for name in kinds:
        kind = KINDS[name]
        for number in range(1 if kind.once else effort.rounds):
            for target in in_order(fitting(kind, targets), number):
                try:
                    with bench.running(target, tls=kind.tls) as running:
                        figures = _measured(kind, running, target, effort)
                except BenchmarkFailed as failure:
                    yield f"{name}, round {number + 1}, {target.name}: {failure}"
                else:
                    yield Result(name, target.name, number + 1, figures)
                gc.collect()


def _measured(kind: Kind, running: Running, target: Target, effort: Effort) -> Figures:
    """Measure, again where a process passed: Legato's checks of compliance do once an hour."""
    for _ in range(_TRIES_MAX - 1):
        with contextlib.suppress(ProcessesChanged):
            return kind.measure(running, target, effort)
    return kind.measure(running, target, effort)


def collect(results: Iterator[Result | str], journal: Journal) -> tuple[list[Result], list[str]]:
    """Write everything down as it comes; return what was measured and what failed."""
    measured, failed = [], []
    for result in results:
        if isinstance(result, str):
            failed.append(result)
            journal.write({"failed": result})
            print(f"FAILED {result}", file=sys.stderr, flush=True)
            continue
        measured.append(result)
        values = {name: round(value, 3) for name, value in result.figures.values.items()}
        line = {"kind": result.kind, "round": result.round_number, "target": result.target}
        load = round(os.getloadavg()[0], 1)
        journal.write({**line, **values, "load_average": load})
        shown = ", ".join(f"{name} {value:g}" for name, value in values.items())
        print(f"{result.kind} {result.round_number} {result.target}: {shown}", flush=True)
    return measured, failed


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
