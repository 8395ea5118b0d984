"""What the supervisor hands to a process it forks."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from legato.app.acting import Acting
from legato.app.config.data_dir import DataDir
from legato.app.config.loaded import LoadedConfig
from legato.app.listeners import Handed
from legato.core.price import Price
from legato.gateway.breakers import BreakerBoard
from legato.gateway.loads import LoadBoard
from legato.registry.models import Live
from legato.storage.database.engine import open_engine


@dataclass(frozen=True)
class ProcessContext:
    """Given to every child: what all of them need."""

    boot_id: str
    """New at every start of the supervisor."""
    loaded: LoadedConfig
    data: DataDir
    database_url: str

    engine = cached_property(lambda self: open_engine(self.database_url))
    """The process's one pool: each connection of SQLite keeps the schema and pages of its own.

    First asked for after the fork, as no connection may outlive one.
    """


@dataclass(frozen=True)
class LedgerContext(ProcessContext):
    """Given to the ledger process."""

    breakers: BreakerBoard | None = None
    """Shared memory made before the first fork: what is open there for long is an incident."""
    wake_fd: int = -1
    """A pipe's writing end, which wakes the batch process."""


@dataclass(frozen=True, kw_only=True)
class ProviderContext(ProcessContext):
    """Given to who calls providers."""

    managed: Mapping[str, str]
    """Base URL by provider name, of model servers this supervisor runs (no trailing slash)."""
    managed_keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    """API key by provider name, of those model servers that ask for one."""
    prices: Mapping[str, Price | None] = field(default_factory=dict)
    """Price by deployment, None where it is unpriced."""


@dataclass(frozen=True)
class Prepared:
    """What was found in the database before the first worker; holds secrets, in memory only."""

    admin_secret: str | None = field(repr=False)
    """Of the first admin key, where it was made just now."""
    root: bytes = field(repr=False)
    """The instance's first data key: what keyed hashes derive from."""
    credentials: Mapping[str, str] = field(repr=False)
    """Credentials of the vault that the configuration names."""
    runs_open: bool = False
    """Whether a batch or an evaluation waits to be finished, or live answers are scored."""
    live: tuple[Live, ...] = ()
    """What is live in the registry, beside what the configuration has."""


@dataclass(frozen=True, kw_only=True)
class WorkerContext(ProviderContext):
    """Given to a gateway worker."""

    worker: int
    """Index from 0; a restarted worker keeps it."""
    generation: int
    """How often this worker has been restarted: 0 for the first."""
    workers: int
    """How many workers share the listening sockets."""
    listeners: tuple[Handed, ...]
    """Bound, listening sockets: inherited, non-blocking."""
    control_socket: Path | None = None
    """Where the control API answers; None where there is none."""
    root: bytes = field(default=b"", repr=False)
    """The vault's root key: a worker starts with the database away, too."""
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Credentials of the vault as they were when the supervisor started."""
    breakers: BreakerBoard | None = None
    """Shared memory made before the first fork; a worker without one keeps its own."""
    loads: LoadBoard | None = None
    """Likewise."""
    acting: Acting | None = field(default=None, repr=False)
    """Reads the credentials of the batch process."""
    wake_fd: int = -1
    """A pipe's writing end, which wakes the batch process."""
    ready_fd: int = -1
    """A pipe's writing end: the worker writes one byte and closes it once it serves."""

    @property
    def writer_id(self) -> str:
        """The journal writer's id: never used twice, so no two writers share a segment."""
        return f"{self.boot_id}-{self.worker}-{self.generation}"


@dataclass(frozen=True, kw_only=True)
class BatchContext(ProviderContext):
    """Given to the process that runs batches and evaluations."""

    batch_prices: Mapping[str, Price | None] = field(default_factory=dict)
    """Price of native batches by deployment, of those that have the lane."""

    base_url: str
    """Where the workers listen, as this machine reaches them."""
    acting: Acting = field(repr=False)
    wake_fd: int
    """A pipe's reading end: there is something in it once there was a batch."""


@dataclass(frozen=True)
class ControlContext(ProcessContext):
    """Given to the control process."""

    listener: socket.socket
    """A Unix socket, listening; the workers know its path."""
    root: bytes = field(repr=False)
    breakers: BreakerBoard
    loads: LoadBoard
    prices: Mapping[str, Price | None]
    wake_fd: int = -1
    """A pipe's writing end, which wakes the batch process."""
