"""A deployment of embeddings that turns questions into vectors, through a call of our own.

What it costs stands in the ledger as overhead, on the key of who asks and within its budget. It may
be called no more than that key allows: region and data-use terms hold for it, too.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from legato.core.errors import OperatorError
from legato.core.records import EntryKind
from legato.embedding.background import EmbedderBusy
from legato.embedding.base import EmbedderUnavailable
from legato.gateway.background import Nowhere, answered
from legato.gateway.context import Call
from legato.gateway.looked import Placed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from legato.core.wire import Surface
    from legato.gateway.directory import Directory
    from legato.gateway.stages.call import CallStage
    from legato.gateway.stages.record import RecordStage

AT_ONCE_MAX: Final = 64
"""Of one worker: beyond these a question is better off as a miss."""


class EmbedderSlow(OperatorError):
    """The deployment that embeds took longer than `cache.semantic.embed_s`."""

    code = "embedder_slow"
    http_status = 503
    retryable = True


class EmbedderRooms(msgspec.Struct, frozen=True, eq=False):
    """What calls of the embedder are made with; `model` is what the deployment had at the start."""

    directory: "Directory"
    call_stage: "CallStage"
    record: "RecordStage"
    surface: "Surface"
    deployment: str
    model: str
    dimensions: int
    within_s: float
    new_id: Callable[[], str]
    now_ns: Callable[[], int]
    random: Callable[[], float]


class _Vector(msgspec.Struct):
    embedding: list[float]
    index: int = 0


class _Vectors(msgspec.Struct):
    data: list[_Vector]


_decode = msgspec.json.Decoder(_Vectors).decode


class DeploymentEmbedder:
    """Asks the deployment; for one event loop."""

    def __init__(self, rooms: EmbedderRooms) -> None:
        self._rooms = rooms
        self._under_way = 0

    async def __call__(self, live: Call, text: str) -> Placed:
        """Return the vector of a question that a call asks.

        Raises:
            EmbedderBusy: too many are under way.
            EmbedderSlow: it took too long.
            EmbedderUnavailable: no answer, or none that is a vector of the stated dimensions.
        """
        vectors, model = await self._bounded(live, text)
        return Placed(vectors[0], model)

    async def all_of(self, live: Call, texts: Sequence[str]) -> "NDArray[np.float32]":
        """Return the vectors of texts, by one call; raises as a single question does."""
        vectors, _ = await self._bounded(live, list(texts))
        return np.stack(vectors)

    async def _bounded(
        self, live: Call, text: str | list[str]
    ) -> tuple[list["NDArray[np.float32]"], str]:
        if self._under_way >= AT_ONCE_MAX:
            raise EmbedderBusy("too many questions wait for their vectors")
        self._under_way += 1
        try:
            async with asyncio.timeout(self._rooms.within_s):
                return await self._asked(live, text)
        except TimeoutError:
            limit = f"{self._rooms.within_s:g} s"
            raise EmbedderSlow(f"no vector of {self._rooms.deployment} within {limit}") from None
        finally:
            self._under_way -= 1

    async def _asked(
        self, live: Call, text: str | list[str]
    ) -> tuple[list["NDArray[np.float32]"], str]:
        rooms = self._rooms
        call = self._call(live, text)
        try:
            reply = await answered(call, rooms.call_stage, rooms.random)
        finally:
            rooms.record.overhead(call)
        if reply is None:
            raise EmbedderUnavailable(f"{rooms.deployment} gave no vector: {call.error_code}")
        count = 1 if isinstance(text, str) else len(text)
        vectors = _vectors(reply.body, count, rooms.dimensions)
        return vectors, call.model_served or rooms.model

    def _call(self, live: Call, text: str | list[str]) -> Call:
        rooms = self._rooms
        route = rooms.directory.named(rooms.deployment)
        deployment = rooms.directory.deployment(rooms.deployment)
        if route is None or deployment is None or deployment.model != rooms.model:
            msg = f"{rooms.deployment} isn't {rooms.model} any more: restart to embed with another"
            raise EmbedderUnavailable(msg)
        call = Call(rooms.new_id(), rooms.surface, Nowhere(), rooms.now_ns())
        call.principal, call.kind, call.user = live.caller, EntryKind.OVERHEAD, live.user
        call.route = route
        call.body = {"model": rooms.deployment, "input": text}
        told = text if isinstance(text, str) else "".join(text)
        call.body_bytes = len(told.encode("utf-8", "replace"))
        call.view = rooms.surface.read(call.body)
        return call


def _vectors(body: bytes, count: int, dimensions: int) -> list["NDArray[np.float32]"]:
    """Read the vectors of so many texts, in their order."""
    try:
        told = _decode(body).data
    except msgspec.MsgspecError as error:
        raise EmbedderUnavailable("the embedder's answer holds no vector") from error
    if len(told) != count:
        msg = f"the embedder's answer holds {len(told)} vectors, not {count}"
        raise EmbedderUnavailable(msg)
    if count > 1:
        told = sorted(told, key=lambda one: one.index)
    return [_vector(one, dimensions) for one in told]


def _vector(told: _Vector, dimensions: int) -> "NDArray[np.float32]":
    vector = np.array(told.embedding, np.float32)
    if len(vector) != dimensions:
        msg = f"a vector of {len(vector)} numbers came, and {dimensions} `dimensions` are stated"
        raise EmbedderUnavailable(msg)
    length = float(np.sqrt(vector @ vector))
    return vector / np.float32(length) if length > 0.0 else vector
