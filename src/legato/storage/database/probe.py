"""Whether SQLite works in a folder, for `legato doctor`."""

import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec


class SqliteFacts(msgspec.Struct, frozen=True):
    """The library's version, and the journal mode a database in the folder ends up with."""

    version: str
    journal_mode: str


def probe_sqlite(folder: Path) -> SqliteFacts:
    """Try a database in a temporary folder below `folder`.

    Raises:
        OSError: the folder can't be written.
    """
    with TemporaryDirectory(dir=folder, prefix="probe-") as place:
        try:
            with closing(sqlite3.connect(Path(place) / "probe.db", timeout=5.0)) as connection:
                row = connection.execute("PRAGMA journal_mode=WAL").fetchone()
                connection.execute("CREATE TABLE probe (number INTEGER)")
                connection.commit()
        except sqlite3.Error as error:
            raise OSError(str(error)) from error
    return SqliteFacts(sqlite3.sqlite_version, str(row[0]))
