"""`POST /v1/audio/speech`: a text spoken. The answer is sound, sent on as it comes."""

from typing import Any

from legato.api import body as check
from legato.api.openai.untranslated import Untranslated
from legato.core.usage import Unit
from legato.core.wire import Operation, RequestView

_FORMATS = frozenset({"audio", "sse"})


class Speech(Untranslated):
    """The surface of speech."""

    name = "speech"
    operation = Operation.SPEECH

    def read(self, body: dict[str, Any]) -> RequestView:
        """Validate what we rely on. Raises InvalidRequest naming the field."""
        given = check.text(body, "input")
        if not given:
            raise check.refuse("input", "is required: the text to speak")
        form = check.text(body, "stream_format") or "audio"
        if form not in _FORMATS:
            raise check.refuse("stream_format", "must be audio or sse")
        return RequestView(
            model=check.model(body),
            stream=form == "sse",
            user=check.text(body, "user") or "",
            unit=Unit.CHARACTER.value,
            units=len(given),
        )
