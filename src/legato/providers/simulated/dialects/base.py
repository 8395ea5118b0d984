"""What the server asks of a vendor's wire format."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from legato.providers.simulated.answers import Answer, Question
from legato.providers.simulated.settings import UsageShape
from legato.providers.simulated.sse import Event
from legato.providers.simulated.usage import Usage

CREATED_S = 1_735_689_600  # every answer is dated so, else equal calls had unequal answers


class Reply(NamedTuple):
    """What rendering needs to know of a call."""

    question: Question
    answer: Answer
    reported: Usage  # what the wire says; the bill may differ
    usage_shape: UsageShape
    number: int  # of the call in the book; makes its ids


class Dialect(Protocol):
    """One vendor's wire format for chat."""

    def question(self, body: bytes) -> Question:
        """Parse a request. Raises `Refusal` with 400."""

    def whole(self, reply: Reply) -> bytes:
        """The body of a whole answer."""

    def events(self, reply: Reply) -> Iterator[Event]:
        """The events of a streamed answer."""

    def error(self, status: int, message: str, param: str | None) -> bytes:
        """The body of an error."""

    def error_event(self, message: str) -> bytes:
        """An error in the middle of a stream."""
