"""`POST /v1/audio/transcriptions` and `/v1/audio/translations`: a recording written down."""

import wave
from io import BytesIO
from typing import Any

from msgspec.structs import replace

from legato.api import body as check
from legato.api.form import body_of, read_form
from legato.api.openai.untranslated import Untranslated
from legato.core.usage import Unit
from legato.core.wire import FormPart, Operation, RequestView

_BYTES_PER_S_MIN = 750
"""6 kbit/s, the least a speech codec in use (Opus) makes: what a recording can last at most."""
_WAV_REST_BYTES_MAX = 1024
"""Head, title and such: what of a WAV is no sound."""


class Transcriptions(Untranslated):
    """The surface of recordings; `translation` has them written down in English."""

    def __init__(self, *, translation: bool = False) -> None:
        self.name = "translations" if translation else "transcriptions"
        self.operation = Operation.TRANSLATION if translation else Operation.TRANSCRIPTION

    def read(self, body: dict[str, Any]) -> RequestView:
        """Validate what we rely on. Raises InvalidRequest naming the field."""
        return RequestView(
            model=check.model(body),
            stream=check.boolean(body, "stream"),
            user=check.text(body, "user") or "",
            unit=Unit.AUDIO_MS.value,
        )

    def open(self, content_type: bytes | None, raw: bytes) -> tuple[dict[str, Any], RequestView]:
        """Read a form. Raises InvalidRequest naming the part."""
        form = read_form(content_type, raw)
        body = body_of(form)
        return body, replace(self.read(body), form=form, units=recording_ms(form))


def recording_ms(form: tuple[FormPart, ...]) -> int:
    """Return how long the recording of a form lasts: as its WAV head says, else at most.

    Raises:
        InvalidRequest: there is no file, or more than one.
    """
    files = [part for part in form if part.filename]
    if len(files) != 1 or files[0].name != "file":
        raise check.refuse("file", "is required: one recording, as the only file of the form")
    content = files[0].value
    try:
        with wave.open(BytesIO(content)) as opened:
            frames, rate = opened.getnframes(), opened.getframerate()
            frame_bytes = opened.getsampwidth() * opened.getnchannels()
            if len(content) - frames * frame_bytes > _WAV_REST_BYTES_MAX:
                frames = (
                    len(content) // frame_bytes
                )  # decoders read on where a head says too little
            return int(-(-frames * 1_000 // rate))
    except (wave.Error, EOFError, ZeroDivisionError):
        return -(-len(content) * 1_000 // _BYTES_PER_S_MIN)
