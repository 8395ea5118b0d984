"""What an act costs in the audit log, alone and in groups, and where its time goes.

python benchmarks/audit.py [database-url] [acts]

Each group is one transaction, committed and on the disk, as sign-ins, refusals and reads of content
are recorded. `commit` is the wall time of the commits alone, which is the disk's; the rest is the
program's. High-volume records (ledger entries, decisions) aren't acts: their segments are, one for
thousands of rows.
"""

import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import Engine

from legato.audit.acting import acting
from legato.audit.event import Act, Subject
from legato.storage.audit.writing import recorded_together
from legato.storage.database.engine import open_engine, writing
from legato.storage.migrate import upgrade

GROUPS = (1, 10, 100, 1_000)
ROUNDS = 5
ACTS = 2_000


def measure(engine: Engine, group: int, acts: int) -> tuple[float, float, float]:
    """Return wall, processor and commit microseconds per act: of the best round."""
    best = (float("inf"), 0.0, 0.0)
    for _ in range(ROUNDS):
        committing = 0.0
        began, used = time.perf_counter(), time.process_time()
        for _ in range(max(1, acts // group)):
            with writing(engine) as connection:
                subjects = [Subject("request", f"{number:032x}") for number in range(group)]
                said = [Act("acme", "capture.read", one, "granted") for one in subjects]
                recorded_together(connection, [(act, acting()) for act in said])
                at = time.perf_counter()
            committing += time.perf_counter() - at
        done = max(1, acts // group) * group
        wall = (time.perf_counter() - began) / done
        spent = (time.process_time() - used) / done
        best = min(best, (wall * 1e6, spent * 1e6, committing / done * 1e6))
    return best


def main() -> None:
    """Print a row for each size of group."""
    acts = int(sys.argv[2]) if len(sys.argv) > 2 else ACTS
    with tempfile.TemporaryDirectory() as folder:
        url = sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{Path(folder) / 'legato.db'}"
        engine = open_engine(url)
        upgrade(engine)
        print(f"{'group':>6} {'wall us':>9} {'cpu us':>8} {'commit us':>10}")
        for group in GROUPS:
            wall, cpu, commit = measure(engine, group, acts)
            print(f"{group:>6} {wall:>9.1f} {cpu:>8.1f} {commit:>10.1f}")
        engine.dispose()


if __name__ == "__main__":
    main()
