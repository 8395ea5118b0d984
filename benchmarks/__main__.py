"""`python -m benchmarks [gateway | insights | workflows] ...`: measure Legato on this machine."""

import argparse
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import insights, workflows
from benchmarks.gateway.bench import Bench
from benchmarks.gateway.environments import tensorzero_python
from benchmarks.gateway.kinds import KINDS, MEMORY_REQUESTS, P99_SAMPLES_MIN, Effort
from benchmarks.gateway.profile import PROFILED, profile
from benchmarks.gateway.report import report
from benchmarks.gateway.rounds import Journal, collect, expected_s, run_rounds
from benchmarks.gateway.targets import Programs, Target, all_targets

_IMPORT = "import"
_ALL = [*KINDS, _IMPORT]
_TARGETS = "direct,nginx-proxy,stack,tensorzero-embedded,litellm-key,legato"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("subject", nargs="?", choices=["gateway"], default="gateway")
    parser.add_argument("--targets", default=_TARGETS, help="which, in which order")
    kinds = "; ".join(f"{name}: {kind.about}" for name, kind in KINDS.items())
    parser.add_argument("--do", default=",".join(_ALL), help=kinds)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--window-s", type=float, default=5.0)
    parser.add_argument("--warm-s", type=float, default=2.0)
    parser.add_argument("--memory-requests", type=int, default=MEMORY_REQUESTS)
    parser.add_argument("--latency-samples", type=int, default=P99_SAMPLES_MIN)
    parser.add_argument("--load-core", type=int, default=0)
    parser.add_argument("--gateway-core", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("build/bench-gateway.jsonl"))
    parser.add_argument("--tensorzero-python", type=Path, help="an environment that has it")
    parser.add_argument("--litellm", type=Path, help="LiteLLM's program, e.g. venv/bin/litellm")
    parser.add_argument("--profile", choices=PROFILED, help="profile the targets, measure nothing")
    return parser


def main() -> int:
    if sys.argv[1:2] == ["insights"]:  # needs no core of its own, and none of the peers
        return insights.main(sys.argv[2:])
    if sys.argv[1:2] == ["workflows"]:
        return workflows.main(sys.argv[2:])
    options = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that nothing is left running
    if problem := _unfit(options):
        print(problem, file=sys.stderr)
        return 2
    targets = _targets(options)
    with Bench(options.load_core, options.gateway_core) as bench:
        if options.profile:
            for target in targets:
                print(target.name, profile(bench, target, options.profile), sep="\n")
            return 0
        return _measure(bench, options, targets)


def _unfit(options: argparse.Namespace) -> str | None:
    cores = os.sched_getaffinity(0)
    if not {options.load_core, options.gateway_core} <= cores:
        return f"Two cores are needed; allowed here: {sorted(cores)}."
    if not shutil.which("taskset"):
        return "taskset is missing (Debian: apt install util-linux)."
    unknown = set(options.do.split(",")) - set(_ALL)
    return f"Unknown kinds {sorted(unknown)}; known: {', '.join(_ALL)}." if unknown else None


def _targets(options: argparse.Namespace) -> list[Target]:
    names = options.targets.split(",")
    python = options.tensorzero_python
    if python is None and "tensorzero-embedded" in names:
        python = tensorzero_python()
    known = all_targets(Programs(python and python.absolute(), options.litellm))
    chosen = []
    for name in names:
        if name not in known:
            sys.exit(f"Unknown target {name}; known: {', '.join(known)}.")
        if known[name].missing:
            print(f"without {name}: {known[name].missing}")
        else:
            chosen.append(known[name])
    return chosen


def _measure(bench: Bench, options: argparse.Namespace, targets: Sequence[Target]) -> int:
    effort = Effort(
        rounds=options.rounds,
        window_s=options.window_s,
        warm_s=options.warm_s,
        requests=options.memory_requests,
        latency_samples=options.latency_samples,
    )
    kinds = [kind for kind in options.do.split(",") if kind != _IMPORT]
    minutes = expected_s(kinds, targets, effort) / 60
    print(
        f"{len(targets)} targets, {effort.rounds} rounds, about {minutes:.0f} minutes", flush=True
    )
    if effort.rounds < 5 and kinds:
        print("fewer than 5 rounds: a trial run, not figures to publish")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    journal = Journal(options.out, effort, targets)
    results, failed = collect(run_rounds(bench, kinds, targets, effort), journal)
    print(f"\n{report(results)}")
    if _IMPORT in options.do.split(","):
        journal.write({"kind": _IMPORT, **_help_time(options)})
    print(f"every figure: {options.out}")
    if failed:
        print("\nnot measured:", *failed, sep="\n  ", file=sys.stderr)
    return 1 if failed else 0


def _help_time(options: argparse.Namespace) -> dict[str, float]:
    """Time `legato --help`, the smallest thing the program can do."""
    program = str(Path(sys.executable).with_name("legato"))
    times_s = []
    for _ in range(options.rounds + 1):
        start_s = time.perf_counter()
        command = ["taskset", "-c", str(options.gateway_core), program, "--help"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times_s.append(time.perf_counter() - start_s)
    warm = times_s[1:]
    figures = {"help_s": statistics.median(warm), "least_s": min(warm), "most_s": max(warm)}
    print("legato --help: " + ", ".join(f"{name} {value:.3f}" for name, value in figures.items()))
    return figures


if __name__ == "__main__":
    sys.exit(main())
