"""Signed notes and checkpoints as C2SP describes them (signed-note, tlog-checkpoint).

A note is text, an empty line, and a line for each signature: an em dash, the key's name, and
base64 of the key's id (4 bytes) and its Ed25519 signature.
"""

import base64
import binascii
from hashlib import sha256
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from legato.audit.merkle import HASH_BYTES

_ED25519: Final = b"\x01"
_ID_BYTES: Final = 4
_SIGNATURE_BYTES: Final = 64
_NAME_DIGITS: Final = 16


class VerifyingKey(msgspec.Struct, frozen=True):
    """The public half of a log's key, and the log's name."""

    name: str
    public: bytes

    @property
    def id(self) -> bytes:
        """The four bytes that stand before its signatures."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:_ID_BYTES]

    def __str__(self) -> str:
        """Write it as a verifier key: name, id in hex, algorithm and key in base64."""
        return f"{self.name}+{self.id.hex()}+{_text(_ED25519 + self.public)}"


class SigningKey:
    """A log's key. The log is named after the public half, so no two have one name by chance."""

    def __init__(self, seed: bytes) -> None:
        """`seed`: 32 secret bytes."""
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        public = self._private.public_key().public_bytes_raw()
        name = f"legato/audit/{sha256(public).hexdigest()[:_NAME_DIGITS]}"
        self.verifying = VerifyingKey(name, public)

    def sign(self, text: str) -> str:
        """Return a text, whose last line has ended, as a signed note."""
        if not text.endswith("\n"):
            msg = "a note's last line ends with a line feed"
            raise ValueError(msg)
        signature = self._private.sign(text.encode())
        key = self.verifying
        return f"{text}\n— {key.name} {_text(key.id + signature)}\n"


class Checkpoint(msgspec.Struct, frozen=True):
    """How large a log was and which root it had then."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """Return what is signed."""
        return f"{self.origin}\n{self.size}\n{_text(self.root)}\n"


def read_key(text: str) -> VerifyingKey:
    """Read a verifier key. Raises ValueError."""
    name, _, rest = text.strip().partition("+")
    digits, _, encoded = rest.partition("+")
    found = _bytes(encoded, "a verifier key")
    key = VerifyingKey(name, found[1:])
    if found[:1] != _ED25519 or len(found) != 1 + HASH_BYTES or key.id.hex() != digits:
        msg = "this is no verifier key of Ed25519 (NAME+ID+KEY)"
        raise ValueError(msg)
    return key


def opened(note: str, key: VerifyingKey) -> str:
    """Return the text of a note that this key signed. Raises ValueError."""
    text, gap, signatures = note.rpartition("\n\n")
    if not gap:
        msg = "this is no signed note: there are no signatures behind an empty line"
        raise ValueError(msg)
    text += "\n"
    for line in signatures.splitlines():
        dash, _, rest = line.partition(" ")
        name, _, encoded = rest.partition(" ")
        if dash != "—" or name != key.name:
            continue
        found = _bytes(encoded, "a signature")
        if found[:_ID_BYTES] == key.id and len(found) == _ID_BYTES + _SIGNATURE_BYTES:
            _verify(key, found[_ID_BYTES:], text)
            return text
    msg = f"{key.name} didn't sign this note"
    raise ValueError(msg)


def read_checkpoint(note: str, key: VerifyingKey) -> Checkpoint:
    """Return the checkpoint of a note that its log's key signed. Raises ValueError."""
    lines = opened(note, key).split("\n")
    if len(lines) < 4 or lines[0] != key.name:  # noqa: PLR2004 - three lines, and their end
        msg = f"this is no checkpoint of {key.name}"
        raise ValueError(msg)
    origin, size, root = lines[:3]
    if not size.isascii() or not size.isdigit() or (size[0] == "0" and size != "0"):
        msg = "a checkpoint's second line is its size"
        raise ValueError(msg)
    found = _bytes(root, "a checkpoint's root")
    if len(found) != HASH_BYTES:
        msg = "a checkpoint's root has 32 bytes"
        raise ValueError(msg)
    return Checkpoint(origin, int(size), found)


def _verify(key: VerifyingKey, signature: bytes, text: str) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, text.encode())
    except InvalidSignature:
        msg = f"the signature of {key.name} isn't of this text: one of them was altered"
        raise ValueError(msg) from None


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str, what: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        msg = f"{what} is in base64, this isn't"
        raise ValueError(msg) from None
