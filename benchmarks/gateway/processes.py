"""Child processes: pinned to a core, stopped again, and what they cost according to /proc."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
_STOP_GRACE_S = 15.0
_PSS = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)


class BenchmarkFailed(Exception):
    """A figure that would not mean what its name says, so none is given."""


class ProcessesChanged(BenchmarkFailed):
    """A process of the target came or went: once it has passed, the figure can be taken again."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Child:
    """A program on one core, with its output in a log file."""

    def __init__(
        self, command: Sequence[str], core: int, log: Path, env: Mapping[str, str] | None = None
    ) -> None:
        self._log = log
        self.started_s = time.perf_counter()
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                ["taskset", "-c", str(core), *command],
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **(env or {})},
                start_new_session=True,
            )
        self.pid = self._process.pid

    def check(self) -> None:
        """Raise BenchmarkFailed with the end of its log once the program has ended."""
        status = self._process.poll()
        if status is not None:
            raise BenchmarkFailed(f"ended with status {status}: {self.last_words()}")

    def last_words(self) -> str:
        return self._log.read_text(errors="replace")[-1500:]

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_GRACE_S)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
            self._process.wait()


def process_tree(root: int) -> list[int]:
    """Return `root` and all below it, parents before children, elder before younger."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    tree, waiting = [], [root]
    while waiting:
        pid = waiting.pop(0)
        tree.append(pid)
        waiting.extend(sorted(children.get(pid, [])))
    return tree


@dataclass(frozen=True)
class CpuTimes:
    """CPU time since birth by process: of its threads to the nanosecond, and in clock ticks.

    The ticks also hold threads that have ended, which schedstat forgets.
    """

    exact_ns: Mapping[int, int]
    ticks_ns: Mapping[int, int]

    @classmethod
    def of(cls, root: int) -> "CpuTimes":
        tree = process_tree(root)
        return cls({pid: _exact_ns(pid) for pid in tree}, {pid: _ticks_ns(pid) for pid in tree})

    def used_since(self, before: "CpuTimes") -> dict[int, int]:
        """Return the nanoseconds each process used meanwhile.

        Raises:
            BenchmarkFailed: a thread ended and took its account with it.
            ProcessesChanged: a process did, or one began.
        """
        if changed := before.exact_ns.keys() ^ self.exact_ns.keys():
            raise ProcessesChanged(f"{len(changed)} processes came or went while measured")
        used = {pid: ns - before.exact_ns.get(pid, 0) for pid, ns in self.exact_ns.items()}
        ticks = sum(ns - before.ticks_ns.get(pid, 0) for pid, ns in self.ticks_ns.items())
        total = sum(used.values())
        if abs(ticks - total) > 0.03 * total + 4 * _TICK_NS * len(used):
            raise BenchmarkFailed(
                f"CPU accounts disagree: {total} ns of threads, {ticks} ns in all"
            )
        return used


def _exact_ns(pid: int) -> int:
    total = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            total += int((thread / "schedstat").read_text().split()[0])
    return total


def _ticks_ns(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK_NS


def memory_mib(root: int) -> float:
    """Return the proportional set size of the tree: shared pages count once."""
    kib = 0
    for pid in process_tree(root):
        match = _PSS.search(Path(f"/proc/{pid}/smaps_rollup").read_text())
        kib += int(match[1]) if match else 0
    return kib / 1024
