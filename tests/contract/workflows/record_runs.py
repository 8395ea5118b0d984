"""Begins runs, cuts them in the middle, and writes their rows down, as this version leaves them.

`python record_runs.py FILE`, from this folder's parent, with `tests` and `src` on the path. What
it wrote for a version stays as it is: `test_recorded_runs.py` lets later ones go on with it.
"""

import asyncio
import json
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from sqlalchemy import text

from contract.workflows.workflow_runs import defined, running
from legato.flow.definition import Notify
from legato.storage.database.engine import open_engine, reading
from legato.storage.migrate import upgrade
from legato.workflows.nodes.contract import Step, StepOutcome

TABLES = (
    "workflow_definition",
    "workflow_run",
    "workflow_step",
    "workflow_wait",
    "workflow_message",
)
WAITS_S = 60

CUT = [
    {"kind": "set", "id": "sum", "value": "${input.net + input.tax}"},
    {
        "kind": "raise", "id": "pays", "after": ["sum"], "code": "declined", "message": "no",
        "retry": {"attempts_max": 2, "wait_s": 0.01, "on": ["declined"]},
    },
    {"kind": "set", "id": "notes", "after": ["pays:error"], "value": "${steps.pays.error.code}"},
    {"kind": "notify", "id": "tells", "after": ["notes"], "subject": "x", "text": "x"},
    {"kind": "set", "id": "over", "after": ["tells"],
     "value": "${steps.notes.output} ${steps.sum.output} ${steps.tells.output}"},
]  # fmt: skip
LOOPS = [
    {"kind": "set", "id": "base", "value": 100},
    {
        "kind": "for", "id": "each", "after": ["base"], "each": "input",
        "do": {"nodes": [
            {"kind": "wait", "id": "rest", "for_s": WAITS_S},
            {"kind": "set", "id": "one", "after": ["rest"],
             "value": "${item * vars.factor + steps.base.output}"},
        ]},
    },
]  # fmt: skip


def main() -> None:
    """Record."""
    began = threading.Event()

    async def act(_node: Notify, step: Step) -> StepOutcome:
        async def outside(_key: str) -> str:
            began.set()
            await asyncio.sleep(WAITS_S)
            return "never"

        return StepOutcome(output=await step.do("outside", outside))

    with tempfile.TemporaryDirectory() as folder:
        urls = f"sqlite:///{folder}/legato.db", f"sqlite:///{folder}/workflows.db"
        engine = open_engine(urls[0])
        upgrade(engine)
        with running(urls, "", {Notify: act}) as runs:
            looping = runs.start(defined(nodes=LOOPS, vars={"factor": 3}), [1, 2, 3])
            runs.start(defined(nodes=CUT), {"net": 100, "tax": 19})
            began.wait(WAITS_S)
            runs.until(looping, {"waiting"})
            Path(sys.argv[1]).write_text(json.dumps(_rows(engine), indent=1) + "\n")
        engine.dispose()


def _rows(engine: Any) -> dict[str, list[dict[str, Any]]]:
    found = {}
    with reading(engine) as connection:
        for table in TABLES:
            rows = connection.execute(text(f"SELECT * FROM {table}"))  # noqa: S608 - our names
            found[table] = [_plain(row._asdict()) for row in rows]
    return found


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as JSON has it; what is sealed is JSON here, too."""
    return {
        name: {"sealed": value.decode()} if isinstance(value, bytes) else value
        for name, value in row.items()
    }


if __name__ == "__main__":
    main()
