"""OpenAI's stream as canonical events."""

from collections.abc import Iterator, Sequence
from typing import Any

from legato.core.chat import (
    ChatEvent,
    Citation,
    CitationDelta,
    Ended,
    ImageDelta,
    RedactedThinkingDelta,
    RefusalDelta,
    SignatureDelta,
    Started,
    Stopped,
    TextDelta,
    Thinking,
    ThinkingDelta,
    ToolUseDelta,
    ToolUseStarted,
    UsageReported,
)
from legato.core.citations import moved
from legato.core.pictures import read_pictures
from legato.core.reasoning_details import read_details
from legato.providers.event_decoder import EventDecoder
from legato.providers.openai_compatible import mistral
from legato.providers.openai_compatible.chat_from_wire import stop_reason
from legato.providers.openai_compatible.citations import Marks, annotated, listed
from legato.providers.openai_compatible.errors import in_band_error
from legato.providers.openai_compatible.usage import read_usage


class _ChoiceState:
    """What has been seen of one choice."""

    def __init__(self) -> None:
        self.tools: list[tuple[int, str]] = []  # (the provider's index, id), by our number
        self.refused = False
        self.stopped = False
        self.cited = False
        self._marks = Marks()

    @property
    def chars(self) -> int:
        """How much text has come."""
        return self._marks.chars

    def text(self, text: str, choice: int, logprobs: Any = None) -> TextDelta:
        """Note text."""
        self._marks.feed(text)
        return TextDelta(text, choice, logprobs=logprobs)

    def sources(self, sources: tuple[Citation, ...], choice: int) -> Iterator[CitationDelta]:
        """Yield what the vendor lists, where it does not annotate as well; once."""
        if sources and not self.cited:
            self.cited = True
            for citation in self._marks.numbered(sources):
                yield CitationDelta(citation, choice)


class OpenAIDecoder(EventDecoder):
    """Chunks of `/chat/completions`; tool calls are told apart by index and, failing that, id."""

    def __init__(self, *, secret: str | None) -> None:
        super().__init__()
        self._secret = secret
        self._has_started = False
        self._sources: tuple[Citation, ...] = ()
        self._choices: dict[int, _ChoiceState] = {}

    def _end_data(self) -> bytes:
        return b"[DONE]"

    def _end(self) -> Sequence[ChatEvent]:
        self.finished = True
        late = [
            event
            for index, state in self._choices.items()
            for event in state.sources(self._sources, index)
        ]
        return [*late, Ended()]

    def _conclude(self) -> Sequence[ChatEvent]:
        """Some upstreams never send [DONE]: a finish_reason for each choice says as much."""
        states = self._choices.values()
        return self._end() if states and all(state.stopped for state in states) else []

    def _decode(self, name: bytes, body: dict[str, Any]) -> Sequence[ChatEvent]:
        if body.get("error") or body.get("object") == "error" or name == b"error":
            raise in_band_error(body.get("error") or body, self._secret)
        events: list[ChatEvent] = []
        if not self._has_started and (body.get("id") or body.get("choices")):
            # Azure sends what its filter found in the prompt ahead, in a chunk without an id.
            self._has_started = True
            created = body.get("created")
            created_s = int(created) if isinstance(created, int | float) else 0
            events.append(Started(body.get("id") or "", body.get("model") or "", created_s))
        self._sources = listed(body) or self._sources
        for choice in body.get("choices") or ():
            events += self._decode_choice(choice)
        usage = read_usage(body.get("usage") or (body.get("x_groq") or {}).get("usage"))
        if usage is not None:
            events.append(UsageReported(usage))
        return events

    def _decode_choice(self, choice: dict[str, Any]) -> Iterator[ChatEvent]:
        index = choice.get("index") or 0
        state = self._choices.setdefault(index, _ChoiceState())
        delta = choice.get("delta") or {}
        if reasoning := delta.get("reasoning_content") or delta.get("reasoning"):
            yield ThinkingDelta(reasoning, index)
        for part in read_details(delta.get("reasoning_details")):
            if isinstance(part, Thinking):  # its text has come, or comes, by itself
                yield SignatureDelta(part.signature, index)
            else:
                yield RedactedThinkingDelta(part.data, index)
        content = delta.get("content")
        if isinstance(content, list):  # Mistral streams its reasoning as parts
            begun = state.chars
            for kind, text in mistral.content_texts(content):
                yield ThinkingDelta(text, index) if kind == "thinking" else state.text(text, index)
            for citation in mistral.references(content):
                yield CitationDelta(moved(citation, begun), index)
        elif content:
            yield state.text(content, index, choice.get("logprobs"))
        yield from (ImageDelta(image, index) for image in read_pictures(delta.get("images")))
        for citation in annotated(delta):
            state.cited = True
            yield CitationDelta(citation, index)
        if refusal := delta.get("refusal"):
            state.refused = True
            yield RefusalDelta(refusal, index)
        for call in delta.get("tool_calls") or ():
            yield from _decode_call(state, call, index)
        finish = choice.get("finish_reason")
        if finish and not state.stopped:
            state.stopped = True
            yield from state.sources(self._sources, index)
            reason = stop_reason(finish, used_tools=bool(state.tools), refused=state.refused)
            yield Stopped(reason, None, index)


def _decode_call(state: _ChoiceState, call: dict[str, Any], choice: int) -> Iterator[ChatEvent]:
    function = call.get("function") or {}
    number = _number(state, call)
    if number is None:
        number = len(state.tools)
        tool_id = call.get("id") or f"call_{choice}_{number}"
        index = call.get("index")
        state.tools.append((number if index is None else index, tool_id))
        yield ToolUseStarted(number, tool_id, function.get("name") or "", choice)
    if arguments := function.get("arguments"):
        yield ToolUseDelta(number, arguments, choice)


def _number(state: _ChoiceState, call: dict[str, Any]) -> int | None:
    """Our number of a running call, None for a new one.

    Some upstreams leave the index out or number every call 0: a new id then means a new call.
    """
    index, tool_id = call.get("index"), call.get("id")
    for number in range(len(state.tools) - 1, -1, -1):
        known_index, known_id = state.tools[number]
        if tool_id and tool_id != known_id:
            continue
        if index is None or index == known_index:
            return number
    return None
