"""The deployment under verification: asks it through the provider's adapter, keeps the bill."""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from legato.cli.conformance.findings import Unfulfilled, need
from legato.cli.verify.line import Line, Received
from legato.core.capability import NEEDS
from legato.core.chat import (
    ChatEvent,
    ChatRequest,
    ChatResponse,
    Ended,
    Message,
    Role,
    Stopped,
    StopReason,
    Text,
    TextDelta,
    UsageReported,
)
from legato.core.config import Capabilities
from legato.core.price import Price
from legato.core.usage import Usage
from legato.core.wire import (
    Answer,
    Dialect,
    Operation,
    RequestView,
    StreamReader,
    Surface,
    WireRequest,
)
from legato.gateway.translate import translated_answer, translated_request
from legato.providers.base import Provider, Target

QUESTION = "Name three colours of the rainbow."
_FORWARDED = frozenset({Dialect.OPENAI, Dialect.ANTHROPIC})
T = TypeVar("T")


class NotRun(Exception):
    """What the check builds on isn't there; the message says what."""


class Facts(msgspec.Struct, frozen=True):
    """What is known of the deployment before anything is sent."""

    deployment: str
    provider: str
    kind: str
    model: str
    capabilities: Capabilities
    price: Price | None
    unpriced: str
    """Why there is no price, "" where there is one."""
    output_tokens_max: int

    def can(self, need_bit: int) -> bool | None:
        """Tell whether the model has what a bit of `core.capability` stands for; None: unknown."""
        known: bool | None = getattr(self.capabilities, NEEDS[need_bit].setting)
        return known


class Spent(msgspec.Struct, frozen=True):
    """One answered call. `usage` is None where none was reported."""

    usage: Usage | None
    duration_us: int
    unit: str = ""


class Streamed(msgspec.Struct, frozen=True):
    """A complete stream, in canonical events."""

    events: list[ChatEvent]
    usage: Usage | None

    @property
    def text(self) -> str:
        """All text of it."""
        return "".join(event.text for event in self.events if isinstance(event, TextDelta))

    @property
    def reason(self) -> StopReason:
        """Why it ended. Raises Unfulfilled where it ends more or less than once."""
        found = [event.reason for event in self.events if isinstance(event, Stopped)]
        need(len(found) == 1, f"the one choice ends {len(found)} times")
        return found[0]


class Subject:
    """A deployment and the line to its provider."""

    def __init__(self, facts: Facts, line: Line) -> None:
        self.facts = facts
        self.line = line
        self.spent: list[Spent] = []
        self.whole: ChatResponse | None = None
        self.streamed: Streamed | None = None
        self.called: ChatResponse | None = None
        self.answered: Answer | None = None
        self.vector_numbers = 0
        self._bodies: list[int] = []

    @property
    def provider(self) -> Provider:
        """The adapter."""
        return self.line.provider

    @property
    def forwards(self) -> bool:
        """Whether a caller's body of the provider's own dialect is passed on untranslated."""
        return self.provider.dialect in _FORWARDED

    def begin(self, bodies: tuple[int, ...]) -> None:
        """Start a check's account; it may send as many requests, none longer than its figure."""
        self.spent = []
        self._bodies = list(bodies)

    def question(self, text: str = QUESTION, **fields: Any) -> ChatRequest:
        """Return a chat of one question, bounded as announced."""
        asked = (Message(Role.USER, (Text(text),)),)
        plain = ChatRequest(asked, max_output_tokens=self.facts.output_tokens_max)
        return msgspec.structs.replace(plain, **fields)

    async def ask(self, chat: ChatRequest, model: str = "") -> ChatResponse:
        """Return a whole answer; accounting must read the same usage in it as translation."""
        target = Target(model or self.facts.model)
        received = await self._sent(self.provider.request_from_chat(chat, target))
        answer = self.accounted(Operation.CHAT, received)
        response = self.provider.to_chat(received.body)
        need(answer.usage == response.usage, "accounting and translation read different usage")
        return response

    async def stream(self, chat: ChatRequest) -> Streamed:
        """Return a complete stream, decoded as it came, and read once more as it is forwarded."""
        asked = msgspec.structs.replace(chat, stream=True)
        target = Target(self.facts.model)
        received = await self._sent(self.provider.request_from_chat(asked, target))
        decoder = self.provider.decoder()
        events = [event for piece in received.pieces for event in decoder.feed(piece)]
        events += decoder.close()
        reported = [event.usage for event in events if isinstance(event, UsageReported)]
        usage = reported[-1] if reported else None
        self.spent.append(Spent(usage, received.duration_us))
        if decoder.error is not None:
            raise decoder.error
        need(decoder.finished, "the stream stops before the answer's end")
        need(isinstance(events[-1], Ended), "something follows the stream's end")
        if self.forwards:
            view = RequestView("verified", stream=True, wants_stream_usage=True)
            _read_alike(self.provider.reader(view), received.pieces, usage)
        return Streamed(events, usage)

    async def ask_as_caller(self, surface: Surface, body: dict[str, Any]) -> Any:
        """Return the decoded answer to a caller's body at one of the gateway's surfaces."""
        view = surface.read(body)
        surface = view.turn or surface
        forwarded = self.provider.dialect is surface.dialect
        bound = self.facts.output_tokens_max if surface.operation is Operation.CHAT else None
        target = Target(self.facts.model, bound if forwarded else None)
        if forwarded:
            request = self.provider.request(surface.operation, body, view, target)
        else:
            request = translated_request(surface, body, self.provider, target, drop=False)
        received = await self._sent(request)
        if surface.operation is Operation.COUNT_TOKENS:  # no answer of a model: not accounted
            return _decoded(received.body)
        answer = self.accounted(surface.operation, received, view.unit)
        if forwarded:
            return _decoded(answer.body or received.body)
        model = self.facts.model
        return _decoded(translated_answer(surface, body, self.provider, received.body, model=model))

    def accounted(self, operation: Operation, received: Received, unit: str = "") -> Answer:
        """Read an answer as the ledger would, and enter what it used."""
        answer = self.answered = self.provider.answer(operation, received.body)
        self.spent.append(Spent(answer.usage, received.duration_us, unit))
        return answer

    async def count(self, write: Callable[[], WireRequest]) -> Received:
        """Send a request that no model answers."""
        return await self._sent(write())

    async def _sent(self, request: WireRequest) -> Received:
        if not self._bodies:
            raise AssertionError("a check sends no more requests than it announced")
        most = self._bodies.pop(0)
        if len(request.body) > most:
            raise NotRun(f"the request has {len(request.body)} bytes, {most} were announced")
        return await self.line.send(request)


def _read_alike(reader: StreamReader, pieces: list[bytes], usage: Usage | None) -> None:
    """Raises Unfulfilled where forwarding reads a stream otherwise than translation."""
    for piece in pieces:
        reader.feed(piece)
    reader.close()
    if reader.error is not None:
        raise reader.error
    need(reader.finished, "forwarded, the stream stops before the answer's end")
    need(reader.usage == usage, "forwarding and translation read different usage")


def _decoded(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        raise Unfulfilled("the answer is not JSON") from None
