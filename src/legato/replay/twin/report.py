"""What a run of the twin says: worlds side by side, what differs, and how far to trust it."""

from collections.abc import Mapping

import msgspec

from legato.replay.twin.accounts import Breach
from legato.replay.twin.intervals import Differences
from legato.replay.twin.measures import Groups


class Closing(msgspec.Struct, frozen=True):
    """Whether the recorded world's cost is the ledger's. Amounts are nano-USD.

    `difference` is `read` minus `ledger`. `left_out_requests` could be asked of no world; what they
    cost is `left_out_cost`, so that `read` is the recorded world plus that.
    """

    ledger: int
    read: int
    difference: int
    left_out_requests: int
    left_out_cost: int
    left_out: Mapping[str, int]


class TrafficTold(msgspec.Struct, frozen=True, kw_only=True):
    """What the worlds were given. `guessed` had no answer for real: theirs is drawn."""

    source: str
    requests: int
    started_ns: int
    span_us: int
    guessed: int
    untraced: int


class WorldTold(msgspec.Struct, frozen=True, kw_only=True):
    """One world's figures. `differences` are to the world as it is."""

    name: str
    load: float
    groups: Groups
    breaches: list[Breach]
    differences: Differences | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The whole. `recorded` and `closing` are None for traffic from a file."""

    scenario: str
    seed: int
    traffic: TrafficTold
    recorded: Groups | None
    closing: Closing | None
    as_is: WorldTold
    candidates: list[WorldTold]
    quality: str
    measured: list[str]
    modelled: list[str]
    assumed: list[str]


QUALITY = (
    "unknown: no evaluation compares these deployments on this traffic, and nothing is made up"
)
