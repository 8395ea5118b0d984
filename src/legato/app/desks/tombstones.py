"""Tombstones on their way to copies elsewhere, and back from there into a restored database."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from legato.app.checks.egress import egress_of
from legato.app.checks.instance import Instance
from legato.app.config.data_dir import DataDir
from legato.app.config.loaded import LoadedConfig
from legato.app.desks.stored_data import StoredData
from legato.app.models.vaults import open_data_keys
from legato.core.clock import SystemClock
from legato.core.config_audit import TombstoneCopy
from legato.core.config_parts import SecretRef
from legato.core.erasure import Subject
from legato.core.errors import OperatorError
from legato.core.tombstones import (
    BadList,
    Grave,
    Mac,
    Tombstone,
    batch_name,
    digest_of,
    mac_with,
    read,
    standing,
    written,
)
from legato.offsite.connections import Rules
from legato.offsite.destination import CopyFailed
from legato.offsite.files import FileObjects
from legato.offsite.mirror import Objects
from legato.offsite.object_store import Bucket, BucketObjects
from legato.storage.privacy.tombstones import CopyState
from legato.vault.master import Vault

log = logging.getLogger(__name__)

AUTHOR: Final = "process:restore"
_CLAIM_NS: Final = 120_000_000_000
_MARKER: Final = "tombstones.json"
_PENDING_KINDS: Final = frozenset({Grave.USER, Grave.REQUEST, Grave.DATA_KEY})


class Unreadable(Exception):
    """A copy can't be read back, or isn't the list that it was."""


class Copies:
    """The copies that the configuration names. Blocking; may raise StorageUnavailable."""

    def __init__(
        self, loaded: LoadedConfig, data: DataDir, stored: StoredData, *, holder: str
    ) -> None:
        """`holder` names this process among those that may write.

        Raises:
            VaultUnusable: the key that signs can't be had.
        """
        keys = open_data_keys(loaded, data, stored.data_keys())
        self._mac = mac_with(Vault(keys.root()).subkey("tombstones"))
        self._loaded = loaded
        self._data = data
        self._stored = stored
        self._store = stored.tombstones()
        self._holder = holder
        self.said: Sequence[TombstoneCopy] = loaded.config.tombstones.copies

    def take_in(self, said: TombstoneCopy) -> dict[str, int]:
        """Apply what a copy has and this database hasn't; return how much it was, by kind.

        Nothing, and an empty answer, where the database is as new as the copy.

        Raises:
            Unreadable: it can't be told what the copy has.
        """
        state = self._store.state(said.name)
        try:
            found, after = _behind(objects_of(said, self._loaded), state, self._mac)
            self._require_known(said.name, after.batches)
        except (CopyFailed, BadList) as problem:
            raise Unreadable(str(problem)) from None
        if after.batches == state.batches:
            return {}
        log.error(
            "ALARM: the database is older than its list of tombstones: what was revoked and erased "
            "since is revoked and erased again",
            extra={"copy": said.name, "batches": after.batches - state.batches},
        )
        counts = self._apply(self._store.named(standing(found)), said.name)
        self._store.keep_state(after)
        self.mark(said.name, after.batches)
        log.warning("tombstones were applied again", extra={"copy": said.name, **counts})
        return counts

    def write(self, said: TombstoneCopy) -> int:
        """Copy what is new; return how many tombstones. Raises Unreadable."""
        state = self._store.state(said.name)
        if not self._store.count(state.last_id):
            return 0
        if not self._store.claim(said.name, self._holder, _CLAIM_NS):
            return 0
        self.take_in(said)  # another database of this instance may have written there
        state = self._store.state(said.name)
        pending, last_id = self._store.pending(state.last_id)
        batch = written(state.batches + 1, state.head, pending, self._mac)
        try:
            objects_of(said, self._loaded).write(batch_name(state.batches + 1), batch)
        except CopyFailed as problem:
            raise Unreadable(str(problem)) from None
        self._store.keep_state(
            CopyState(
                said.name, state.batches + 1, digest_of(batch), last_id, SystemClock.now_ns(), ""
            )
        )
        self.mark(said.name, state.batches + 1)
        return len(pending)

    def failed(self, said: TombstoneCopy, told: str) -> None:
        """Keep why a copy can't be written."""
        state = self._store.state(said.name)
        if state.told != told:
            self._store.keep_state(msgspec.structs.replace(state, told=told))

    def mark(self, name: str, batches: int) -> None:
        """Write down outside the database how long a list is: a restored database can't know."""
        marks = {**self._marks(), name: batches}
        part = self._marker.with_suffix(".part")
        part.write_bytes(msgspec.json.encode(marks, order="sorted"))
        part.replace(self._marker)

    def is_as_new_as_known(self, name: str) -> bool:
        """Whether this machine knows the database to have all that it ever copied there."""
        known = self._marks().get(name)
        return known is not None and known <= self._store.state(name).batches

    def _require_known(self, name: str, batches: int) -> None:
        known = self._marks().get(name, 0)
        if batches < known:
            told = f"it has {batches} batches, and had {known}: it was cut, or isn't there"
            raise BadList(told)

    @property
    def _marker(self) -> Path:
        return self._data.run / _MARKER

    def _marks(self) -> dict[str, int]:
        try:
            return msgspec.json.decode(self._marker.read_bytes(), type=dict[str, int])
        except (OSError, msgspec.DecodeError):
            return {}

    def _apply(self, tombstones: list[Tombstone], source: str) -> dict[str, int]:
        counts = self._store.refuse(tombstones, source)
        instance = Instance(self._data, None, self._loaded)
        destroyed: dict[str, list[str]] = {}
        for one in tombstones:
            if one.kind is Grave.DATA_KEY:
                destroyed.setdefault(one.org, []).append(one.subject)
            elif one.kind in _PENDING_KINDS:
                of_user = one.kind is Grave.USER
                meant = Subject(one.subject, "") if of_user else Subject("", one.subject)
                self._stored.erasing(instance, one.org).erase(meant, AUTHOR)
        for org, ids in destroyed.items():
            self._stored.data_keys().destroy(org, AUTHOR, SystemClock.now_ns(), ids)
        return counts


def reapply(loaded: LoadedConfig, data: DataDir, url: str, *, without: bool) -> None:
    """Before the first request: hold the database against every copy of the list.

    `without` is the operator's word that it may start though no copy can be read.

    Raises:
        OperatorError: no copy can be read, and nothing proves that the database is no older.
    """
    if not loaded.config.tombstones.copies:
        return
    stored = StoredData(url)
    try:
        copies = Copies(loaded, data, stored, holder="start")
        problems: dict[str, str] = {}
        for said in copies.said:
            try:
                copies.take_in(said)
            except Unreadable as problem:
                problems[said.name] = str(problem)
                copies.failed(said, str(problem))
                told = {"copy": said.name, "reason": str(problem)}
                log.warning("a copy of the tombstones can't be read", extra=told)
        if len(problems) < len(copies.said) or without:
            return
        if not all(copies.is_as_new_as_known(name) for name in problems):
            reasons = "; ".join(f"{name}: {told}" for name, told in problems.items())
            raise OperatorError(
                "this database may be a restored one, and no copy of the tombstones can be read to "
                f"revoke and erase again what was since ({reasons}). Make one of "
                "tombstones.copies readable; or start with --without-tombstones, if you know that "
                "the database is no older than what was last revoked and erased"
            )
    finally:
        stored.close()


def objects_of(said: TombstoneCopy, loaded: LoadedConfig) -> Objects:
    """Return where a copy lies; nothing is connected to yet."""
    if said.file is not None:
        return FileObjects(Path(said.file.path))
    where = said.s3
    if where is None:
        raise OperatorError(f"tombstones.copies `{said.name}` names no place")
    secret = _secret(loaded, where.secret_access_key)
    bucket = Bucket(
        where.endpoint, where.bucket, where.prefix, where.region,
        _secret(loaded, where.access_key_id), lambda: secret,
    )  # fmt: skip
    return BucketObjects(bucket, Rules(egress_of(loaded.config), where.ca_file), _NOW_NS)


_NOW_NS: Final[Callable[[], int]] = SystemClock.now_ns


def _behind(objects: Objects, state: CopyState, mac: Mac) -> tuple[list[Tombstone], CopyState]:
    """Return what a list has behind a state, and the state after it."""
    if state.batches:
        last = objects.read(batch_name(state.batches))
        if last is None:
            told = f"{batch_name(state.batches)} is missing: the list was cut, or isn't there"
            raise BadList(told)
        if digest_of(last) != state.head:
            told = f"{batch_name(state.batches)} isn't what this database wrote"
            raise BadList(told)
    found: list[Tombstone] = []
    number, head = state.batches, state.head
    while (stored := objects.read(batch_name(number + 1))) is not None:
        found += read(stored, number + 1, head, mac)
        number, head = number + 1, digest_of(stored)
    return found, msgspec.structs.replace(state, batches=number, head=head)


def _secret(loaded: LoadedConfig, reference: SecretRef) -> str:
    return loaded.secret(reference) or ""
