"""The translating path of streams: a provider's events as canonical ones."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import msgspec

from legato.core.chat import ChatEvent
from legato.core.errors import BadProviderResponse, UpstreamError
from legato.providers import sse


class EventDecoder(ABC):
    """A `StreamDecoder`: takes bytes apart into events and their data, stops at end or error."""

    def __init__(self) -> None:
        self.finished = False
        self.error: UpstreamError | None = None
        self._splitter = sse.Splitter()

    def feed(self, chunk: bytes) -> list[ChatEvent]:
        """Take bytes as they came, return the events that are now complete."""
        if self._is_over():
            return []
        try:
            return self._decode_all(self._splitter.whole(chunk))
        except sse.EventTooLong:
            self.error = BadProviderResponse("the provider sent an event that is too long")
            return []

    def close(self) -> list[ChatEvent]:
        """Take the end of the body; half an event is dropped."""
        if self._is_over():
            return []
        rest = self._splitter.rest()
        payload = sse.data(rest)
        events = []
        if payload == self._end_data() or sse.is_json(payload):
            events = self._decode_all(rest)
        return events if self._is_over() else [*events, *self._conclude()]

    def _is_over(self) -> bool:
        return self.finished or self.error is not None

    def _decode_all(self, raw: bytes) -> list[ChatEvent]:
        events: list[ChatEvent] = []
        for event in sse.split(raw):
            payload = sse.data(event)
            if not payload:
                continue
            if payload == self._end_data():
                events += self._end()
            else:
                events += self._decode_one(sse.name(event), payload)
            if self._is_over():
                break
        return events

    def _decode_one(self, name: bytes, payload: bytes) -> Sequence[ChatEvent]:
        try:
            body = msgspec.json.decode(payload)
            if not isinstance(body, dict):
                raise BadProviderResponse("the provider sent an event that is no JSON object")
            return self._decode(name, body)
        except (msgspec.DecodeError, RecursionError):
            self.error = BadProviderResponse("the provider sent an event that is not JSON")
        except UpstreamError as error:
            self.error = error
        except (AttributeError, KeyError, TypeError, ValueError) as problem:
            # Foreign JSON of another shape than the dialect's: the provider's fault, told as such.
            self.error = BadProviderResponse(
                f"the provider sent an event of unknown shape ({type(problem).__name__})"
            )
        return []

    def _end_data(self) -> bytes | None:
        """Data that is no JSON and ends the stream, where the dialect has such."""
        return None

    def _end(self) -> Sequence[ChatEvent]:
        """Return the events for it."""
        return []

    def _conclude(self) -> Sequence[ChatEvent]:
        """Return what belongs after a body that stopped short of the stream's own end."""
        return []

    @abstractmethod
    def _decode(self, name: bytes, body: dict[str, Any]) -> Sequence[ChatEvent]:
        """Return the canonical events of one event. Raises UpstreamError for an error event."""
