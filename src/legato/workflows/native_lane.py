"""A native lane: which deployment's provider runs the batches of a model, and at what price."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

import msgspec

from legato.core.capability import DOCUMENTS
from legato.core.errors import InvalidRequest, LegatoError, ProviderUnavailable
from legato.core.money import NanoUSD
from legato.core.price import Price
from legato.core.usage import Usage
from legato.core.wire import RequestView, Surface
from legato.economics.cost import upper_bound
from legato.economics.estimate import input_tokens_bound
from legato.gateway.translate import renamed, translated_answer, translated_request
from legato.providers.base import Provider, Target
from legato.providers.batching import Batcher, Send, batcher_of
from legato.workflows.batch_lines import Line

_BYTES_PER_TOKEN = 4
_TRANSLATED_TO = "/v1/chat/completions"
"""What is translated is a chat; only OpenAI's batches tell endpoints apart."""


class Lane(msgspec.Struct, frozen=True, eq=False):
    """What calls of one model (an alias or a deployment) need to run as a native batch."""

    alias: str
    route: str
    deployment: str
    provider_name: str
    model: str
    region: str
    max_output_tokens: int
    image_tokens: int
    """The most that one image counts for."""
    context_tokens: int
    """Of the model; 0 where that is unknown."""
    price: Price | None
    """Of batches: what is charged."""
    baseline: str
    baseline_price: Price | None
    drop_unsupported: bool
    renames: bool
    """Answers carry the caller's name for the model."""
    surface: Surface
    connect: Callable[[], tuple[Provider, Send]]
    """The provider with its credential as it is now. Raises LegatoError."""
    listed_price: Price | None = None
    """Of calls outside batches, None where that isn't known."""
    versions: str = ""
    """Of the registry: those that make its answers."""

    def opened(self) -> "OpenLane":
        """Return the lane with the provider as it is now. Raises LegatoError."""
        provider, send = self.connect()
        batcher = batcher_of(provider)
        if batcher is None:
            msg = f"Deployment {self.deployment!r} has no batches of its provider any more."
            raise ProviderUnavailable(msg)
        return OpenLane(self, provider, batcher, send)


class LaneOf(Protocol):
    """Knows the native lanes."""

    def __call__(self, model: str, endpoint: str, *, key_id: str | None = None) -> Lane | None:
        """Return the lane of a model at an endpoint; None where it has none.

        With a key, None too where its requirements on data aren't known to be fulfilled there.
        """
        ...


class OpenLane(NamedTuple):
    """A lane in use."""

    lane: Lane
    provider: Provider
    batcher: Batcher
    send: Send

    def endpoint(self, asked: str) -> str:
        """Return the endpoint of the provider's that calls of `asked` go to.

        Raises:
            InvalidRequest: the deployment's model is none there.
        """
        own = self.provider.dialect is self.lane.surface.dialect
        return self.batcher.place(asked if own else _TRANSLATED_TO, self.lane.model)


class Prepared(NamedTuple):
    """One line as the provider gets it, and what may come of it."""

    number: int
    """Its place among the lines, from 0."""
    line: Line
    view: RequestView
    body: bytes
    bound: NanoUSD | None
    """The most it can cost; None where that is unknown."""
    estimate: Usage


class Refused(NamedTuple):
    """One line that no provider gets, and why."""

    number: int
    line: Line
    error: LegatoError


def prepared(
    open_lane: OpenLane, lines: Iterator[tuple[int, Line]], *, held: bool
) -> Iterator[Prepared | Refused]:
    """Write each line for the provider; `held` bounds answers that the caller left unbounded."""
    for index, line in lines:
        try:
            yield _prepared(open_lane, index, line, held=held)
        except InvalidRequest as error:
            yield Refused(index, line, error)


def _prepared(open_lane: OpenLane, index: int, line: Line, *, held: bool) -> Prepared:
    lane = open_lane.lane
    view = lane.surface.read(line.body)
    output_tokens = view.max_output_tokens or lane.max_output_tokens
    bounded = held and view.max_output_tokens is None
    target = Target(lane.model, output_tokens if bounded else None, lane.drop_unsupported)
    provider, surface, drop = open_lane.provider, lane.surface, lane.drop_unsupported
    if provider.dialect is surface.dialect:
        request = provider.request(surface.operation, line.body, view, target)
    else:
        request = translated_request(surface, line.body, provider, target, drop=drop)
    size = len(request.body)
    bound = None
    if lane.price is not None:
        bound = upper_bound(
            lane.price,
            input_tokens=input_tokens_bound(size, view.image_count, lane.image_tokens),
            output_tokens=output_tokens * view.choices,
        )
        if view.needs & DOCUMENTS:
            bound = _document_bound(lane, output_tokens * view.choices)
    estimate = Usage(
        in_uncached=size // _BYTES_PER_TOKEN + 1, out_text=output_tokens * view.choices
    )
    return Prepared(index, line, view, request.body, bound, estimate)


def _document_bound(lane: Lane, output_tokens: int) -> NanoUSD | None:
    """Return the most that a line with documents can cost: its model's context alone bounds it."""
    if lane.price is None or not lane.context_tokens:
        return None
    return upper_bound(lane.price, input_tokens=lane.context_tokens, output_tokens=output_tokens)


def answer_for_caller(open_lane: OpenLane, line: Prepared, body: bytes) -> Any:
    """Return an answer as the caller is to read it, decoded. Raises UpstreamError."""
    lane, provider = open_lane.lane, open_lane.provider
    if provider.dialect is not lane.surface.dialect:
        asked = line.line.body
        body = translated_answer(lane.surface, asked, provider, body, model=lane.model)
    return msgspec.json.decode(renamed(body, line.view.model) if lane.renames else body)
