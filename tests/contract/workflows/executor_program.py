"""An executor of durable runs in a process of its own, to be stopped and killed.

`python executor_program.py URL SCHEMA BEATS_URL EXECUTOR FOLDER`: runs the workflow `letters`,
whose steps leave a line in FOLDER/log each time they are really done, and takes over.
"""

import sys
import time
from pathlib import Path

from legato.core.durable import Steps
from legato.storage.database.engine import open_engine
from legato.storage.runs.executors import ExecutorBeats
from legato.workflows.engine import DurableEngine, EngineOptions
from legato.workflows.takeover import TakeOver

BEAT_S = 0.1
DEAD_AFTER_S = 0.8


def main() -> None:
    """Beat and run until killed."""
    url, schema, beats_url, executor, folder = sys.argv[1:]
    log = Path(folder) / "log"

    def note(line: str) -> str:
        with log.open("a") as file:
            file.write(f"{executor} {line}\n")
        return f"{line} by {executor}"

    def slow(line: str) -> str:
        told = note(line)
        while not (Path(folder) / "go-on").exists():
            time.sleep(0.02)
        return told

    def letters(steps: Steps, argument: str) -> list[str]:
        first = steps.do("first", lambda: note(f"first {argument}"))
        return [first, steps.do("slow", lambda: slow(f"slow {argument}"))]

    roster = ExecutorBeats(
        open_engine(beats_url, schema=None if beats_url.startswith("sqlite") else schema)
    )
    roster.beat(executor)
    engine = DurableEngine(
        EngineOptions(url, executor, {"letters": 4}, postgres_schema=f"{schema}_runs", poll_s=0.05),
        {"letters": letters},
    )
    take_over = TakeOver(engine, roster, executor, dead_after_s=DEAD_AFTER_S, beat_s=BEAT_S)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        take_over.pass_once()
        start = Path(folder) / f"start-{executor}"
        if start.exists():
            engine.start("letters", start.read_text(), "x", "letters")
            start.unlink()
        time.sleep(BEAT_S)


if __name__ == "__main__":
    main()
