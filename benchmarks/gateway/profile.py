"""Where a gateway's time goes: py-spy on the busiest process of its tree, under full load."""

import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from benchmarks.gateway.bench import Bench, Running
from benchmarks.gateway.kinds import CONNECTIONS
from benchmarks.gateway.load import Load, Prompts, Questions
from benchmarks.gateway.processes import BenchmarkFailed, CpuTimes
from benchmarks.gateway.targets import Target

PROFILED = ("max", "hit", "stream", "questions")
_RATE_HZ = 500
_DURATION_S = 8.0
_MORE_S = 2.0
_FUNCTIONS = 60
_FILES = 30
_WAITING = ("_worker (concurrent/futures/thread.py", "wait (threading.py")
"""A thread with nothing to do; py-spy takes it for a busy one."""


def profile(bench: Bench, target: Target, kind: str) -> str:
    """Return the functions with the most own time; `kind` is one of `PROFILED`.

    Raises:
        BenchmarkFailed: py-spy could not read the process.
    """
    with bench.running(target) as running, tempfile.NamedTemporaryFile() as file:
        prompts = _prompts(running, kind)
        spies: list[subprocess.Popen[bytes]] = []

        async def drive(load: Load) -> None:
            spies.append(_spy(running, before, file.name))
            if kind == "stream":
                await load.open_loop(40, _DURATION_S + _MORE_S)
            else:
                await load.closed_loop(
                    CONNECTIONS, duration_s=_DURATION_S + _MORE_S, requests=1 << 40
                )

        # Tells the busiest process by what it uses meanwhile; also fills the cache.
        before = CpuTimes.of(running.pid)
        running.drive(prompts, _warm)
        running.drive(prompts, drive)
        if spies[0].wait(30) != 0:
            raise BenchmarkFailed("py-spy could not read the process (is ptrace allowed?)")
        return _own_time(Path(file.name).read_text())


def _prompts(running: Running, kind: str) -> Prompts | Questions:
    if kind == "questions":
        return running.questions()
    return running.prompts(stream=kind == "stream", distinct=64 if kind == "hit" else 0)


async def _warm(load: Load) -> None:
    await load.closed_loop(CONNECTIONS, duration_s=_MORE_S, requests=1 << 40)


def _spy(running: Running, before: CpuTimes, output: str) -> "subprocess.Popen[bytes]":
    used = CpuTimes.of(running.pid).used_since(before)
    busiest = max(used, key=lambda pid: used[pid])
    command = [str(Path(sys.executable).with_name("py-spy")), "record", "--format", "raw"]
    command += ["--rate", str(_RATE_HZ), "--duration", f"{_DURATION_S:.0f}"]
    command += ["--output", output, "--pid", str(busiest)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _own_time(folded: str) -> str:
    own: Counter[str] = Counter()
    under: Counter[str] = Counter()
    for line in folded.splitlines():
        stack, _, count = line.rpartition(" ")
        frames = [frame.rpartition(":")[0] + ")" for frame in stack.split(";")]
        if not frames[-1].startswith(_WAITING):
            own[frames[-1]] += int(count)
            under.update(dict.fromkeys(frames, int(count)))
    total = sum(own.values()) or 1
    files: Counter[str] = Counter()
    for frame, count in own.items():
        files[frame.rpartition("(")[2].rstrip(")")] += count
    return "\n".join(
        [
            f"{total} samples of all threads that were not waiting",
            "  own  with callees  function",
            *(
                f"{count / total:6.1%} {under[frame] / total:6.1%}  {frame}"
                for frame, count in own.most_common(_FUNCTIONS)
            ),
            "  own  file",
            *(f"{count / total:6.1%}  {file}" for file, count in files.most_common(_FILES)),
        ]
    )
