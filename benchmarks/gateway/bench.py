"""The stand: upstream and generator on one core, a target on the other, and a measured window."""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import trustme
import uvloop

from benchmarks.gateway.launch import Launch, Place
from benchmarks.gateway.load import Load, Outcome, Prompts, Questions
from benchmarks.gateway.processes import BenchmarkFailed, Child, CpuTimes, memory_mib
from benchmarks.gateway.targets import Target

_READY_TIMEOUT_S = 120.0
_READY_POLL_S = 0.01
_SETTLE_S = 0.5
_BOOKED_TIMEOUT_S = 120.0
_BOOKED_POLL_S = 0.2

Drive = Callable[[Load], Awaitable[None]]


@dataclass(frozen=True)
class Window:
    """One measured stretch; CPU covers the time until all work of its requests was done."""

    outcome: Outcome
    wall_s: float
    cpu_ns: dict[str, int]
    """By process of the target's tree; empty where there is no gateway."""

    @property
    def cpu_us(self) -> float:
        return sum(self.cpu_ns.values()) / 1000


class Upstream:
    """The upstream's process, plain and TLS."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        self.ca_file, certificate = folder / "ca.pem", folder / "upstream.pem"
        authority.cert_pem.write_to_path(str(self.ca_file))
        issued = authority.issue_cert("localhost", "127.0.0.1")
        issued.private_key_and_cert_chain_pem.write_to_path(str(certificate))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.gateway.upstream", str(certificate)],
            stdout=subprocess.PIPE,
            text=True,
        )
        plain, secure = json.loads(self._process.stdout.readline() if self._process.stdout else "")
        self.url = f"http://127.0.0.1:{plain}/v1"
        self.tls_url = f"https://localhost:{secure}/v1"
        self._count_url = f"http://127.0.0.1:{plain}/count"

    def calls(self, *, tls: bool) -> tuple[int, int]:
        """Return the calls so far on the port in question, and on the other one."""
        with urllib.request.urlopen(self._count_url, timeout=10) as response:  # noqa: S310
            counts = json.load(response)
        return (counts["tls"], counts["plain"]) if tls else (counts["plain"], counts["tls"])

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()


class Running:
    """A started target."""

    def __init__(
        self, launch: Launch | None, upstream: Upstream, child: Child | None, *, tls: bool = False
    ) -> None:
        self._launch = launch or Launch([], upstream.url)
        self._upstream, self._child = upstream, child
        self._tls, self.ready_s = tls, 0.0

    @property
    def pid(self) -> int:
        if self._child is None:
            raise BenchmarkFailed("no gateway, no process")
        return self._child.pid

    def memory_mib(self) -> float:
        return memory_mib(self.pid)

    def prompts(self, *, stream: bool = False, distinct: int = 0) -> Prompts:
        launch, url = self._launch, self._url()
        return Prompts(url, launch.model, launch.headers, stream=stream, distinct=distinct)

    def questions(self) -> Questions:
        return Questions(self._url(), self._launch.model, self._launch.headers)

    def await_ready(self) -> None:
        """Poll until the first good answer.

        Raises:
            BenchmarkFailed: the target ended, or none came in time.
        """
        until_s, refusal = time.perf_counter() + _READY_TIMEOUT_S, "nothing listens"
        while time.perf_counter() < until_s:
            if self._child is not None:
                self._child.check()
            if self._url():
                try:
                    self._first_answer()
                except (OSError, ValueError, KeyError) as error:
                    refusal = f"{type(error).__name__}: {error}"
                else:
                    self.ready_s = time.perf_counter() - (
                        self._child.started_s if self._child else time.perf_counter()
                    )
                    return
            time.sleep(_READY_POLL_S)
        words = self._child.last_words() if self._child else ""
        raise BenchmarkFailed(f"no good answer: {refusal} {words}")

    def window(self, prompts: Prompts | Questions, drive: Drive, *, cached: bool = False) -> Window:
        """Measure one run of load.

        Raises:
            BenchmarkFailed: a request failed, or upstream saw another number than were sent
                (0 where `cached`).
        """
        booked, calls = self._booked(), self._upstream.calls(tls=self._tls)
        before = CpuTimes.of(self.pid) if self._child else None
        load, start_s = Load(prompts), time.perf_counter()
        uvloop.run(_awaited(drive(load)))
        wall_s = time.perf_counter() - start_s
        self._settle(booked, load.outcome.answered)
        used = CpuTimes.of(self.pid).used_since(before) if before else {}
        self._check(load.outcome, calls, cached=cached)
        return Window(load.outcome, wall_s, self._named(used))

    def drive(self, prompts: Prompts | Questions, drive: Drive) -> None:
        """Run load without measuring or checking it."""
        uvloop.run(_awaited(drive(Load(prompts))))

    def _check(self, outcome: Outcome, before: tuple[int, int], *, cached: bool) -> None:
        if outcome.failures or not outcome.answered:
            raise BenchmarkFailed(f"failed by status: {dict(outcome.failures)}, else fine")
        after = self._upstream.calls(tls=self._tls)
        calls, astray = after[0] - before[0], after[1] - before[1]
        if calls != (0 if cached else outcome.answered) or astray:
            raise BenchmarkFailed(
                f"{outcome.answered} answers, but {calls} upstream calls, {astray} elsewhere"
            )

    def _settle(self, booked_before: int, answered: int) -> None:
        """Wait until what a target does after its answers is done, so that it counts too."""
        time.sleep(_SETTLE_S)
        until_s = time.perf_counter() + _BOOKED_TIMEOUT_S
        while self._launch.booked and (got := self._booked() - booked_before) < answered:
            if time.perf_counter() > until_s:
                raise BenchmarkFailed(f"only {got} of {answered} requests in its books")
            time.sleep(_BOOKED_POLL_S)

    def _named(self, used: dict[int, int]) -> dict[str, int]:
        names = list(self._launch.parts)
        if len(names) != len(used):
            names = [f"process {number}" for number in range(len(used))]
        return {name: used[pid] for name, pid in zip(names, sorted(used), strict=True)}

    def _booked(self) -> int:
        return self._launch.booked() if self._launch.booked else 0

    def _url(self) -> str:
        url = self._launch.url
        return url if isinstance(url, str) else url()

    def _first_answer(self) -> None:
        head, _, body = self.prompts().next().partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
        request = urllib.request.Request(f"{self._url()}/chat/completions", body, fields)  # noqa: S310
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
            answer = json.load(response)
        if not answer["choices"][0]["message"]["content"].startswith("word word"):
            raise ValueError("not the upstream's answer")


async def _awaited(work: Awaitable[None]) -> None:
    await work


class Bench:
    """Starts targets; use it as a context manager."""

    def __init__(self, load_core: int, gateway_core: int) -> None:
        self._gateway_core = gateway_core
        self._folder = tempfile.TemporaryDirectory(prefix="legato-bench-")
        os.sched_setaffinity(0, {load_core})
        self._upstream = Upstream(Path(self._folder.name))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._upstream.stop()
        self._folder.cleanup()

    @contextmanager
    def running(self, target: Target, *, tls: bool = False) -> Iterator[Running]:
        """Start a target in an empty folder, wait for its first good answer, stop it after."""
        upstream = self._upstream
        if target.launch is None:
            yield Running(None, upstream, None)
            return
        with tempfile.TemporaryDirectory(dir=self._folder.name) as name:
            folder = Path(name)
            url = upstream.tls_url if tls else upstream.url
            launch = target.launch(Place(folder, url, upstream.ca_file if tls else None))
            child = Child(launch.command, self._gateway_core, folder / "log", launch.env)
            try:
                running = Running(launch, upstream, child, tls=tls)
                running.await_ready()
                yield running
            finally:
                child.stop()
