"""A picture, made here, and whether a model sees it."""

import base64
import re
import struct
import zlib

from legato.cli.conformance.findings import Skipped, Unfulfilled, need
from legato.cli.verify.answers import cut, only, text_of
from legato.cli.verify.subject import Subject
from legato.core import capability
from legato.core.chat import Image, Message, Role, StopReason, Text
from legato.routing.ability import OWN_KINDS

PICTURE_TOKENS_MAX = 8_500
"""Of one small picture: 2,833 and 5,667 for its one tile, as OpenAI counts for GPT-4o mini, is the
most that is commonly known of any vendor (platform.openai.com/docs/guides/images-vision, not read
again)."""
_SIDE = 64
_RED = b"\xff\x00\x00"
_NAMED = re.compile(r"\bred\b", re.IGNORECASE)
_QUESTION = "Which colour fills this picture? Answer with one word, in English."


async def sees(subject: Subject) -> str:
    """The colour of a picture that is nothing but red."""
    data = base64.b64encode(picture()).decode()
    shown = (Image(media_type="image/png", data=data), Text(_QUESTION))
    asked = subject.question(messages=(Message(Role.USER, shown),))
    choice = only(await subject.ask(asked))
    if _NAMED.search(text_of(choice)):
        return "it names the colour"
    need(choice.stop_reason is not StopReason.LENGTH, cut(subject))
    if subject.facts.kind in OWN_KINDS:
        raise Skipped("this server looks at no picture")
    said = "it takes a picture and doesn't name its colour"
    if subject.facts.can(capability.VISION) is None:
        said += ": where its model sees none, set capabilities.vision to false"
    raise Unfulfilled(said)


def picture() -> bytes:
    """Return a red square as a PNG file (ISO/IEC 15948): 8 bits a channel, three channels."""
    header = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 2, 0, 0, 0)
    row = b"\x00" + _RED * _SIDE  # each row begins with its filter: none
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(row * _SIDE, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_part(name, data) for name, data in parts)


def _part(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
