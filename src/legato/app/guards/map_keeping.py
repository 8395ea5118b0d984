"""Stores the redaction maps that policies keep: sealed and written behind a worker."""

from collections.abc import Callable, Sequence

from legato.app.guards.write_behind import WriteBehind
from legato.core.kept_maps import encode_values, map_context
from legato.gateway.guards.keeping import MapOffer
from legato.storage.kept.kept_maps import KeptMapIntake, SealedMap

Seal = Callable[[str, bytes, bytes], bytes]
MapQueue = WriteBehind[MapOffer]


def map_queue(intake: KeptMapIntake, seal: Seal) -> MapQueue:
    """Return what maps go to."""

    def write(offers: Sequence[MapOffer]) -> None:
        intake.put([_sealed(one, seal) for one in offers])

    return WriteBehind("redaction maps", write, _size)


def _sealed(offer: MapOffer, seal: Seal) -> SealedMap:
    head = offer.head
    values = encode_values(offer.values)
    return SealedMap(head, seal(head.org, values, map_context(head.request_id)))


def _size(offer: MapOffer) -> int:
    return sum(len(standing) + len(value) for standing, value in offer.values.items())
