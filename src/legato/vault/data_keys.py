"""Data keys: one per organisation and version, in the clear only in memory.

Sealing takes the newest version, opening the one whose id stands in front of the data. So
rotating a data key leaves what is stored readable, and rotating the master key re-wraps the data
keys and touches nothing else.
"""

import os
from collections.abc import Callable
from typing import Protocol

import msgspec

from legato.core.clock import Clock
from legato.core.erasure import KeyDestroyed
from legato.core.errors import StorageUnavailable
from legato.core.ids import IdSource
from legato.core.wrapped_key import WrappedKey
from legato.vault.key_service import KEY_BYTES, KeyService, VaultUnusable

INSTANCE = ""
"""The `org` of keys that protect what belongs to no tenant."""
_LOOK_NS = 1_000_000_000
"""No process uses a destroyed key for longer than this."""
_FRESH_NS = 30_000_000_000
"""A rotated data key is sealed with by every process after this long."""


class DataKeyStore(Protocol):
    """Where wrapped keys are kept. Every method may raise StorageUnavailable."""

    def of(self, org: str) -> list[WrappedKey]:
        """Return an organisation's keys, oldest version first."""
        ...

    def all(self) -> list[WrappedKey]:
        """Return all keys."""
        ...

    def add(self, key: WrappedKey) -> bool:
        """Store a key; False, and nothing stored, where its version exists.

        False, too, where stored keys are wrapped under another master key: it was rotated.
        """
        ...

    def generation(self) -> int:
        """Return a number that rises with every key that is destroyed."""
        ...

    def next_version(self, org: str) -> int:
        """Return the version that a new key of an organisation gets, destroyed ones counted."""
        ...

    def is_destroyed(self, org: str, key_id: str) -> bool:
        """Whether an organisation had this key, and it was destroyed."""
        ...

    def rewrap(self, change: Callable[[WrappedKey], WrappedKey]) -> int:
        """Replace every key by what `change` makes of it, all or none; return how many differ."""
        ...


class DataKey(msgspec.Struct, frozen=True):
    """A data key in the clear. No way of printing it shows it."""

    id: str
    version: int
    key: bytes

    def __repr__(self) -> str:
        return f"DataKey({self.id}, version {self.version})"


class DataKeys:
    """The data keys of one instance; blocking, and safe to share between threads."""

    def __init__(
        self,
        store: DataKeyStore,
        open_service: Callable[[], KeyService],
        clock: Clock,
        ids: IdSource,
    ) -> None:
        """`open_service` is asked again when a master key seems to have been rotated."""
        self._store = store
        self._open_service = open_service
        self._service: KeyService | None = None
        self._clock = clock
        self._ids = ids
        self._known: dict[str, tuple[int, list[DataKey]]] = {}
        self._generation = 0
        self._generation_looked_ns = 0

    def current(self, org: str) -> DataKey:
        """Return the key to seal with, making the first one where there is none.

        Raises:
            VaultUnusable: it can't be unwrapped.
            StorageUnavailable: it is not known here yet, and the database is away.
        """
        self._drop_destroyed()
        looked_ns, keys = self._known.get(org, (0, []))
        if not keys or self._clock.now_ns() - looked_ns > _FRESH_NS:
            try:
                keys = self._load(org) or [self._make(org, self._store.next_version(org))]
            except StorageUnavailable:
                if not keys:
                    raise
                self._known[org] = (self._clock.now_ns(), keys)  # asked again when that is old
        return keys[-1]

    def named(self, org: str, key_id: str) -> DataKey | None:
        """Return the organisation's key of that id, None where it has none. Raises as above.

        Raises:
            KeyDestroyed: it was destroyed.
        """
        self._drop_destroyed()
        for keys in (self._known.get(org, (0, []))[1], None):
            for key in self._load(org) if keys is None else keys:
                if key.id == key_id:
                    return key
        if self._store.is_destroyed(org, key_id):
            raise KeyDestroyed("sealed data can't be opened: its key was destroyed")
        return None

    def root(self) -> bytes:
        """Return the instance's first key, which all keyed hashes derive from: never rotated."""
        self.current(INSTANCE)
        return self._known[INSTANCE][1][0].key

    def rotate(self, org: str) -> DataKey:
        """Add a version of an organisation's key; what the older ones sealed stays readable."""
        return self._make(org, self.current(org).version + 1)

    def rewrap(self, service: KeyService) -> int:
        """Wrap every key under the service's current master key; return how many were not.

        Raises:
            VaultUnusable: one can't be unwrapped; then none has changed.
        """
        current_id = service.current_id  # asked once: it may be another machine that knows

        def change(row: WrappedKey) -> WrappedKey:
            if row.master_id == current_id:
                return row
            key = service.unwrap(row.master_id, row.wrapped, row.context)
            wrapped = service.wrap(key, row.context)
            return msgspec.structs.replace(row, master_id=current_id, wrapped=wrapped)

        changed = self._store.rewrap(change)
        self._service = None
        return changed

    def _drop_destroyed(self) -> None:
        """Forget keys once one was destroyed; those that are left are read again when needed.

        While the database is away nobody can destroy a key either.
        """
        now_ns = self._clock.now_ns()
        if now_ns - self._generation_looked_ns < _LOOK_NS:
            return
        try:
            generation = self._store.generation()
        except StorageUnavailable:
            return
        self._generation_looked_ns = now_ns
        if generation != self._generation:
            self._generation = generation
            # the instance's is never destroyed, and must be there while the database is away
            self._known = {org: keys for org, keys in self._known.items() if org == INSTANCE}

    def _make(self, org: str, version: int) -> DataKey:
        key = os.urandom(KEY_BYTES)
        for service in (self._opened(), None):
            row = self._wrapped(service or self._opened(again=True), key, org, version)
            if self._store.add(row):
                break
            if any(known.version >= version for known in self._load(org)):
                break  # another process was first
        else:
            msg = "The master key was rotated, and this process has the last one: restart Legato."
            raise VaultUnusable(msg)
        return self._load(org)[-1]

    def _wrapped(self, service: KeyService, key: bytes, org: str, version: int) -> WrappedKey:
        row = WrappedKey(
            id=self._ids.new(),
            org=org,
            version=version,
            master_id=service.current_id,
            wrapped=b"",
            created_at_ns=self._clock.now_ns(),
        )
        return msgspec.structs.replace(row, wrapped=service.wrap(key, row.context))

    def _load(self, org: str) -> list[DataKey]:
        known = {key.id: key for key in self._known.get(org, (0, []))[1]}
        rows = self._store.of(org)
        keys = [known.get(row.id) or self._unwrapped(row) for row in rows]
        if keys:
            self._known[org] = (self._clock.now_ns(), keys)
        else:
            self._known.pop(org, None)
        return keys

    def _unwrapped(self, row: WrappedKey) -> DataKey:
        try:
            key = self._opened().unwrap(row.master_id, row.wrapped, row.context)
        except VaultUnusable:  # rotated since this process opened the service?
            key = self._opened(again=True).unwrap(row.master_id, row.wrapped, row.context)
        return DataKey(row.id, row.version, key)

    def _opened(self, *, again: bool = False) -> KeyService:
        if self._service is None or again:
            self._service = self._open_service()
        return self._service
