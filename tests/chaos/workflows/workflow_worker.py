"""A worker that runs workflows until it is killed; see test_killed_workers.py.

`python workflow_worker.py RUNS_URL ENGINE_URL SCHEMA FOLDER WORK_S`: its `notify` nodes leave a
line with the idempotency key in FOLDER each time they reach outside, which takes them WORK_S, and
a row each time they write.
"""

import asyncio
import logging
import os
import sys
import time
from pathlib import Path
from typing import Any

from sqlalchemy import text

from contract.workflows.workflow_runs import running
from legato.flow.definition import Notify
from legato.workflows.nodes.contract import Step, StepOutcome


def main() -> None:
    """Run until killed."""
    logging.basicConfig(level=logging.WARNING)
    logging.getLogger("legato").setLevel(logging.INFO)
    runs_url, engine_url, schema, folder, work_s = sys.argv[1:]
    log = Path(folder) / f"outside-{os.getpid()}"

    async def act(_node: Notify, step: Step) -> StepOutcome:
        async def outside(key: str) -> str:
            with log.open("a") as file:
                file.write(f"{key}\n")
            await asyncio.sleep(float(work_s))
            return key

        def inside(connection: Any, key: str) -> str:
            connection.execute(text("INSERT INTO effect VALUES (:key)"), {"key": key})
            return key

        return StepOutcome(
            output=[await step.do("outside", outside), await step.transact("inside", inside)]
        )

    with running((runs_url, engine_url), schema, {Notify: act}) as found:
        (Path(folder) / f"executor-{os.getpid()}").write_text(found.executor)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        while True:
            time.sleep(1)


if __name__ == "__main__":
    main()
