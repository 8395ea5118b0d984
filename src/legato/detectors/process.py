"""A process that runs detectors: `python -m legato.detectors.process`, asked by a gateway worker.

It reads questions from its standard input and ends with it. Nothing that a detector prints gets
anywhere: it may be a caller's text.
"""

import os
import signal
import sys
from functools import cache
from typing import BinaryIO, Final

import msgspec

from legato.core.guarding import Detector
from legato.detectors.directory import kind_of
from legato.detectors.framing import (
    FRAME_BYTES_MAX,
    HEAD,
    Ask,
    Plain,
    Told,
    decode_ask,
    encode,
    framed,
)

_STDOUT: Final = 1
_STDERR: Final = 2


def main() -> None:
    """Answer until there are no more questions."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: its worker ends it
    answers = os.fdopen(os.dup(_STDOUT), "wb", buffering=0)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, _STDOUT)
    os.dup2(nowhere, _STDERR)
    questions = sys.stdin.buffer
    while (payload := _read(questions)) is not None:
        answers.write(framed(encode(answer_to(payload))))


def answer_to(payload: bytes) -> Told:
    """Answer one question; whatever goes wrong is told by its name."""
    try:
        ask = decode_ask(payload)
        detector = _opened(ask.kind, msgspec.msgpack.encode(ask.settings))
        return Told(tuple(_found(detector, ask)))
    except Exception as error:  # noqa: BLE001 - a detector may raise anything
        return Told(failed=type(error).__name__)


def _found(detector: Detector, ask: Ask) -> list[tuple[Plain, ...]]:
    return [
        tuple(
            (one.label, one.start, one.end, float(one.score)) for one in detector.find(text, place)
        )
        for text, place in ask.texts
    ]


@cache
def _opened(kind: str, settings: bytes) -> Detector:
    return kind_of(kind)(msgspec.msgpack.decode(settings))


def _read(questions: BinaryIO) -> bytes | None:
    head = questions.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    (size,) = HEAD.unpack(head)
    payload = questions.read(min(size, FRAME_BYTES_MAX))
    return payload if len(payload) == size else None


if __name__ == "__main__":
    main()
