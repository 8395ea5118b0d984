"""Tombstones: what was revoked or erased, as a list that a restored database is held against.

A list is a row of batches, each bound to the one before by its hash and signed with a key of the
instance. A tombstone names by ids and keyed pseudonyms: no secret, no name.
"""

import hmac
from collections.abc import Callable, Iterable
from enum import StrEnum
from hashlib import sha256
from typing import Final

import msgspec

FORM: Final = 1
FIRST: Final = b"\x00" * 32
"""What the first batch is bound to."""


class Grave(StrEnum):
    """What a tombstone stands for."""

    KEY = "key"
    """A key that was revoked, by its id."""
    SECRET = "secret"  # noqa: S105 - the kind's name
    """A key's secret that was replaced, by its keyed digest, refused from `until_ns`."""
    TOKEN = "token"  # noqa: S105 - likewise
    ACCOUNT = "account"
    """An account that was disabled; lifted where it was enabled again."""
    PASSWORD = "password"  # noqa: S105 - likewise
    """An account whose password was replaced: the old one lets nobody in."""
    BINDING = "binding"
    """A role that was taken away, by the binding's id."""
    USER = "user"
    """Somebody whose content was erased, by pseudonym."""
    REQUEST = "request"
    """A request whose content was erased."""
    DATA_KEY = "data_key"
    """An organisation's key that was destroyed."""


class Tombstone(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One. `org` is the organisation's id in a list, its name in a database; "" for none."""

    kind: Grave
    subject: str
    at_ns: int
    org: str = ""
    until_ns: int = 0
    lifted: bool = False


class Batch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is written at a time."""

    form: int
    number: int
    """From 1, without a gap."""
    previous: str
    """SHA-256 of the batch before, as it is stored."""
    tombstones: tuple[Tombstone, ...]
    mac: str = ""


class BadList(Exception):
    """A list that this instance didn't write, or that was altered."""


Mac = Callable[[bytes], bytes]
_encode: Final = msgspec.json.Encoder(order="sorted").encode
_decode: Final = msgspec.json.Decoder(Batch).decode


def batch_name(number: int) -> str:
    """Return what a batch is stored under."""
    return f"tombstones/{number:012d}.json"


def digest_of(stored: bytes) -> bytes:
    """Return what the next batch is bound to."""
    return sha256(stored).digest()


def mac_with(key: bytes) -> Mac:
    """Return what signs batches."""
    return lambda data: hmac.digest(key, data, "sha256")


def written(number: int, previous: bytes, tombstones: Iterable[Tombstone], mac: Mac) -> bytes:
    """Return a batch as it is stored."""
    batch = Batch(form=FORM, number=number, previous=previous.hex(), tombstones=tuple(tombstones))
    signed = msgspec.structs.replace(batch, mac=mac(_encode(batch)).hex())
    return _encode(signed)


def read(stored: bytes, number: int, previous: bytes | None, mac: Mac) -> tuple[Tombstone, ...]:
    """Return what a stored batch says; `previous` is None where it isn't known.

    Raises:
        BadList: it isn't the batch that this instance wrote there.
    """
    try:
        batch = _decode(stored)
        plain = _encode(msgspec.structs.replace(batch, mac=""))
        ours = hmac.compare_digest(bytes.fromhex(batch.mac), mac(plain))
    except (ValueError, msgspec.MsgspecError):
        msg = f"{batch_name(number)} isn't a batch of tombstones"
        raise BadList(msg) from None
    if not ours:
        msg = f"{batch_name(number)} wasn't written by this instance, or it was altered"
        raise BadList(msg)
    if batch.number != number or (previous is not None and batch.previous != previous.hex()):
        msg = f"{batch_name(number)} doesn't follow the batch before it"
        raise BadList(msg)
    return batch.tombstones


def standing(tombstones: Iterable[Tombstone]) -> list[Tombstone]:
    """Return what holds in the end: the last word on each subject, unless it was lifted."""
    last = {(one.kind, one.org, one.subject): one for one in tombstones}
    return [one for one in last.values() if not one.lifted]
