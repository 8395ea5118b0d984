"""One process whose threads all write to an SQLite file at once: `writers.py URL TEXT`.

Prints how many writes were refused.
"""

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from sqlalchemy import text

from legato.core.errors import StorageUnavailable
from legato.storage.database.engine import open_engine, writing

THREADS: Final = 8
WRITES: Final = 60
PATIENCE_S: Final = 2.0


def main(url: str, written: str) -> None:
    engine = open_engine(url, wait_s=PATIENCE_S)

    def write(_: int) -> int:
        refused = 0
        for _n in range(WRITES):
            try:
                with writing(engine) as connection:
                    connection.execute(text("INSERT INTO note VALUES (:t)"), {"t": written})
            except StorageUnavailable:
                refused += 1
        return refused

    with ThreadPoolExecutor(THREADS) as threads:
        sys.stdout.write(str(sum(threads.map(write, range(THREADS)))))
    engine.dispose()


if __name__ == "__main__":
    main(*sys.argv[1:])
