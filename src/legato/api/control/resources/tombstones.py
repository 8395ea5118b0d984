"""What was revoked or erased, and how its copies elsewhere stand."""

from litestar.di import NamedDependency as Given

from legato.api.control.access import read
from legato.api.control.forms import Shown, optional_moment
from legato.api.control.services import Services
from legato.core.permission import Permission


class ShownTombstoneCopy(Shown, frozen=True, kw_only=True):
    """A copy: how many tombstones it lacks, and why it fails, null where it doesn't."""

    name: str
    batches: int
    waiting: int
    at: str | None
    problem: str | None


class ShownTombstones(Shown, frozen=True, kw_only=True):
    """How many there are, and each copy of the configuration."""

    tombstones: int
    copies: list[ShownTombstoneCopy]


@read("/tombstones", Permission.TOMBSTONE_READ, tags=["privacy"])
def get_tombstones(services: Given[Services]) -> ShownTombstones:
    """Show how many tombstones there are, and how each copy stands."""
    store, names = services.tombstones()
    copies = []
    for name in names:
        state = store.state(name)
        copies.append(
            ShownTombstoneCopy(
                name=name,
                batches=state.batches,
                waiting=store.count(state.last_id),
                at=optional_moment(state.at_ns or None),
                problem=state.told or None,
            )
        )
    return ShownTombstones(tombstones=store.count(), copies=copies)


HANDLERS = (get_tombstones,)
