"""What a provider has besides, where it runs batches by itself: half of the price, within a day.

Everything here blocks and is called by the durable run in a thread, through `Send`, which makes one
HTTP exchange. Whatever is sent may be sent again after a crash, so who submits looks first.
"""

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from typing import Protocol

import msgspec


class BatchCall(msgspec.Struct, frozen=True, gc=False):
    """One HTTP exchange; `headers` are rendered lines, each ending in CRLF."""

    method: bytes
    path: bytes
    headers: bytes
    body: bytes = b""


class BatchReply(msgspec.Struct, frozen=True, gc=False):
    """Its whole answer; names of headers are in lower case."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


Send = Callable[[BatchCall], BatchReply]
"""Raises UpstreamError: ProviderUnavailable or ProviderTimeout where no whole answer came."""


class BatchStatus(StrEnum):
    """How a provider's batch stands."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"  # the provider refused its input: no line was executed
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class InputProblem(msgspec.Struct, frozen=True):
    """What a provider found wrong with an input; `line` counts its lines from 1, 0 for none."""

    code: str
    message: str
    line: int = 0
    param: str | None = None


class BatchState(msgspec.Struct, frozen=True):
    """A provider's batch."""

    id: str
    status: BatchStatus
    files: tuple[str, ...] = ()
    """Where its results are, in the provider's own names."""
    input_file: str = ""
    problems: tuple[InputProblem, ...] = ()


class BatchResult(msgspec.Struct, frozen=True):
    """What came of one line: an answer or an error of the provider, or that it wasn't executed."""

    name: str
    status: int = 0
    """As a call would have been answered; 0 where the line was not executed."""
    body: bytes = b""


class Search(msgspec.Struct, frozen=True):
    """What is known of a batch that may have been submitted, by a process that is gone.

    It has so many lines, and would have been submitted between the two times.
    """

    mark: str
    lines: int
    since_ns: int
    until_ns: int
    strangers: set[str] = msgspec.field(default_factory=set)
    """Batches that are others', as `find` has found out."""


class Batcher(Protocol):
    """Every method raises UpstreamError."""

    def place(self, asked: str, model: str) -> str:
        """Return the `endpoint` of the other methods for calls of ours of an endpoint and model.

        Raises:
            InvalidRequest: the model's name is none at this provider.
        """
        ...

    def line(self, mark: str, name: str, endpoint: str, body: bytes) -> bytes:
        """Write one line of a batch's input; its result comes under `name`."""
        ...

    def find(self, send: Send, search: Search) -> str | None:
        """Return the id of the batch that was submitted, "" where none was.

        None while that can't be told: ask again later.
        """
        ...

    def submit(self, send: Send, mark: str, endpoint: str, lines: Sequence[bytes]) -> str:
        """Submit a batch and return its id. Call `find` before: this looks for inputs alone."""
        ...

    def withdraw(self, send: Send, mark: str) -> None:
        """Delete what may have been sent in for a batch that is not made."""
        ...

    def look(self, send: Send, batch_id: str) -> BatchState:
        """Return how a batch stands."""
        ...

    def cancel(self, send: Send, batch_id: str) -> None:
        """Ask for no further line to be executed; one that has ended stays as it is."""
        ...

    def results(self, send: Send, state: BatchState) -> Iterator[BatchResult]:
        """Return what came of the lines, in no promised order."""
        ...

    def forget(self, send: Send, state: BatchState) -> None:
        """Delete what the provider keeps of a batch that has ended: its input and its results."""
        ...


def batcher_of(provider: object) -> Batcher | None:
    """Return the provider's optional attribute `batches`; None where it runs none."""
    batches: Batcher | None = getattr(provider, "batches", None)
    return batches
