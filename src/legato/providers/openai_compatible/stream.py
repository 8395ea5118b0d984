"""OpenAI's stream, forwarded as it comes."""

import re
from typing import Any

import msgspec

from legato.core.errors import BadProviderResponse
from legato.providers import sse
from legato.providers.openai_compatible import mistral
from legato.providers.openai_compatible.errors import in_band_error
from legato.providers.openai_compatible.usage import read_usage
from legato.providers.openai_compatible.wire import Chunk, ChunkChoice, Delta
from legato.providers.pass_through import PassThroughReader

DONE = b"data: [DONE]\n\n"
_DONE_DATA = b"[DONE]"
_CHUNK = msgspec.json.Decoder(Chunk)
_EMPTY_FINISH = b'"finish_reason":""'
_NULL_FINISH = b'"finish_reason":null'
_CHOICES_MAX = 1024
"""More finished choices than any request may ask for: a bound on what a stream can make us keep."""


class OpenAIReader(PassThroughReader):
    """The stream of `/chat/completions`."""

    __slots__ = ("_choices", "_finished_choices", "_secret", "_wants_usage")

    def __init__(self, *, choices: int, wants_usage: bool, secret: str | None) -> None:
        super().__init__()
        self._choices = choices
        self._wants_usage = wants_usage
        self._secret = secret
        self._finished_choices: set[int] = set()

    def _take(self, event: bytes) -> bytes:
        """The common chunk first: one line of data, text for one choice, nothing else."""
        if not (self.started and event.startswith(b"data: {")):
            return self._look(event)
        try:
            chunk = _CHUNK.decode(event[6:])
        except (msgspec.DecodeError, RecursionError):
            return self._look(event)
        if chunk.usage is not None or chunk.error is not None or chunk.x_groq is not None:
            return self._judge(event, event[6:], chunk)
        choices = chunk.choices
        if choices is not None and len(choices) == 1 and choices[0].finish_reason is None:
            delta = choices[0].delta
            if delta is not None:
                text = delta.content
                self.output_chars += len(text) if isinstance(text, str) else _text_chars(delta)
            elif choices[0].text:
                self.output_chars += len(choices[0].text)
            return event
        return self._judge(event, event[6:], chunk)

    def _is_whole(self, event: bytes) -> bool:
        payload = sse.data(event)
        return payload == _DONE_DATA or not payload or sse.is_json(payload)

    def _conclude(self) -> bytes:
        """End properly for an upstream that gave every finish_reason but no [DONE]."""
        if self._over or len(self._finished_choices) < self._choices:
            return b""
        self._finish()
        return DONE

    def _look(self, event: bytes) -> bytes:
        payload = sse.data(event)
        if not payload:  # a comment
            return event
        if payload == _DONE_DATA:
            self._finish()
            return event
        try:
            chunk = _CHUNK.decode(payload)
        except (msgspec.DecodeError, RecursionError):
            return self._odd(event, payload)
        return self._judge(event, payload, chunk)

    def _judge(self, event: bytes, payload: bytes, chunk: Chunk) -> bytes:
        if chunk.error or chunk.object == "error" or sse.name(event) == b"error":
            return self._fail(in_band_error(_error_of(chunk, payload), self._secret))
        if chunk.model and not self.model:
            self.model = chunk.model
        return self._forward(event, payload, chunk)

    def _forward(self, event: bytes, payload: bytes, chunk: Chunk) -> bytes:
        reported = chunk.usage
        if reported is None and chunk.x_groq is not None:
            reported = chunk.x_groq.usage
        if reported is not None:
            self.usage = read_usage(reported) or self.usage
        if not chunk.choices:
            return b"" if reported is not None and not self._wants_usage else event
        repeated = False
        for choice in chunk.choices:
            self._note_content(choice)
            if choice.finish_reason:
                repeated = repeated or choice.index in self._finished_choices
                if len(self._finished_choices) < _CHOICES_MAX:
                    self._finished_choices.add(choice.index)
        if repeated:
            return self._without_repeats(payload, chunk)
        return event.replace(_EMPTY_FINISH, _NULL_FINISH)

    def _note_content(self, choice: ChunkChoice) -> None:
        if choice.delta is not None and choice.delta.any_content():
            self.output_chars += _text_chars(choice.delta)
            self.started = True
        elif choice.text:
            self.output_chars += len(choice.text)
            self.started = True
        elif choice.finish_reason:
            self.started = True

    def _without_repeats(self, payload: bytes, chunk: Chunk) -> bytes:
        """A second finish_reason of a choice: kept only for what else the event carries."""
        choices = chunk.choices or []
        if chunk.usage is None and not any(c.delta and c.delta.any_content() for c in choices):
            return b""
        body = msgspec.json.decode(payload)
        for choice in body["choices"]:
            choice["finish_reason"] = None
        return b"data: " + msgspec.json.encode(body) + b"\n\n"

    def _odd(self, event: bytes, payload: bytes) -> bytes:
        """JSON of a shape we don't know is the client's to read; anything else is a fault."""
        if not payload.startswith(b"{") or not sse.is_json(payload):
            return self._fail(BadProviderResponse("the provider sent an event that is not JSON"))
        self.started = True
        return event


class MistralReader(OpenAIReader):
    """Mistral's stream as OpenAI's clients read it: reasoning apart from a content of text."""

    __slots__ = ()

    def _take(self, event: bytes) -> bytes:
        if _CONTENT_LIST.search(event) is not None:
            event = mistral.plain_event(event)
        return super()._take(event)


_CONTENT_LIST = re.compile(rb'"content"\s*:\s*\[')


def _error_of(chunk: Chunk, payload: bytes) -> Any:
    """The error object; vLLM puts its fields at the top of the event."""
    return chunk.error or msgspec.json.decode(payload)


def _text_chars(delta: Delta) -> int:
    """Characters of produced text; of structured fields, of their JSON."""
    fields = (
        delta.content,
        delta.refusal,
        delta.reasoning_content or delta.reasoning,
        delta.tool_calls,
        delta.function_call,
    )
    return sum(
        len(field) if isinstance(field, str) else len(msgspec.json.encode(field))
        for field in fields
        if field
    )
