"""Finding an instance from outside: its configuration, its database. It may run or not."""

import fcntl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from legato.app.checks.configuration import load, storage_secret
from legato.app.config.data_dir import DataDir
from legato.app.config.environment import environment
from legato.app.config.loaded import LoadedConfig
from legato.app.config.problems import Path as ConfigPath

DEFAULT_CONFIG_FILE = Path("legato.yaml")


class _Remembered(msgspec.Struct, frozen=True):
    config: str | None = None


class RunningServer(msgspec.Struct, frozen=True):
    """What a running supervisor writes down about itself."""

    url: str
    """Where this machine's commands and processes find all of it."""
    host: str
    port: int
    started_ns: int
    pid: int
    listeners: dict[str, str] = {}
    """The URL of each listener, by what it serves."""


@dataclass(frozen=True)
class Instance:
    """A data directory with the configuration that belongs to it."""

    data: DataDir
    config_file: Path | None
    loaded: LoadedConfig

    @property
    def database_url(self) -> str:
        """The configured database, else the SQLite file of the data directory."""
        return database_url(self.loaded, self.data)


def find_instance(
    data: Path, config_file: Path | None, secrets: Callable[[ConfigPath], bool] = storage_secret
) -> Instance:
    """Load what belongs to a data directory; of secrets only the database's address, and `secrets`.

    Raises:
        ConfigInvalid: the configuration has problems.
    """
    place = DataDir(data)
    file = config_file_for(place, config_file)
    return Instance(place, file, load(file, environment(), secrets=secrets))


def config_file_for(data: DataDir, named: Path | None) -> Path | None:
    """Return the file named, else the one last started with, else ./legato.yaml if it is there.

    The one last started with comes first, so that a command run from another folder finds the
    same database as the server.
    """
    if named is not None:
        return named
    remembered = _recall(data)
    if remembered is not None and remembered.is_file():
        return remembered
    return DEFAULT_CONFIG_FILE if DEFAULT_CONFIG_FILE.is_file() else None


def remember_config_file(data: DataDir, file: Path | None) -> None:
    """Write down which file an instance was started with."""
    config = None if file is None else str(file.absolute())
    part = data.instance_file.with_suffix(".part")
    part.write_bytes(msgspec.json.encode(_Remembered(config)))
    part.replace(data.instance_file)


def database_url(loaded: LoadedConfig, data: DataDir) -> str:
    """Return where the ledger and the keys lie."""
    return loaded.secret(loaded.config.storage.url) or data.database_url


def running_server(data: DataDir) -> RunningServer | None:
    """Return what the running supervisor says of itself, None when none runs."""
    return _announced(data) if _is_held(data.lock) else None


def lost_server(data: DataDir) -> RunningServer | None:
    """Return what a supervisor said of itself that was killed before it could take it back."""
    return None if _is_held(data.lock) else _announced(data)


def _is_held(lock: Path) -> bool:
    """Tell whether a supervisor lives: its lock dies with it, its file and its pid don't.

    For a moment this holds the lock itself; a supervisor that starts then tries again.
    """
    try:
        with lock.open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def _announced(data: DataDir) -> RunningServer | None:
    try:
        return msgspec.json.decode(data.server_file.read_bytes(), type=RunningServer)
    except (OSError, msgspec.DecodeError):
        return None


def _recall(data: DataDir) -> Path | None:
    try:
        remembered = msgspec.json.decode(data.instance_file.read_bytes(), type=_Remembered)
    except (OSError, msgspec.DecodeError):  # never started, or written by another version
        return None
    return None if remembered.config is None else Path(remembered.config)
