"""A provider's signed or encrypted reasoning as the opaque text callers send back unread.

It holds what the vendor wants to see again: the signed text and its signature, or the data the
vendor encrypted itself. The vendor checks it; nothing here is a secret of ours.
"""

import base64
import binascii
from typing import TYPE_CHECKING

import msgspec

from legato.core.chat import RedactedThinking, Text, Thinking, ToolUse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from legato.core.chat import Part

_MARK = "legato1."
_PAIR = msgspec.json.Decoder(tuple[str, str])


class SignedPart(msgspec.Struct, frozen=True):
    """A signature of the part beside it, as Google's: of the call after it or the text before."""

    signature: str
    of_call: bool


Sealed = Thinking | RedactedThinking | SignedPart
_KINDS = "trcp"


def encrypted_content(part: Sealed) -> str | None:
    """Return the text for `encrypted_content`, None where the vendor signed nothing."""
    if isinstance(part, Thinking):
        if not part.signature:
            return None
        kind, kept = "t", (part.text, part.signature)
    elif isinstance(part, RedactedThinking):
        kind, kept = "r", ("", part.data)
    else:
        kind, kept = "c" if part.of_call else "p", ("", part.signature)
    return _MARK + kind + base64.urlsafe_b64encode(msgspec.json.encode(kept)).decode()


def read_encrypted(text: str) -> Sealed | None:
    """Return what `encrypted_content` holds, None where it is not of our making."""
    kind, coded = text[len(_MARK) : len(_MARK) + 1], text[len(_MARK) + 1 :]
    if not text.startswith(_MARK) or not kind or kind not in _KINDS:
        return None
    try:
        shown, signature = _PAIR.decode(base64.b64decode(coded, b"-_", validate=True))
    except (binascii.Error, ValueError, msgspec.DecodeError):
        return None
    if kind == "t":
        return Thinking(shown, signature)
    return RedactedThinking(signature) if kind == "r" else SignedPart(signature, kind == "c")


def with_signatures(parts: "Iterable[Part | SignedPart]") -> "list[Part]":
    """Return the parts of a turn, each signature put on the part that it signs."""
    signed: list[Part] = []
    of_call = ""
    for part in parts:
        if isinstance(part, SignedPart):
            if part.of_call:
                of_call = part.signature
            elif signed and isinstance(signed[-1], Text):
                signed[-1] = msgspec.structs.replace(signed[-1], signature=part.signature)
            else:
                signed.append(Text("", signature=part.signature))
        elif of_call and isinstance(part, ToolUse):
            signed.append(msgspec.structs.replace(part, signature=of_call))
            of_call = ""
        else:
            signed.append(part)
    return signed
