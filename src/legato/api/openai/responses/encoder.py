"""Canonical events as the typed event stream of responses."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

from legato.api.openai.responses.picture_item import PictureItem
from legato.api.openai.responses.reasoning import Sealed, SignedPart
from legato.api.openai.responses.resource import incomplete_reason, usage_object
from legato.api.openai.responses.stream_items import (
    CallItem,
    CustomCallItem,
    Item,
    MessageItem,
    ReasoningItem,
)
from legato.core.chat import (
    ChatEvent,
    ChatResponse,
    Citation,
    CitationDelta,
    Ended,
    Image,
    ImageDelta,
    Ping,
    RedactedThinking,
    RedactedThinkingDelta,
    Refusal,
    RefusalDelta,
    SignatureDelta,
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
from legato.core.citations import moved
from legato.core.errors import BadProviderResponse

if TYPE_CHECKING:
    from legato.api.openai.responses.frames import Frames
    from legato.core.usage import Usage


class Asked(Protocol):
    """What an answer needs to know of its request."""

    identity: str
    frames: "Frames"
    wants_summary: bool
    custom_tools: frozenset[str]

    def resource(
        self, *, model: str, status: str, output: list[dict[str, Any]] | None = None, **more: Any
    ) -> dict[str, Any]:
        """Return the response object."""
        ...


class ResponsesEncoder:
    """A `StreamEncoder`: items in the order they begin, one terminal event, no [DONE].

    Messages and reasoning end where something else begins. Calls of tools may grow side by side,
    as some providers send them: they end together.
    """

    def __init__(self, turn: Asked) -> None:
        self._turn = turn
        self._frames = turn.frames
        self._items: list[Item] = []
        self._calls: dict[int, CallItem | CustomCallItem] = {}
        self._chars = 0  # of text, in all items
        self._model = ""
        self._usage: Usage | None = None
        self._stopped: Stopped | None = None
        self._refused = False
        self._has_started = False
        self._has_ended = False
        self.final: dict[str, Any] = {}
        """The finished response."""

    def encode(self, event: ChatEvent) -> bytes:
        """Return zero or more whole frames."""
        if self._has_ended:
            return b""
        if isinstance(event, TextDelta):
            return self._text(event) if event.choice == 0 else b""
        if isinstance(event, CitationDelta):
            return self._cited(event.citation) if event.choice == 0 else b""
        if isinstance(event, Started):
            return self._start(event)
        if isinstance(event, UsageReported):
            self._usage = event.usage
            return b""
        if isinstance(event, Ended):
            return self._end()
        if isinstance(event, Ping):
            return b": ping\n\n" if self._has_started else b""
        if event.choice != 0:  # this dialect has one answer
            return b""
        if isinstance(event, Stopped):
            self._stopped = self._stopped or event
            return b""
        return self._content(event)

    def output(self) -> list[dict[str, Any]]:
        """Return the items as they stand."""
        return [item.object for item in self._items]

    def _start(self, event: Started) -> bytes:
        self._has_started = True
        self._model, self._usage = event.model, event.usage
        response = self._turn.resource(model=event.model, status="in_progress")
        created = self._frames.event("response.created", response=response)
        return created + self._frames.event("response.in_progress", response=response)

    def _content(
        self,
        event: ThinkingDelta
        | SignatureDelta
        | RedactedThinkingDelta
        | RefusalDelta
        | ImageDelta
        | ToolUseStarted
        | ToolUseDelta,
    ) -> bytes:
        if isinstance(event, ImageDelta):
            return self._picture(event.image)
        if isinstance(event, ToolUseStarted):
            return self._call(event)
        if isinstance(event, ToolUseDelta):
            call = self._calls.get(event.tool)
            return call.arguments(event.arguments) if call is not None and call.open else b""
        if isinstance(event, RefusalDelta):
            self._refused = True
            message, frames = self._message()
            return frames + message.refusal(event.text)
        if isinstance(event, RedactedThinkingDelta):
            return self._sealed(RedactedThinking(event.data))
        if isinstance(event, ThinkingDelta):
            item, frames = self._reasoning(new=False)
            if item.signature:  # what comes after a signature is another block
                item, more = self._reasoning(new=True)
                frames += more
            return frames + item.text(event.text)
        item, frames = self._reasoning(new=False)
        item.signature += event.signature
        return frames

    def _text(self, event: TextDelta) -> bytes:
        frames = b""
        if event.text:
            message, frames = self._message()
            self._chars += len(event.text)
            frames += message.text(event.text, token_logprobs(event.logprobs))
        if event.signature:
            frames += self._sealed(SignedPart(event.signature, of_call=False))
        return frames

    def _cited(self, citation: Citation) -> bytes:
        message, frames = self._message()
        return frames + message.cite(citation, self._chars)

    def _picture(self, image: Image) -> bytes:
        if image.data is None:
            raise BadProviderResponse("the model answered with a picture by its address alone")
        frames = self._close_last()
        item = PictureItem(self._frames, self._turn.identity, len(self._items), image=image)
        self._items.append(item)
        return frames + item.added() + item.done("completed")

    def _sealed(self, part: Sealed) -> bytes:
        """An item that shows nothing and carries what the vendor wants to see again."""
        item, frames = self._reasoning(new=True)
        item.sealed = part
        return frames + item.done("completed")

    def _message(self) -> tuple[MessageItem, bytes]:
        last = self._items[-1] if self._items else None
        if isinstance(last, MessageItem) and last.open:
            return last, b""
        closing = self._close_last()
        message = MessageItem(self._frames, self._turn.identity, len(self._items))
        self._items.append(message)
        return message, closing + message.added()

    def _reasoning(self, *, new: bool) -> tuple[ReasoningItem, bytes]:
        last = self._items[-1] if self._items else None
        if isinstance(last, ReasoningItem) and last.open and not new:
            return last, b""
        closing = self._close_last()
        item = ReasoningItem(
            self._frames, self._turn.identity, len(self._items), summary=self._turn.wants_summary
        )
        self._items.append(item)
        return item, closing + item.added()

    def _call(self, event: ToolUseStarted) -> bytes:
        closing = self._close_last()
        if event.signature:
            closing += self._sealed(SignedPart(event.signature, of_call=True))
        kind = CustomCallItem if event.name in self._turn.custom_tools else CallItem
        call = kind(
            self._frames, self._turn.identity, len(self._items), call=(event.id, event.name)
        )
        self._items.append(call)
        self._calls[event.tool] = call
        return closing + call.added()

    def _close_last(self) -> bytes:
        last = self._items[-1] if self._items else None
        if last is None or isinstance(last, CallItem | CustomCallItem):
            return b""
        return last.done("completed")

    def _end(self) -> bytes:
        self._has_ended = True
        reason = self._stopped.reason if self._stopped else StopReason.END
        cut = incomplete_reason(reason, refusal_shown=self._refused)
        frames = [
            item.done("incomplete" if cut and item is self._items[-1] else "completed")
            for item in self._items
        ]
        status = "incomplete" if cut else "completed"
        self.final = self._turn.resource(
            model=self._model,
            status=status,
            output=self.output(),
            usage=usage_object(self._usage),
            incomplete_details={"reason": cut} if cut else None,
        )
        frames.append(self._frames.event(f"response.{status}", response=self.final))
        return b"".join(frames)


def events_of(response: ChatResponse) -> Iterator[ChatEvent]:
    """Return a complete answer as the events of a stream, so that both end as one object."""
    yield Started(response.id, response.model)
    choice = response.choices[0]
    logprobs, tools, chars = choice.logprobs, 0, 0
    for part in choice.parts:
        if isinstance(part, Text):
            yield TextDelta(part.text, signature=part.signature, logprobs=logprobs)
            logprobs = None
            for citation in part.citations:
                yield CitationDelta(moved(citation, chars))
            chars += len(part.text)
        elif isinstance(part, Thinking):
            if part.text:
                yield ThinkingDelta(part.text)
            if part.signature:
                yield SignatureDelta(part.signature)
        elif isinstance(part, RedactedThinking):
            yield RedactedThinkingDelta(part.data)
        elif isinstance(part, Refusal):
            yield RefusalDelta(part.text)
        elif isinstance(part, Image):
            yield ImageDelta(part)
        elif isinstance(part, ToolUse):
            yield ToolUseStarted(tools, part.id, part.name, signature=part.signature)
            if part.arguments:
                yield ToolUseDelta(tools, part.arguments)
            tools += 1
    yield Stopped(choice.stop_reason)
    if response.usage is not None:
        yield UsageReported(response.usage)
    yield Ended()


def token_logprobs(given: Any) -> list[dict[str, Any]]:
    """Return the logprobs of OpenAI's chat as responses have them: a list, nothing null."""
    if not given:
        return []
    return [
        {**_token(entry), "top_logprobs": [_token(top) for top in entry.get("top_logprobs") or ()]}
        for entry in given.get("content") or ()
    ]


def _token(entry: dict[str, Any]) -> dict[str, Any]:
    token = entry["token"]
    given = entry.get("bytes")
    return {
        "token": token,
        "logprob": entry["logprob"],
        "bytes": list(token.encode()) if given is None else given,
    }
