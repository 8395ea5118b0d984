"""What `legato doctor` looks at on a machine; each check says how to mend what is missing."""

import os
import platform
import resource
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from statistics import median
from tempfile import TemporaryFile

from legato.app.checks.configuration import load
from legato.app.checks.instance import Instance, running_server
from legato.app.config.environment import environment
from legato.app.config.problems import ConfigProblems
from legato.app.config.weak_secrets import REMEDY, weak_secrets
from legato.app.desks.certificate_checks import certificate_checks
from legato.app.desks.check import Check, State
from legato.app.desks.stored_data import StoredData
from legato.app.desks.trigger_checks import trigger_checks
from legato.app.leasing import store_found
from legato.core.errors import LegatoError
from legato.providers.local.catalogue import CATALOGUE
from legato.providers.local.weights import is_stored
from legato.storage.database.probe import probe_sqlite
from legato.storage.migrate import SchemaStatus

PYTHON_MIN = (3, 11)
SQLITE_MIN = (3, 35)
FREE_MIB_MIN = 1024
OPEN_FILES_MIN = 4096
FSYNC_MS_MAX = 20.0
_NATIVE = ("aiohttp", "cryptography", "httptools", "msgspec", "psycopg", "sqlalchemy", "uvloop")
_FSYNC_ROUNDS = 9


def run_checks(instance: Instance) -> Iterator[Check]:
    """Yield every finding about this machine and the instance's data directory."""
    yield _python()
    yield _native_packages()
    yield _open_files()
    yield from _data_directory(instance)
    yield _port(instance)
    yield from certificate_checks(instance.loaded.config.server)
    yield _database(instance)
    if instance.loaded.config.limits.store is not None:
        yield _lease_store(instance)
    yield from trigger_checks(instance)
    yield _key_secrets(instance)
    yield from _local_models(instance)


def _python() -> Check:
    found = f"{platform.python_implementation()} {platform.python_version()}"
    good = sys.version_info >= PYTHON_MIN
    return Check("python", _failed_unless(good), found, "Install Python 3.11 or newer.")


def _native_packages() -> Check:
    broken = [f"{name} ({reason})" for name in _NATIVE if (reason := _import_problem(name))]
    found = f"can't be imported: {', '.join(broken)}" if broken else f"{len(_NATIVE)} work"
    remedy = "Install Legato again where prebuilt wheels exist: pip install --force-reinstall."
    return Check("native packages", _failed_unless(not broken), found, remedy)


def _import_problem(name: str) -> str:
    try:
        import_module(name)
    except ImportError as error:
        return str(error)
    return ""


def _open_files() -> Check:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = hard == resource.RLIM_INFINITY or hard >= OPEN_FILES_MIN
    found = "unlimited" if hard == resource.RLIM_INFINITY else str(hard)
    remedy = f"Each open call takes two: ulimit -Hn {OPEN_FILES_MIN} (systemd: LimitNOFILE=)."
    return Check("open files", _warning_unless(enough), found, remedy)


def _data_directory(instance: Instance) -> Iterator[Check]:
    root = instance.data.root
    folder = _existing(root)
    remedy = f"Let this user write to {folder}, or name another with --data."
    if not os.access(folder, os.W_OK | os.X_OK):
        yield Check("data directory", State.FAILED, f"{root}: not writable", remedy)
        return
    yield Check("data directory", State.GOOD, str(root))
    free_mib = shutil.disk_usage(folder).free // 2**20
    remedy = "Free some: a full disk stops new calls (open ones are still accounted for)."
    state = _warning_unless(free_mib >= FREE_MIB_MIN)
    yield Check("disk space", state, f"{free_mib} MiB free", remedy)
    yield _guarded("disk sync", lambda: _disk_sync(folder))
    yield _guarded("sqlite", lambda: _sqlite(folder))


def _guarded(name: str, check: Callable[[], Check]) -> Check:
    try:
        return check()
    except OSError as error:
        remedy = "Use a local disk that this user may write to."
        return Check(name, State.FAILED, error.strerror or str(error), remedy)


def _disk_sync(folder: Path) -> Check:
    times_ms = []
    with TemporaryFile(dir=folder, buffering=0) as file:
        for _ in range(_FSYNC_ROUNDS):
            started_ns = time.perf_counter_ns()
            file.write(bytes(4096))
            os.fsync(file.fileno())
            times_ms.append((time.perf_counter_ns() - started_ns) / 1e6)
    middle_ms = median(times_ms)
    remedy = "Slow for `journal.durability: power`; put the data directory on a faster disk."
    state = _warning_unless(middle_ms <= FSYNC_MS_MAX)
    return Check("disk sync", state, f"{middle_ms:.2f} ms a write", remedy)


def _sqlite(folder: Path) -> Check:
    facts = probe_sqlite(folder)
    found = f"{facts.version}, journal mode {facts.journal_mode}"
    if facts.journal_mode != "wal":
        remedy = "Network file systems have no shared memory: use a local disk or Postgres."
        return Check("sqlite", State.FAILED, found, remedy)
    version = tuple(int(part) for part in facts.version.split(".")[:2])
    remedy = "Use a Python built with SQLite 3.35 or newer, or Postgres (storage.url)."
    return Check("sqlite", _failed_unless(version >= SQLITE_MIN), found, remedy)


def _port(instance: Instance) -> Check:
    server = instance.loaded.config.server
    place = f"{server.host}:{server.port}"
    family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((server.host, server.port))
        except OSError as error:
            running = running_server(instance.data)
            if running is not None and running.port == server.port:
                found = f"{place}: this instance serves there (pid {running.pid})"
                return Check("port", State.GOOD, found)
            remedy = "Stop what uses it, or choose another: server.port or --port."
            return Check("port", State.FAILED, f"{place}: {error.strerror}", remedy)
    return Check("port", State.GOOD, f"{place} is free")


def _database(instance: Instance) -> Check:
    if instance.loaded.config.storage.url is None and not instance.data.database.is_file():
        return Check("database", State.GOOD, "SQLite, made at the first start")
    remedy = "Check storage.url and that the server accepts connections from here."
    try:
        stored = StoredData(instance.database_url)
        try:
            found = stored.schema()
        finally:
            stored.close()
    except LegatoError as error:
        return Check("database", State.FAILED, error.message, remedy)
    if found.status in {SchemaStatus.CURRENT, SchemaStatus.EMPTY}:
        return Check("database", State.GOOD, f"reachable, schema {found.status.value}")
    if found.status is SchemaStatus.OLDER:
        said = f"schema {found.version} is older than this Legato's"
        return Check("database", State.WARNING, said, "`legato up` upgrades it; back it up first.")
    said = found.problem or f"schema {found.version} is newer than this Legato's"
    return Check("database", State.FAILED, said, "Restore a backup, or install that version.")


def _lease_store(instance: Instance) -> Check:
    remedy = "Check limits.store and that the server accepts connections from here."
    try:
        loaded = load(
            instance.config_file, environment(), secrets=lambda path: path[:1] == ("limits",)
        )
        found = store_found(loaded)
    except ConfigProblems as error:
        said = f"its address can't be read here: {error.problems[0].message}"
        return Check("lease store", State.WARNING, said, "Run this where the server runs.")
    except LegatoError as error:
        return Check("lease store", State.FAILED, error.message, remedy)
    return Check("lease store", State.GOOD, found)


def _key_secrets(instance: Instance) -> Check:
    given = environment()
    try:
        loaded = load(instance.config_file, given, secrets=lambda path: path[:1] == ("keys",))
    except ConfigProblems as error:
        found = f"not all can be read here: {error.problems[0].message}"
        return Check("key secrets", State.WARNING, found, "Run this where the server runs.")
    weak = [str(one) for one in weak_secrets(loaded, given)]
    found = "; ".join(weak) or f"{len(loaded.config.keys)} declared, none can be guessed"
    return Check("key secrets", _warning_unless(not weak), found, REMEDY)


def _local_models(instance: Instance) -> Iterator[Check]:
    providers = [one for one in instance.loaded.config.providers if one.kind == "local"]
    worse = State.FAILED if providers else State.WARNING
    reason = _import_problem("xllamacpp")
    found = "can't be imported" if reason else "installed"
    remedy = "pip install 'legato[local]' (only for models on this machine)."
    yield Check("xllamacpp", worse if reason else State.GOOD, found, remedy)
    root = instance.data.root
    here = [name for name, weights in CATALOGUE.items() if is_stored(weights, root)]
    wanted = {str(one.settings["model"]) for one in providers if "model" in one.settings}
    missing = sorted(wanted - set(here))
    if missing:
        remedy = f"legato local pull {missing[0]}"
        yield Check("weights", State.FAILED, f"not here: {', '.join(missing)}", remedy)
    else:
        yield Check("weights", State.GOOD, ", ".join(here) or "none here, none asked for")


def _existing(folder: Path) -> Path:
    """Return the nearest folder above that exists: where a missing one would be made."""
    folder = folder.absolute()
    while not folder.exists():
        folder = folder.parent
    return folder


def _failed_unless(good: bool) -> State:  # noqa: FBT001 - reads as a sentence where it is used
    return State.GOOD if good else State.FAILED


def _warning_unless(good: bool) -> State:  # noqa: FBT001 - same
    return State.GOOD if good else State.WARNING
