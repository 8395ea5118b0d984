"""An instance's audit log with the key that signs for it: checkpoints, proofs, exports."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from legato.app.desks.audit_look import look_at_log
from legato.app.desks.audit_segments import LookedAt, look_at_segments
from legato.audit.checking import SPAN, Kept
from legato.audit.extract import ProvenLeaf, sign_count
from legato.audit.note import Checkpoint, SigningKey, VerifyingKey
from legato.core.errors import InvalidRequest, OperatorError
from legato.storage.audit.log import AuditFilter, AuditLog
from legato.storage.audit.segments import Segments
from legato.vault.master import Vault

FORMAT: Final = "legato-audit"
EVENTS_PER_FILE: Final = 10_000
MANIFEST, EVENTS, HASHES = "manifest.json", "events.jsonl", "hashes"
CHECKPOINT, CHECKPOINTS, KEY, COUNT = "checkpoint", "checkpoints.jsonl", "key", "count"


class Manifest(msgspec.Struct, frozen=True):
    """What an export says of itself; nothing is believed because it stands here."""

    format: str
    version: int
    size: int
    org: str | None


class Bundle(msgspec.Struct, frozen=True):
    """The first line of an export in one file; `org` is None where it is all of the log."""

    format: str
    version: int
    size: int
    org: str | None
    key: str
    checkpoint: str
    count: str | None
    """How many events the organisation has, signed."""


class Proof(msgspec.Struct, frozen=True):
    """That an event stands in the log: `proof` are hashes in hex, from the leaf up."""

    index: int
    size: int
    leaf: str
    proof: list[str]
    checkpoint: str


class AuditDesk:
    """Blocking; methods may raise StorageUnavailable, and ValueError where the log is damaged."""

    def __init__(self, log: AuditLog, whole: AuditLog, key: SigningKey) -> None:
        """`log` as far as its reader's reach goes, `whole` for what is signed of all of it."""
        self.log = log
        self._whole = whole
        self._key = key

    @property
    def key(self) -> VerifyingKey:
        """What its checkpoints are verified by."""
        return self._key.verifying

    def checkpoint(self, size: int | None = None) -> str:
        """Return a signed checkpoint of the log as it is, or was at a size. Raises NotFound."""
        size = self._whole.head().size if size is None else size
        return self._key.sign(Checkpoint(self.key.name, size, self._whole.root(size)).text())

    def prove(self, index: int, size: int | None = None) -> Proof:
        """Return an event with its proof against a checkpoint. Raises NotFound."""
        found = self.log.get(index)
        size = self._whole.head().size if size is None else size
        path = [one.hex() for one in self._whole.inclusion(index, size)]
        return Proof(index, size, found.leaf.decode(), path, self.checkpoint(size))

    def look(self, kept: list[Checkpoint]) -> Kept:
        """Look through all of the log as it lies in the database."""
        try:
            return look_at_log(self._whole, kept)
        except ValueError as error:
            raise OperatorError(f"the audit log's head is damaged: {error}") from None

    def look_at_segments(self, segments: Segments) -> LookedAt:
        """Look at the rows that segments of the log anchor; the log must have been found whole."""
        return look_at_segments(self._whole, segments)

    def export(self, folder: Path, org: str | None) -> int:
        """Write the log, or an organisation's part of it, to a new folder; return how many.

        Raises:
            InvalidRequest: there is something in the folder.
        """
        if folder.exists() and any(folder.iterdir()):
            raise InvalidRequest(f"{folder} isn't empty: name a new folder", param="dir")
        folder.mkdir(parents=True, exist_ok=True)
        size = self._whole.head().size
        manifest = Manifest(FORMAT, 1, size, org)
        (folder / KEY).write_text(f"{self.key}\n")
        (folder / CHECKPOINT).write_text(self.checkpoint(size))
        count = self._write_whole(folder, size) if org is None else self._write_own(folder, size)
        if org is not None:
            (folder / COUNT).write_text(sign_count(self._key, org, count, size))
        (folder / MANIFEST).write_bytes(msgspec.json.encode(manifest) + b"\n")
        return count

    def lines(self) -> Iterator[bytes]:
        """Yield all within reach as lines, in constant memory: what is signed, then the events."""
        size, org = self._whole.head().size, self.log.org
        count = self.log.count(AuditFilter(before=size))
        note = None if org is None else sign_count(self._key, org, count, size)
        yield (
            msgspec.json.encode(
                Bundle(FORMAT, 1, size, org, str(self.key), self.checkpoint(size), note)
            )
            + b"\n"
        )
        yield from self._proven(size)

    def _write_whole(self, folder: Path, size: int) -> int:
        events = self._until(size)
        with (folder / HASHES).open("wb") as hashes:
            for first in range(0, max(size, 1), EVENTS_PER_FILE):
                with (folder / f"events-{first:012d}.jsonl").open("wb") as lines:
                    for _ in range(min(EVENTS_PER_FILE, size - first)):
                        leaf, found = next(events)
                        lines.write(leaf + b"\n")
                        hashes.write(found)
        with (folder / CHECKPOINTS).open("wb") as signed:
            for at in (*range(SPAN, size, SPAN), size):
                signed.write(msgspec.json.encode(self.checkpoint(at)) + b"\n")
        return size

    def _write_own(self, folder: Path, size: int) -> int:
        count = 0
        with (folder / EVENTS).open("wb") as lines:
            for line in self._proven(size):
                lines.write(line)
                count += 1
        return count

    def _proven(self, size: int) -> Iterator[bytes]:
        for one, path in self.log.proven(size):
            proof = [step.hex() for step in path]
            yield msgspec.json.encode(ProvenLeaf(one.leaf.decode(), proof)) + b"\n"

    def _until(self, size: int) -> Iterator[tuple[bytes, bytes]]:
        """Yield leaves and their hashes; what is damaged is exported as it lies."""
        index = 0
        for one in self._whole.all():
            if index == size:
                return
            yield one.leaf, one.hash
            index += 1
        if index < size:
            raise OperatorError(f"the audit log has {index} of {size} events: verify it first")


def signing_key(vault: Vault) -> SigningKey:
    """Return the key that signs for an instance's log: derived from its root, never rotated."""
    return SigningKey(vault.subkey("audit log checkpoints"))
