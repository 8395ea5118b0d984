"""How an organisation's floor of a route stands, for people to look at."""

from typing import Final, Protocol

import msgspec

from legato.routing.floor.evidence import greatest_loss
from legato.routing.floor.freedom import About, Floor, Terms, alpha_now
from legato.storage.registry.floors import FloorMove

MOVES_SHOWN: Final = 20


class FloorRecords(Protocol):
    """Where floors are kept; blocking."""

    def floor(self, about: About) -> Floor:
        """Return what is proven so far."""
        ...

    def moves(self, org: str, route: str, limit: int) -> list[FloorMove]:
        """Return the last changes of shares, newest first."""
        ...


class FloorStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What is proven. Losses are shares of answers worse, less those better.

    `loss_at_most` holds with a confidence of 1 - alpha, at all times together; None without a pair.
    """

    org: str
    route: str
    policy: str
    margin: float
    alpha: float
    share: float
    better: int
    equal: int
    worse: int
    mean_loss: float
    loss_at_most: float | None
    taken_back: int
    moves: list[FloorMove]


def floor_status(records: FloorRecords, about: About, terms: Terms) -> FloorStatus:
    """Return how a floor stands. Raises StorageUnavailable."""
    floor = records.floor(about)
    pairs = floor.pairs
    return FloorStatus(
        **about._asdict(),
        margin=terms.margin,
        alpha=terms.alpha,
        share=floor.share,
        better=pairs.better,
        equal=pairs.equal,
        worse=pairs.worse,
        mean_loss=pairs.mean_loss,
        loss_at_most=greatest_loss(pairs, alpha_now(floor, terms)) if pairs.count else None,
        taken_back=floor.taken_back,
        moves=records.moves(about.org, about.route, MOVES_SHOWN),
    )
