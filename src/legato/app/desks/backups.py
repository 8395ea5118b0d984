"""Backups of an instance on SQLite: made while it runs, put back while it is stopped.

A backup is a tar file: the databases, the configuration, and a manifest with their hashes. The
master key is in it only where that is asked for: with it a backup is readable by who has it.
"""

import hashlib
import io
import tarfile
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final

import msgspec

import legato
from legato.app.checks.instance import Instance, running_server
from legato.app.config.data_dir import DataDir
from legato.core.clock import SystemClock
from legato.core.errors import OperatorError
from legato.storage.backup import copy_database, problem_of, side_files
from legato.storage.database.engine import open_engine
from legato.storage.tables.schema import SCHEMA_VERSION
from legato.storage.workflows.restored import pause_restored

FORM: Final = 1
MANIFEST: Final = "manifest.json"
DATABASE: Final = "legato.db"
WORKFLOWS: Final = "workflows.db"
MASTER_KEY: Final = "master.key"
CONFIG: Final = "legato.yaml"
_PART_BYTES: Final = 1024 * 1024
_OWNER_ONLY: Final = 0o600
_NS_PER_S: Final = 1_000_000_000
_POSTGRES: Final = (
    "the database is Postgres: `pg_dump --format=custom` copies it, `pg_restore` puts it back; "
    "see docs/how-to/back-up-and-restore.md"
)


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup says of itself."""

    form: int
    legato: str
    schema: str
    at: str
    files: dict[str, str]
    """SHA-256 by name."""


def make_backup(instance: Instance, out: Path, *, with_master_key: bool) -> Manifest:
    """Write a backup; under its name only when it is whole.

    Raises:
        OperatorError: it can't be made or written.
    """
    data = instance.data
    if instance.database_url != data.database_url:
        raise OperatorError(_POSTGRES)
    if not data.database.is_file():
        raise OperatorError(f"nothing is stored in {data.root} yet: name it with --data")
    part = out.with_name(f"{out.name}.part")
    try:
        with tempfile.TemporaryDirectory(dir=out.parent) as folder:
            files = dict(_gathered(instance, Path(folder), with_master_key=with_master_key))
            manifest = Manifest(
                form=FORM,
                legato=legato.__version__,
                schema=SCHEMA_VERSION,
                at=_now(),
                files={name: _digest(file) for name, file in files.items()},
            )
            part.touch(mode=_OWNER_ONLY)
            with tarfile.open(part, "w") as archive:
                _add(archive, MANIFEST, io.BytesIO(msgspec.json.encode(manifest)))
                for name, file in files.items():
                    with file.open("rb") as opened:
                        _add(archive, name, opened)
        part.replace(out)
    except OSError as error:
        raise OperatorError(f"no backup was made: {_reason(error)}") from None
    finally:
        part.unlink(missing_ok=True)
    return manifest


def restore_backup(backup: Path, data: DataDir, *, replace: bool) -> tuple[Manifest, list[Path]]:
    """Put a backup into a data directory; return what it says, and what was moved aside.

    Nothing is changed before all of it was looked at. A master key that is there stays.

    Raises:
        OperatorError: the backup is damaged, a server runs there, or something is in the way.
    """
    if running_server(data) is not None:
        raise OperatorError(f"a Legato runs on {data.root}: stop it first")
    if data.database.exists() and not replace:
        raise OperatorError(
            f"{data.database} is there: --replace moves it aside, or name another --data"
        )
    try:
        data.create()
        with tempfile.TemporaryDirectory(dir=data.root) as folder:
            manifest = _unpacked(backup, Path(folder))
            if told := problem_of(Path(folder) / DATABASE):
                raise OperatorError(f"{backup} can't be restored: {told}")
            aside = _move_aside(data, manifest)
            for name in manifest.files:
                place = data.root / name
                if name in {CONFIG, MASTER_KEY} and place.exists():
                    continue
                (Path(folder) / name).replace(place)
                place.chmod(_OWNER_ONLY)
        _pause_runs(data)
    except (OSError, tarfile.TarError) as error:
        raise OperatorError(f"{backup} can't be restored: {_reason(error)}") from None
    return manifest, aside


def _pause_runs(data: DataDir) -> None:
    engine = open_engine(f"sqlite:///{data.database}")
    try:
        pause_restored(engine, SystemClock.now_ns())
    finally:
        engine.dispose()


def _gathered(
    instance: Instance, folder: Path, *, with_master_key: bool
) -> Iterator[tuple[str, Path]]:
    data = instance.data
    for name in (WORKFLOWS, DATABASE):  # runs first: what they wrote since is there all the more
        if (data.root / name).is_file():
            copy_database(data.root / name, folder / name)
            yield name, folder / name
    if instance.config_file is not None and instance.config_file.is_file():
        yield CONFIG, instance.config_file
    if with_master_key:
        if not data.master_key.is_file():
            raise OperatorError(
                f"there is no {data.master_key}: the master key is in the environment or with a "
                "key service; back it up there"
            )
        yield MASTER_KEY, data.master_key


def _unpacked(backup: Path, folder: Path) -> Manifest:
    """Unpack a backup's own files, each as its manifest has it. Raises OperatorError."""
    with tarfile.open(backup) as archive:
        try:
            told = archive.extractfile(MANIFEST)
            manifest = msgspec.json.decode(told.read() if told else b"", type=Manifest)
        except (KeyError, msgspec.MsgspecError):
            raise OperatorError(f"{backup} isn't a backup of Legato") from None
        known = {DATABASE, WORKFLOWS, CONFIG, MASTER_KEY}
        if manifest.form != FORM or not {DATABASE} <= set(manifest.files) <= known:
            raise OperatorError(f"{backup} was made by another version: use that one")
        for name, digest in manifest.files.items():
            try:
                member = archive.extractfile(name)
            except KeyError:
                member = None
            if member is None:
                raise OperatorError(f"{backup} is damaged: {name} is missing")
            with (folder / name).open("wb") as file:
                while part := member.read(_PART_BYTES):
                    file.write(part)
            if _digest(folder / name) != digest:
                raise OperatorError(f"{backup} is damaged: {name} isn't what was written")
    return manifest


def _move_aside(data: DataDir, manifest: Manifest) -> list[Path]:
    stamp = _now().replace(":", "")
    moved = []
    for name in manifest.files:
        place = data.root / name
        if name in {CONFIG, MASTER_KEY} or not place.exists():
            continue
        for file in (place, *side_files(place)):
            if file.exists():
                aside = file.with_name(f"{file.name}.before-restore-{stamp}")
                file.replace(aside)
                moved.append(aside)
    return moved


def _add(archive: tarfile.TarFile, name: str, content: IO[bytes]) -> None:
    info = tarfile.TarInfo(name)
    content.seek(0, io.SEEK_END)
    info.size = content.tell()
    content.seek(0)
    info.mode = _OWNER_ONLY
    archive.addfile(info, content)


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _now() -> str:
    return datetime.fromtimestamp(SystemClock.now_ns() // _NS_PER_S, UTC).isoformat()


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()
