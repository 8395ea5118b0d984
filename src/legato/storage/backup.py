"""Copies a SQLite database while it is in use. Postgres has means of its own."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from legato.storage.tables.schema import SCHEMA_VERSION

_OWNER_ONLY: Final = 0o600
_SIDE_FILES: Final = ("-wal", "-shm", "-journal")


def copy_database(source: Path, copy: Path) -> None:
    """Write a copy as of one moment; writers don't wait for it. It must not exist.

    Raises:
        OSError: it can't be read or written, or is there already.
    """
    os.close(os.open(copy, os.O_RDWR | os.O_CREAT | os.O_EXCL, _OWNER_ONLY))
    try:
        with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(copy)) as new:
            old.backup(new)
            new.execute("PRAGMA journal_mode=DELETE")  # one file, whatever the source has
    except sqlite3.Error as error:
        msg = f"the database can't be copied: {error}"
        raise OSError(msg) from error


def problem_of(database: Path) -> str:
    """Return what is wrong with a copy: it is damaged, or newer than this code; "" for nothing."""
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as opened:
            (told,) = opened.execute("PRAGMA quick_check(1)").fetchone()
            (version,) = opened.execute("SELECT version_num FROM alembic_version").fetchone()
    except (sqlite3.Error, TypeError) as error:
        return f"it can't be read: {error}"
    if told != "ok":
        return f"it is damaged: {told}"
    return "" if version <= SCHEMA_VERSION else f"its schema {version} is of a newer Legato"


def side_files(database: Path) -> list[Path]:
    """Return the files that SQLite may keep beside a database."""
    return [database.with_name(database.name + ending) for ending in _SIDE_FILES]
