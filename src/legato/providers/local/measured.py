"""Keeps what `legato local bench` measured, with what the machine is: plans of owning read it."""

import os
import platform
from pathlib import Path
from typing import Final

import msgspec

from legato.core.clock import Clock
from legato.providers.local.bench import BenchResult
from legato.providers.local.options import LocalModelSettings

FILE: Final = "benchmarks.jsonl"
_CPU_INFO: Final = Path("/proc/cpuinfo")
_LINES_MAX: Final = 1_000


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """What a measurement ran on; no name of it."""

    processor: str
    cpus: int
    memory_mib: int
    system: str


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement of one model."""

    model: str
    at_ns: int
    threads: int | None
    machine: Machine
    result: BenchResult


def measured(settings: LocalModelSettings, result: BenchResult, clock: Clock) -> Measured:
    """Return a result with its model and this machine."""
    return Measured(
        model=settings.model or Path(settings.path or "").name,
        at_ns=clock.now_ns(),
        threads=settings.threads,
        machine=this_machine(),
        result=result,
    )


def this_machine() -> Machine:
    """Return what this machine is, as far as this process may use it."""
    pages, page = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return Machine(
        processor=_processor(),
        cpus=len(os.sched_getaffinity(0)),
        memory_mib=pages * page >> 20,
        system=f"{platform.system()} {platform.machine()}",
    )


def keep(root: Path, one: Measured) -> None:
    """Add a measurement to the data directory's file."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / FILE).open("ab") as file:
        file.write(msgspec.json.encode(one) + b"\n")


def kept(root: Path) -> list[Measured]:
    """Return the newest measurements, oldest of them first; a line cut short is left out."""
    try:
        lines = (root / FILE).read_bytes().splitlines()[-_LINES_MAX:]
    except FileNotFoundError:
        return []
    found = []
    for line in lines:
        try:
            found.append(msgspec.json.decode(line, type=Measured))
        except msgspec.DecodeError:
            continue
    return found


def _processor() -> str:
    try:
        for line in _CPU_INFO.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"
