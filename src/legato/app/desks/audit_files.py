"""Reads an export of an audit log and says whether it is whole: offline, from its files alone."""

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
    Manifest,
)
from legato.audit.checking import Copy, Finding, find_fault
from legato.audit.extract import Extract, ProvenLeaf, find_extract_fault, read_count
from legato.audit.merkle import HASH_BYTES
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


def _own(folder: Path, org: str, last: Checkpoint, key: VerifyingKey) -> Verified:
    lines = _bytes(folder / EVENTS).splitlines()
    events = []
    for number, line in enumerate(lines):
        try:
            events.append(msgspec.json.decode(line, type=ProvenLeaf))
        except msgspec.MsgspecError:
            told = f"event {number} of {org} can't be read"
            return Verified(Finding(number, number + 1, told), last, org, len(lines), key)
    try:
        count = read_count(_text(folder / COUNT), key, org, last.size)
    except ValueError as error:
        raise OperatorError(f"{folder / COUNT}: {error}") from None
    fault = find_extract_fault(Extract(org, events, last, count))
    return Verified(fault, last, org, len(events), key)


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
