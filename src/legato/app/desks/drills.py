"""Drills: a backup is put back into a scratch place, looked through, and what came of it recorded.

The record is in the audit log of the instance that was backed up, and compliance reads it there.
"""

import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from legato.app.checks.instance import Instance
from legato.app.config.data_dir import DataDir
from legato.app.desks.backups import make_backup, restore_backup
from legato.app.desks.stored_data import StoredData, stored_data
from legato.audit.event import Act, Subject
from legato.core.compliance import DRILL_FAILED, DRILL_PASSED
from legato.core.errors import LegatoError, OperatorError
from legato.storage.audit.access import AccessLog
from legato.storage.database.engine import open_engine
from legato.storage.migrate import upgrade

_OWNER_ONLY: Final = 0o600
_REASON_CHARACTERS: Final = 300


class Drill(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. Times are milliseconds."""

    backup: str
    """The file's name, or the variable that holds a database's address."""
    made_at: str
    """When the backup was made, "" where it doesn't say."""
    restored_ms: int
    looked_ms: int
    entries: int
    """Of the ledger."""
    events: int
    """Of the audit log."""
    problems: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether all that was restored is whole."""
        return not self.problems


def drill_backup(instance: Instance, backup: Path | None, scratch: Path | None) -> Drill:
    """Put a backup of an instance on SQLite back into a scratch folder, and look through it.

    Without one, a new backup is made first. The master key is the instance's own, as after a loss.

    Raises:
        OperatorError: no backup can be made, or the scratch folder can't be written.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="legato-drill-", dir=scratch) as folder:
            file = backup
            if file is None:
                file = Path(folder) / "new-backup.tar"
                make_backup(instance, file, with_master_key=False)
            return _recorded(instance, _of_file(instance, file, DataDir(Path(folder) / "data")))
    except OSError as error:
        raise OperatorError(f"no drill can be held: {error.strerror}") from None


def drill_database(instance: Instance, url: str, name: str) -> Drill:
    """Look through a database that a backup was restored to by other means. It is only read."""
    began = time.perf_counter_ns()
    stored = StoredData(url)
    try:
        stored.check()
        found = _looked(stored, instance)
    except LegatoError as error:
        found = _Found(0, 0, (error.message,))
    finally:
        stored.close()
    drill = _told(name, found, made_at="", restored_ms=0, looked_ms=_ms_since(began))
    return _recorded(instance, drill)


class _Found(msgspec.Struct, frozen=True):
    entries: int
    events: int
    problems: tuple[str, ...]


def _of_file(instance: Instance, file: Path, data: DataDir) -> Drill:
    began, made_at, restored_ms = time.perf_counter_ns(), "", 0
    try:
        manifest, _ = restore_backup(file, data, replace=False)
        made_at = manifest.at
        if not data.master_key.exists() and instance.data.master_key.is_file():
            shutil.copyfile(instance.data.master_key, data.master_key)
            data.master_key.chmod(_OWNER_ONLY)
        engine = open_engine(data.database_url)
        try:
            upgrade(engine)  # of an older version, as its next start would
        finally:
            engine.dispose()
        restored_ms, began = _ms_since(began), time.perf_counter_ns()
        there = Instance(data, instance.config_file, instance.loaded)
        with stored_data(there) as stored:
            found = _looked(stored, there)
    except LegatoError as error:
        found = _Found(0, 0, (error.message,))
    looked_ms = _ms_since(began)
    return _told(file.name, found, made_at=made_at, restored_ms=restored_ms, looked_ms=looked_ms)


def _looked(stored: StoredData, instance: Instance) -> _Found:
    report = stored.verify()
    desk = stored.audit(instance)  # opens the vault: without its master key nothing can be read
    looked = desk.look([])
    problems = [f"ledger: {one.what} ({one.where})" for one in report.problems]
    problems += _faults(looked.fault)
    if looked.fault is None:
        problems += _faults(desk.look_at_segments(stored.segments()).fault)
    return _Found(report.entries, looked.tree.size, tuple(problems))


def _faults(fault: object) -> Iterator[str]:
    if fault is not None:
        yield f"audit log: {getattr(fault, 'told', fault)}"


def _told(name: str, found: _Found, *, made_at: str, restored_ms: int, looked_ms: int) -> Drill:
    return Drill(
        backup=name,
        made_at=made_at,
        restored_ms=restored_ms,
        looked_ms=looked_ms,
        **msgspec.structs.asdict(found),
    )


def _recorded(instance: Instance, drill: Drill) -> Drill:
    """Write the drill down where it was held. Raises OperatorError, StorageUnavailable."""
    engine = open_engine(instance.database_url)
    try:
        AccessLog(engine).record(
            Act(
                "",
                DRILL_PASSED if drill.passed else DRILL_FAILED,
                Subject("backup", "", drill.backup),
                "done" if drill.passed else "failed",
                "; ".join(drill.problems)[:_REASON_CHARACTERS],
                details={
                    "made_at": drill.made_at,
                    "restored_ms": drill.restored_ms,
                    "looked_ms": drill.looked_ms,
                    "entries": drill.entries,
                    "events": drill.events,
                },
            )
        )
    finally:
        engine.dispose()
    return drill


def _ms_since(began_ns: int) -> int:
    return (time.perf_counter_ns() - began_ns) // 1_000_000
