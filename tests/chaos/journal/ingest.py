"""Ingests into a real SQLite ledger that would show every repetition; `once` or until killed."""

import sqlite3
import sys
import threading
from pathlib import Path

from legato.journal.drain import IngestLimits
from legato.journal.ingester import Ingester, IngesterOptions
from legato.journal.sink import SinkUnavailable

SCHEMA = """
CREATE TABLE IF NOT EXISTS row (id INTEGER PRIMARY KEY, writer TEXT, number INTEGER);
CREATE TABLE IF NOT EXISTS progress (segment TEXT PRIMARY KEY, offset INTEGER);
CREATE TABLE IF NOT EXISTS finished (writer TEXT);
CREATE TABLE IF NOT EXISTS alarm (segment TEXT);
"""


class SqliteSink:
    def __init__(self, path: str) -> None:
        self.database = sqlite3.connect(path, timeout=10)
        self.database.execute("PRAGMA journal_mode=WAL")
        self.database.execute("PRAGMA synchronous=FULL")
        self.database.executescript(SCHEMA)

    def offsets(self) -> dict[str, int]:
        return dict(self.database.execute("SELECT segment, offset FROM progress"))

    def commit(self, segment: str, offset: int, payloads: list[bytes]) -> None:
        writer = segment.partition("/")[0]
        rows = [(writer, int(payload.partition(b" ")[0])) for payload in payloads]
        try:
            with self.database:
                self.database.executemany("INSERT INTO row (writer, number) VALUES (?, ?)", rows)
                self.database.execute("REPLACE INTO progress VALUES (?, ?)", (segment, offset))
        except sqlite3.OperationalError as error:
            raise SinkUnavailable from error

    def writer_finished(self, writer: str) -> None:
        with self.database:
            self.database.execute("INSERT INTO finished VALUES (?)", (writer,))

    def forget_segment(self, segment: str) -> None:
        with self.database:
            self.database.execute("DELETE FROM progress WHERE segment = ?", (segment,))


def main(directory: str, database: str, mode: str) -> None:
    sink = SqliteSink(database)
    options = IngesterOptions(poll_s=0.002, limits=IngestLimits(batch_frames=20))

    def alarm(alarm: object) -> None:
        with sink.database:
            sink.database.execute("INSERT INTO alarm VALUES (?)", (str(alarm),))

    ingester = Ingester(Path(directory), sink, alarm, options)
    if mode != "once":
        ingester.run(threading.Event())
    while ingester.run_once().has_more:
        pass


if __name__ == "__main__":
    main(*sys.argv[1:])
