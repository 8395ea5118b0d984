"""What must be refused, and how it is said."""

import json
import struct
import zlib
from collections.abc import Callable
from http.client import HTTPException
from typing import Any, Final

from legato.cli.conformance.check import Check
from legato.cli.conformance.findings import Skipped, at, need, text_at
from legato.cli.conformance.subject import CHAT, Answer, Subject, whole

_HUGE_BYTES: Final = 1 << 40
_SENT_BYTES_MAX: Final = 64 * 1024 * 1024
_PIECE: Final = b" " * (1024 * 1024)
_BOMB_PIECES: Final = 256
_GZIP_HEAD: Final = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
_NOT_PACKED: Final = (400, 415)
_KEY_LETTERS: Final = "-not-a-key"


def error_object(answer: Answer, *statuses: int) -> Any:
    """Return the error. Raises Unfulfilled unless it is one of OpenAI's shape and a status."""
    need(answer.status in statuses, f"{answer.status}, not {_listed(statuses)}: {answer.shown}")
    error = at(answer.json, "error")
    need(isinstance(error, dict), f"error is {error!r}, not an object")
    text_at(error, "message")
    text_at(error, "type")
    for field in ("param", "code"):
        value = at(error, field)
        need(value is None or isinstance(value, str | int), f"error.{field} is {value!r}")
    return error


def _listed(statuses: tuple[int, ...]) -> str:
    return " or ".join(map(str, statuses))


def refuses(raw: Callable[[bytes], bytes]) -> Callable[[Subject], None]:
    """Return a check that a good body, changed by `raw`, is a 400."""

    def run(subject: Subject) -> None:
        error_object(subject.post(CHAT, raw(json.dumps(subject.chat_body()).encode())), 400)

    return run


def _with(field: bytes) -> Callable[[bytes], bytes]:
    return lambda good: good[:-1] + b"," + field + b"}"


def wrong_field(subject: Subject) -> None:
    """Names the field."""
    body = subject.chat_body(messages=[{"role": "king", "content": "hello"}])
    param = error_object(subject.post(CHAT, body), 400, 422)["param"]
    need("messages" in str(param), f"messages are wrong, error.param is {param!r}")


def unknown_model(subject: Subject) -> None:
    """404, as the official clients' NotFoundError."""
    body = subject.chat_body() | {"model": subject.question("no-such-model")}
    error_object(subject.post(CHAT, body), 404)


def unknown_path(subject: Subject) -> None:
    """404 with an error object, not a page."""
    error_object(subject.post("/v1/no-such-path", {}), 404)


def no_key(subject: Subject) -> None:
    """401 without a key."""
    headers = {"content-type": "application/json"}
    error_object(subject.send("POST", CHAT, subject.chat_body(), headers), 401)


def wrong_key(subject: Subject) -> None:
    """401 with a wrong key, which is not said back."""
    wrong = subject.headers()["authorization"] + _KEY_LETTERS
    answer = subject.post(CHAT, subject.chat_body(), {"authorization": wrong})
    error_object(answer, 401)
    need(_KEY_LETTERS.encode() not in answer.body, "the error repeats the key")


def too_large(subject: Subject) -> None:
    """413, at the latest when more than anyone allows has come."""
    with subject.line(CHAT, {"content-length": str(_HUGE_BYTES)}) as (line, connection):
        try:
            line.settimeout(1.0)
            for _ in range(_SENT_BYTES_MAX // len(_PIECE)):
                line.sendall(_PIECE)
        except OSError:
            pass  # it has answered, or reads no more
        line.settimeout(10.0)
        try:
            response = connection.response_class(line, method="POST")
            response.begin()
            error_object(whole(response), 413)
        except (TimeoutError, HTTPException, ConnectionError) as error:
            need(holds=False, otherwise=f"no answer to a body without end: {error!r}")


def bomb(subject: Subject) -> None:
    """413, without having unpacked it all."""
    packed = _bomb()
    answer = subject.post(CHAT, packed, {"content-encoding": "gzip"})
    if answer.status in _NOT_PACKED:
        error_object(answer, *_NOT_PACKED)
        raise Skipped(f"packed bodies are not taken ({answer.status})")
    error_object(answer, 413)


def _bomb() -> bytes:
    """A valid gzip file of 256 MiB of spaces, put together from one block: quick to make."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = packer.compress(_PIECE) + packer.flush(zlib.Z_FULL_FLUSH)
    check = 0
    for _ in range(_BOMB_PIECES):
        check = zlib.crc32(_PIECE, check)
    end = struct.pack("<II", check, _BOMB_PIECES * len(_PIECE))
    return _GZIP_HEAD + block * _BOMB_PIECES + packer.flush() + end


def request_id(subject: Subject) -> None:
    """On answers and on errors, another on each."""
    answers = [
        subject.post(CHAT, subject.chat_body()),
        subject.post(CHAT, subject.chat_body(stream=True)),
        subject.post(CHAT, b"{"),
    ]
    ids = [answer.headers.get("x-request-id", "") for answer in answers]
    need(all(ids), f"x-request-id of an answer, a stream and an error: {ids}")
    need(len(set(ids)) == len(ids), f"x-request-id is the same on several answers: {ids}")


_DEEP: Final = 20_000

CHECKS = (
    Check("errors.json", refuses(lambda good: good[:-1]), "a body that is cut is a 400"),
    Check("errors.not-object", refuses(lambda _: b"[]"), "a body that is no object is a 400"),
    Check(
        "errors.duplicate-key",
        refuses(_with(b'"model":"other"')),
        "a duplicate key is a 400: two readers would take different values",
    ),
    Check("errors.nan", refuses(_with(b'"temperature":NaN')), "NaN is no JSON: 400"),
    Check(
        "errors.depth",
        refuses(_with(b'"metadata":' + b"[" * _DEEP + b"]" * _DEEP)),
        "a depth bomb is a 400",
    ),
    Check(
        "errors.long-integer",
        refuses(_with(b'"seed":' + b"9" * 5_000)),
        "an integer of 5,000 digits is a 400",
    ),
    Check(
        "errors.surrogate",
        refuses(_with(b'"user":"\\ud800"')),
        "half of a surrogate pair is a 400",
    ),
    Check("errors.utf-8", refuses(_with(b'"user":"\xff"')), "a body that is not UTF-8 is a 400"),
    Check("errors.field", wrong_field, "a wrong field is a 400 that names it in param"),
    Check("errors.model", unknown_model, "an unknown model is a 404"),
    Check("errors.path", unknown_path, "an unknown path is a 404 with an error object"),
    Check("errors.no-key", no_key, "a call without a key is a 401"),
    Check("errors.wrong-key", wrong_key, "a wrong key is a 401 that doesn't repeat it"),
    Check("errors.too-large", too_large, "a body over the limit is a 413"),
    Check("errors.gzip-bomb", bomb, "a small body that unpacks without end is a 413"),
    Check("errors.request-id", request_id, "answers, streams and errors carry an x-request-id"),
)
