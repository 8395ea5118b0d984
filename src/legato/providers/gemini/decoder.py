"""Gemini's stream as canonical events."""

from collections.abc import Iterator, Sequence
from typing import Any

from legato.core.chat import (
    ChatEvent,
    Citation,
    CitationDelta,
    Ended,
    Image,
    ImageDelta,
    Part,
    Started,
    Stopped,
    StopReason,
    Text,
    TextDelta,
    Thinking,
    ThinkingDelta,
    ToolUse,
    ToolUseDelta,
    ToolUseStarted,
    UsageReported,
)
from legato.providers.event_decoder import EventDecoder
from legato.providers.gemini.chat_from_wire import is_blocked
from legato.providers.gemini.citations import read_citations
from legato.providers.gemini.errors import in_band_error
from legato.providers.gemini.parts import logprobs, read_part
from legato.providers.gemini.stop_reason import stop_reason
from legato.providers.gemini.usage import read_usage

_CITING = {"groundingMetadata", "citationMetadata"}


class _Candidate:
    """What has been seen of one candidate."""

    def __init__(self) -> None:
        self.calls = 0
        self.stopped = False
        self.texts: list[str] = []
        self.cited: list[dict[str, Any]] = []
        self._told: set[Citation] = set()

    def citations(self) -> Iterator[Citation]:
        """Yield what is cited; what several events repeat, once."""
        whole = ["".join(self.texts)]
        for one in (one for wire in self.cited for one in read_citations(wire, whole)):
            if one not in self._told:
                self._told.add(one)
                yield one
        self.cited.clear()


class GeminiDecoder(EventDecoder):
    """Events of `:streamGenerateContent?alt=sse`: each a small answer of its own.

    There is no last event: the stream is complete when the body ends and every candidate has
    given its finish reason. Calls come whole.
    """

    def __init__(self, *, secret: str | None) -> None:
        super().__init__()
        self._secret = secret
        self._id: str | None = None
        self._candidates: dict[int, _Candidate] = {}

    def _conclude(self) -> Sequence[ChatEvent]:
        states = self._candidates.values()
        if not states or not all(state.stopped for state in states):
            return []
        self.finished = True
        return [Ended()]

    def _decode(self, name: bytes, body: dict[str, Any]) -> Sequence[ChatEvent]:
        if body.get("error") or name == b"error":
            raise in_band_error(body.get("error"), self._secret)
        events: list[ChatEvent] = []
        reported = body.get("usageMetadata")
        if self._id is None:
            self._id = body.get("responseId") or ""
            usage = read_usage(reported)
            events.append(Started(self._id, body.get("modelVersion") or "", 0, usage))
        for candidate in body.get("candidates") or ():
            events += self._decode_candidate(candidate, self._id)
        if is_blocked(body):
            events += self._decode_block()
        if reported and (self._has_stopped() or "candidatesTokenCount" in reported):
            usage = read_usage(reported)  # cumulative, but early ones tell the prompt alone
            if usage is not None:
                events.append(UsageReported(usage))
        return events

    def _has_stopped(self) -> bool:
        return any(state.stopped for state in self._candidates.values())

    def _decode_block(self) -> Iterator[ChatEvent]:
        state = self._candidates.setdefault(0, _Candidate())
        if not state.stopped:
            state.stopped = True
            yield Stopped(StopReason.CONTENT_FILTER)

    def _decode_candidate(self, candidate: dict[str, Any], answer_id: str) -> Iterator[ChatEvent]:
        index = candidate.get("index") or 0
        state = self._candidates.setdefault(index, _Candidate())
        scores = logprobs(candidate)
        for wire in (candidate.get("content") or {}).get("parts") or ():
            part = read_part(wire, answer_id, f"{index}-{state.calls}")
            state.texts += [part.text] if isinstance(part, Text) else []
            for event in _events(part, index, state):
                if scores is not None and isinstance(event, TextDelta):
                    yield TextDelta(event.text, index, event.signature, scores)
                    scores = None
                else:
                    yield event
        state.cited += [candidate] if candidate.keys() & _CITING else []
        finish = candidate.get("finishReason")
        if finish or state.stopped:  # only then it is known where in the text
            for citation in state.citations():
                yield CitationDelta(citation, index)
        if finish and not state.stopped:
            reason = stop_reason(finish, used_tools=state.calls > 0)
            state.stopped = True
            yield Stopped(reason, None, index)


def _events(part: Part | None, choice: int, state: _Candidate) -> Iterator[ChatEvent]:
    if isinstance(part, Text):
        yield TextDelta(part.text, choice, part.signature)
    elif isinstance(part, Thinking):
        yield ThinkingDelta(part.text, choice)
    elif isinstance(part, Image):
        yield ImageDelta(part, choice)
    elif isinstance(part, ToolUse):
        number = state.calls
        state.calls += 1
        yield ToolUseStarted(number, part.id, part.name, choice, part.signature)
        yield ToolUseDelta(number, part.arguments, choice)
