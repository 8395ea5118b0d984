"""Reads an export of an audit log and says whether it is whole: offline, from its files alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

from legato.app.desks.audit import (
    CHECKPOINT,
    CHECKPOINTS,
    COUNT,
    EVENTS,
    FORMAT,
    HASHES,
    KEY,
    MANIFEST,
    Bundle,
    Manifest,
)
from legato.audit.checking import Copy, Finding, find_fault
from legato.audit.extract import Extract, ProvenLeaf, find_extract_fault, read_count
from legato.audit.merkle import HASH_BYTES, Frontier, leaf_hash
from legato.audit.note import Checkpoint, VerifyingKey, read_checkpoint, read_key
from legato.core.errors import OperatorError

Read = TypeVar("Read")


class Verified(msgspec.Struct, frozen=True):
    """What came of it: the first fault, or which log of which size is whole."""

    fault: Finding | None
    checkpoint: Checkpoint
    org: str | None
    events: int
    key: VerifyingKey


def key_of(folder: Path) -> VerifyingKey:
    """Return the key that lies in an export: whoever changed it may have changed this, too."""
    if folder.is_file():
        with _opened(folder) as lines:
            return parsed_key(bundle_of(next(lines, b""), folder).key)
    return parsed_key(_text(folder / KEY))


def parsed_key(text: str) -> VerifyingKey:
    """Read a verifier key. Raises OperatorError."""
    try:
        return read_key(text)
    except ValueError as error:
        raise OperatorError(f"--key: {error}") from None


def kept_checkpoint(file: Path, key: VerifyingKey) -> Checkpoint:
    """Read a checkpoint that was kept from before. Raises OperatorError."""
    return _signed(_text(file), key, file)


def verify_export(folder: Path, key: VerifyingKey, kept: list[Checkpoint]) -> Verified:
    """Verify an export. Raises OperatorError where it isn't one, or its key didn't sign it."""
    manifest = _json(folder / MANIFEST, Manifest)
    if (manifest.format, manifest.version) != (FORMAT, 1):
        raise OperatorError(f"{folder} is no export of an audit log that this version reads")
    last = _signed(_text(folder / CHECKPOINT), key, folder / CHECKPOINT)
    if manifest.org is not None:
        return _own(folder, manifest.org, last, key)
    leaves = _leaves(folder)
    whole = _bytes(folder / HASHES)
    hashes = [whole[at : at + HASH_BYTES] for at in range(0, len(whole), HASH_BYTES)]
    file = folder / CHECKPOINTS
    lines = _bytes(file).splitlines()
    signed = [last, *(_signed(_decoded(line, str, file), key, file) for line in lines)]
    fault = find_fault(Copy(leaves, hashes, signed), kept)
    return Verified(fault, last, None, len(leaves), key)


def verify_bundle(file: Path, key: VerifyingKey, kept: list[Checkpoint]) -> Verified:
    """Verify an export in one file, in constant memory. Raises OperatorError as `verify_export`."""
    with _opened(file) as lines:
        head = bundle_of(next(lines, b""), file)
        last = _signed(head.checkpoint, key, file)
        count = last.size
        if head.org is not None:
            count = _count(head.count or "", key, (head.org, last.size), file)
        grown = Grown(kept if head.org is None else [])
        events = grown.watched(_proven(lines))
        looked = find_extract_fault(Extract(head.org, events, last, count))
    fault = looked.fault or grown.fault or _older(last, kept)
    return Verified(fault, last, head.org, looked.events, key)


class Grown:
    """Whether a log, as its leaves pass by, grew from checkpoints that were kept of it."""

    def __init__(self, kept: list[Checkpoint]) -> None:
        self.fault: Finding | None = None
        self._waiting = sorted(kept, key=lambda one: (one.size, one.root))
        self._tree, self._good = Frontier(), 0

    def watched(self, events: Iterator[ProvenLeaf]) -> Iterator[ProvenLeaf]:
        """Yield what comes, looking at it."""
        for one in events:
            yield one
            if self._waiting:
                self._tree, _ = self._tree.appended(leaf_hash(one.leaf.encode()))
                self._compare()

    def _compare(self) -> None:
        while self._waiting and self._waiting[0].size <= self._tree.size:
            kept = self._waiting.pop(0)
            if kept.size == self._tree.size and kept.root == self._tree.root:
                self._good = kept.size
            elif kept.size == self._tree.size and self.fault is None:
                told = f"this history isn't the one that was signed at {kept.size} events"
                self.fault = Finding(self._good, kept.size, told)


def bundle_of(line: bytes, file: Path) -> Bundle:
    """Read the first line of an export in one file. Raises OperatorError."""
    head = _decoded(line, Bundle, file)
    if (head.format, head.version) != (FORMAT, 1):
        raise OperatorError(f"{file} is no export of an audit log that this version reads")
    return head


def _older(last: Checkpoint, kept: list[Checkpoint]) -> Finding | None:
    """Say whether a log is smaller than one that was signed, or another of the same size."""
    for one in kept:
        if one.size > last.size:
            told = f"event {last.size} is missing: a checkpoint was signed at {one.size} events"
            return Finding(last.size, last.size + 1, told)
        if one.size == last.size and one.root != last.root:
            told = f"this history isn't the one that was signed at {one.size} events"
            return Finding(0, one.size, told)
    return None


def _own(folder: Path, org: str, last: Checkpoint, key: VerifyingKey) -> Verified:
    count = _count(_text(folder / COUNT), key, (org, last.size), folder / COUNT)
    with _opened(folder / EVENTS) as lines:
        looked = find_extract_fault(Extract(org, _proven(lines), last, count))
    return Verified(looked.fault, last, org, looked.events, key)


def _count(note: str, key: VerifyingKey, of: tuple[str, int], file: Path) -> int:
    try:
        return read_count(note, key, *of)
    except ValueError as error:
        raise OperatorError(f"{file}: {error}") from None


def _proven(lines: Iterator[bytes]) -> Iterator[ProvenLeaf]:
    for line in lines:
        try:
            yield msgspec.json.decode(line, type=ProvenLeaf)
        except msgspec.MsgspecError:
            yield ProvenLeaf("can't be read", [])  # no event: it is told as one that isn't


@contextmanager
def _opened(file: Path) -> Iterator[Iterator[bytes]]:
    try:
        with file.open("rb") as lines:
            yield iter(lines)
    except OSError as error:
        raise OperatorError(f"{file} can't be read: {error.strerror}") from None


def _leaves(folder: Path) -> list[bytes]:
    leaves: list[bytes] = []
    for file in sorted(folder.glob("events-*.jsonl")):
        lines = _bytes(file).split(b"\n")
        leaves += lines[:-1] if not lines[-1] else lines
    return leaves


def _signed(note: str, key: VerifyingKey, file: Path) -> Checkpoint:
    try:
        return read_checkpoint(note, key)
    except ValueError as error:
        raise OperatorError(f"{file}: {error}") from None


def _json(file: Path, kind: type[Read]) -> Read:
    return _decoded(_bytes(file), kind, file)


def _decoded(data: bytes, kind: type[Read], file: Path) -> Read:
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.MsgspecError as error:
        raise OperatorError(f"{file} can't be read: {error}") from None


def _text(file: Path) -> str:
    return _bytes(file).decode("utf-8", "replace")


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise OperatorError(f"{file} can't be read: {error.strerror}") from None
