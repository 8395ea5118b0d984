"""Runs the example workflows on a gateway of their own, and decides what people are asked.

python run.py [--rows 200] [--only NAME]
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import office

HERE = Path(__file__).parent
READY_S = 120
ENDED_S = 3_600  # ten thousand rows took 18 minutes on two cores that did much else
SETTLED_S = 3  # by then the ledger has every call


class Trial(NamedTuple):
    """A run of one of the workflows: what it begins with, and what people then say."""

    workflow: str
    input: dict[str, Any]
    says: tuple[str, ...] = ()
    """Commands of `legato tasks` for what it asks, in turn: `approve`, `reject`."""


TRIALS = (
    Trial("support_triage", {"customer": "c-100", "message": "I want my money back: 30 euros."}),
    Trial(
        "support_triage",
        {"customer": "c-100", "message": "I want my money back: 400 euros."},
        ("approve",),
    ),
    Trial("support_triage", {"customer": "c-200", "message": "When are you open?"}),
    Trial("service_desk", {"request": "My last invoice is wrong: I was charged twice."}),
    Trial("document_intake", {"text": "Invoice 2026-77 for cables. Total 120.50 euros."}),
    Trial("document_intake", {"text": "A letter of thanks."}, ("reject",)),
    Trial(
        "know_your_customer",
        {
            "name": "Ada Winter",
            "street": "Ring 1",
            "city": "Wien",
            "document": "Name: Ada Winter; valid until 2031",
        },
    ),
    Trial(
        "know_your_customer",
        {"name": "Viktor Drago", "street": "", "city": "Nowhere", "document": "Name: Viktor Drago"},
    ),
    Trial("claims", {"policy": "p-1", "report": "A pipe burst: water, about 800 euros."}),
    Trial("claims", {"policy": "p-2", "report": "Something is gone."}, ("reject",)),
)


class Instance:
    """A started Legato, by its commands."""

    def __init__(self, data: Path, key: str) -> None:
        self._data = data
        self._environment = os.environ | {"LEGATO_KEY": key}

    def __call__(self, *arguments: str, fails: bool = False) -> Any:
        """Run a command that prints JSON, and return what it printed."""
        printed = self.say(*arguments, "--json", fails=fails)
        return json.loads(printed) if printed.strip() else None

    def say(self, *arguments: str, fails: bool = False) -> str:
        """Run a command and return what it printed."""
        command = [sys.executable, "-m", "legato", *arguments, "--data", str(self._data)]
        done = subprocess.run(
            command, env=self._environment, capture_output=True, text=True, check=False
        )
        if done.returncode and not fails:
            sys.exit(f"legato {' '.join(arguments)}\n{done.stdout}{done.stderr}")
        return done.stdout


@contextmanager
def started(folder: Path, config: Path = HERE / "legato.yaml") -> Iterator[Instance]:
    """Start Legato in a folder; stop it at the end."""
    command = [sys.executable, "-m", "legato", "up", "--config", str(config)]
    command += ["--data", str(folder / "data"), "--port", "0"]
    environment = os.environ | {
        "OFFICE": str(folder / "office.db"),
        "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]),
    }
    log = folder / "up.log"
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env=environment)
    try:
        yield Instance(folder / "data", _key(log, process))
    finally:
        process.terminate()
        process.wait(60)


def _key(log: Path, process: "subprocess.Popen[bytes]") -> str:
    until = time.monotonic() + READY_S
    while time.monotonic() < until and process.poll() is None:
        if found := re.search(r"first admin key.*: (lg-\S+)", log.read_text()):
            return found[1]
        time.sleep(0.1)
    sys.exit(f"Legato didn't start:\n{log.read_text()[-2_000:]}")


def ended(legato: Instance, run_id: str) -> dict[str, Any]:
    """Return a run once it has ended, or waits for a person."""
    until = time.monotonic() + ENDED_S
    while time.monotonic() < until:
        found = legato("workflow", "show", run_id)
        run: dict[str, Any] = found["run"] | {"cost_usd": found["cost"]["total_usd"]}
        if run["status"] in {"done", "failed", "cancelled"}:
            return run
        if run["status"] == "waiting" and legato("tasks", "list", "--run", run_id):
            return run
        time.sleep(0.2)
    sys.exit(f"{run_id} hasn't ended after {ENDED_S} s: {run}")


def decided(legato: Instance, run: dict[str, Any], says: str) -> None:
    """Say something of what a run asks: by so many different people as are needed."""
    for person in ("anna", "bruno"):
        for task in legato("tasks", "list", "--run", run["id"]):
            legato("tasks", says, task["id"], "--author", person)


def tried(legato: Instance, trial: Trial) -> dict[str, Any]:
    """Run a trial to its end; return the run."""
    file = HERE / "definitions" / f"{trial.workflow}.yaml"
    given = json.dumps(trial.input)
    run = legato("workflow", "run", str(file), "--detach", "--input", given)
    run = ended(legato, run["id"])
    for says in trial.says:
        decided(legato, run, says)
        run = ended(legato, run["id"])
    return run


def told(run: dict[str, Any], asked: str) -> None:
    """Print what came of a run."""
    came = json.dumps(run["output"]) if run["status"] == "done" else run["message"]
    print(
        f"{run['workflow']:<20} {run['status']:<8} ${run['cost_usd']:<12} {asked:<8} {came[:120]}"
    )


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200, help="of the nightly batch")
    parser.add_argument("--only", help="one workflow")
    given = parser.parse_args()
    trials = (*TRIALS, Trial("nightly", {"rows": given.rows}))
    with tempfile.TemporaryDirectory() as folder, started(Path(folder)) as legato:
        os.environ["OFFICE"] = str(Path(folder) / "office.db")
        wanted = [one for one in trials if given.only in {None, one.workflow}]
        runs = [(tried(legato, trial), ", ".join(trial.says)) for trial in wanted]
        time.sleep(SETTLED_S)
        for run, said in runs:
            told(ended(legato, run["id"]), said)
        for one in office.effects():
            print(f"the office: {one}")


if __name__ == "__main__":
    main()
