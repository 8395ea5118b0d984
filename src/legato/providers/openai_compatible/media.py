"""Images and sound in OpenAI's dialect: forms out, usage of each kind back.

Usage is in tokens (`gpt-image-1`, `gpt-4o-transcribe`), seconds (`whisper-1`) or nowhere: then
images are counted in the answer, and speech is as long as the text that was given.
"""

import secrets
from typing import Any

import msgspec

from legato.core.errors import BadProviderResponse
from legato.core.usage import Usage
from legato.core.wire import Answer, FormPart, Operation
from legato.providers.openai_compatible.errors import in_band_error
from legato.providers.pass_through import PassThroughReader
from legato.providers.sse import data, is_json

PATHS = {
    Operation.IMAGES: b"/images/generations",
    Operation.IMAGE_EDITS: b"/images/edits",
    Operation.SPEECH: b"/audio/speech",
    Operation.TRANSCRIPTION: b"/audio/transcriptions",
    Operation.TRANSLATION: b"/audio/translations",
}
_IMAGES = frozenset({Operation.IMAGES, Operation.IMAGE_EDITS})
_MS_PER_S = 1_000
_TOKENS_MAX = 10**12


class _Details(msgspec.Struct, frozen=True):
    text_tokens: int = 0
    image_tokens: int = 0
    audio_tokens: int = 0


class _Usage(msgspec.Struct, frozen=True):
    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: _Details | None = None  # images
    input_token_details: _Details | None = None  # transcriptions
    seconds: float | None = None


class _Body(msgspec.Struct, frozen=True):
    data: list[Any] | None = None
    usage: _Usage | None = None
    duration: float | None = None
    model: str | None = None
    error: Any = None


_BODY = msgspec.json.Decoder(_Body)


def write_form(form: tuple[FormPart, ...], model: str) -> tuple[bytes, bytes]:
    """Return content type and body of a form with the provider's name for the model."""
    boundary = secrets.token_hex(16).encode()
    lines = []
    for part in form:
        value = model.encode() if part.name == "model" and not part.filename else part.value
        lines.append(b"--%b\r\ncontent-disposition: form-data; " % boundary)
        lines.append(b'name="%b"' % _quoted(part.name))
        if part.filename:
            lines.append(b'; filename="%b"' % _quoted(part.filename))
            lines.append(b"\r\ncontent-type: %b" % _header(part.content_type))
        lines.append(b"\r\n\r\n%b\r\n" % value)
    lines.append(b"--%b--\r\n" % boundary)
    return b"multipart/form-data; boundary=" + boundary, b"".join(lines)


def _quoted(text: str) -> bytes:
    """Escape as browsers do: what would end the quotes, or the line."""
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A").encode()


def _header(text: str) -> bytes:
    return text.replace("\r", "").replace("\n", "").encode("latin-1", "replace")


def read_answer(operation: Operation, body: bytes, secret: str | None) -> Answer:
    """Read the usage of a complete answer.

    A transcription may be plain text or subtitles: nothing can be read of those.

    Raises:
        BadProviderResponse: images that are not JSON or none, a transcription that is nothing.
        UpstreamError: an error object under a status of success.
    """
    if not body:
        raise BadProviderResponse("the provider's answer is empty")
    try:
        parts = _BODY.decode(body)
    except (msgspec.DecodeError, RecursionError):
        if operation in _IMAGES:
            raise BadProviderResponse("the provider's answer is not JSON of images") from None
        return Answer(usage=None, model="")
    if parts.error is not None:
        raise in_band_error(parts.error, secret)
    if operation in _IMAGES and not parts.data:
        raise BadProviderResponse("the provider's answer holds no image")
    return Answer(usage=_usage(operation, parts), model=parts.model or "")


def _usage(operation: Operation, parts: _Body) -> Usage | None:
    if operation in _IMAGES:
        return _tokens(parts.usage, units=len(parts.data or ()), images=True)
    seconds = parts.duration
    if parts.usage is not None and parts.usage.seconds is not None:
        seconds = parts.usage.seconds
    units = 0 if seconds is None else max(0, round(seconds * _MS_PER_S))
    counted = _tokens(parts.usage, units=units, images=False)
    return counted if counted.total_tokens or units else None


def _tokens(wire: _Usage | None, *, units: int, images: bool) -> Usage:
    if wire is None or wire.input_tokens is None:
        return Usage(units=units)
    read, written = wire.input_tokens, wire.output_tokens or 0
    if not (0 <= read <= _TOKENS_MAX and 0 <= written <= _TOKENS_MAX):
        return Usage(units=units)
    inside = wire.input_tokens_details or wire.input_token_details or _Details()
    image_in = min(max(inside.image_tokens, 0), read)
    audio_in = min(max(inside.audio_tokens, 0), read - image_in)
    return Usage(
        in_uncached=read - image_in - audio_in,
        image_in=image_in,
        audio_in=audio_in,
        out_text=0 if images else written,
        image_out=written if images else 0,
        units=units,
    )


class _Event(msgspec.Struct, frozen=True):
    type: str = ""
    delta: str | None = None
    usage: _Usage | None = None
    error: Any = None


_EVENT = msgspec.json.Decoder(_Event)
_LAST = (".completed", ".done")


class MediaReader(PassThroughReader):
    """Events of images and sound, passed on: the last one of each kind carries the usage."""

    def __init__(self, *, count: int, secret: str | None) -> None:
        super().__init__()
        self._left = count
        self._secret = secret
        self._images = 0

    def _take(self, event: bytes) -> bytes:
        payload = data(event)
        if not payload:
            return event
        if payload == b"[DONE]":
            self._finish()
            return event
        try:
            read = _EVENT.decode(payload)
        except (msgspec.DecodeError, RecursionError):
            if not is_json(payload):
                return self._fail(BadProviderResponse("the provider sent an event not of JSON"))
            read = _Event()
        if read.error is not None or read.type == "error":
            return self._fail(
                in_band_error(read.error or msgspec.json.decode(payload), self._secret)
            )
        self.started = True
        self.output_chars += len(read.delta or "")
        if read.type.endswith(_LAST) and not read.type.endswith("segment.done"):
            self._last(read)
        return event

    def _last(self, read: _Event) -> None:
        images = read.type.startswith("image")
        self._images += images
        if images or read.usage is not None:
            self._add(read, images=images)
        self._left -= 1
        if self._left <= 0:
            self._finish()

    def _add(self, read: _Event, *, images: bool) -> None:
        """Each image of a stream reports its own usage."""
        seconds = None if read.usage is None else read.usage.seconds
        units = 1 if images else round((seconds or 0) * _MS_PER_S)
        new = _tokens(read.usage, units=units, images=images)
        if self.usage is not None:
            both = zip(
                msgspec.structs.astuple(self.usage), msgspec.structs.astuple(new), strict=True
            )
            new = Usage(*(one + other for one, other in both))
        self.usage = new

    def _is_whole(self, event: bytes) -> bool:
        payload = data(event)
        return not payload or payload == b"[DONE]" or is_json(payload)
