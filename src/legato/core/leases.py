"""What is leased of limits, in slices, by the processes that spend them.

`settled + leased <= limit` holds at every grant, whatever the number of processes. Windows run
on the store's clock, and so do all times below.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol


class LimitKind(StrEnum):
    """What a counter counts. What the first two have settled derives from the ledger."""

    BUDGET = "budget"  # nano-USD
    TOKENS = "tokens"
    RATE = "rate"  # requests in a window
    SLOTS = "slots"  # requests at the same time


LEDGERED = frozenset({LimitKind.BUDGET, LimitKind.TOKENS})
"""Kinds whose leases end by entries of the ledger."""
_TOKENS_PREFIX = "tokens:"


def kind_in_ledger(limit_id: str) -> LimitKind:
    """Return what is counted against a limit that an entry names."""
    return LimitKind.TOKENS if limit_id.startswith(_TOKENS_PREFIX) else LimitKind.BUDGET


class Limit(NamedTuple):
    """One counter: at most `limit` in each window of `span`.

    `span` is `day`, `week`, `month`, `total`, the seconds of a fixed window (`60`), or
    `rolling/SECONDS/PARTS`: a window that moves on by its parts. No text of it changes its
    meaning, as counters are named by it. Slots have `total`. An id has no white space, and that of
    a limit in tokens begins with `tokens:`. A soft limit grants all that is wanted.
    """

    kind: LimitKind
    id: str
    limit: int
    span: str
    soft: bool = False


class Wish(NamedTuple):
    """Up to `want` of a limit, or nothing where not even `at_least` fits.

    With neither, it asks how the limit stands.
    """

    limit: Limit
    want: int
    at_least: int = 1


class Grant(NamedTuple):
    """What was given, and how the limit stands after it. `granted` may be 0.

    `window_start_ns` names the window, or the part of a rolling one, that the lease is of. From
    `resets_at_ns` on there is another one: what is left of the lease is void then, though one of a
    rolling window counts until it is given back. None where the window never ends. `settled` and
    `leased` are of the window, all parts of a rolling one together.
    """

    granted: int
    settled: int
    leased: int
    limit: int
    window_start_ns: int
    resets_at_ns: int | None
    at_ns: int
    frees_at_ns: int | None = None
    """When time alone makes room again: the end of the window, or the first part of a rolling one
    to leave it. None where it never does."""


class Returned(NamedTuple):
    """What is left of a lease, in the window it was granted in.

    Without a span, it is of any window that began then.
    """

    kind: LimitKind
    limit_id: str
    window_start_ns: int
    amount: int
    span: str = ""


class Leases(Protocol):
    """Grants and takes back. Every method blocks and may raise StorageUnavailable."""

    def take(self, wishes: Sequence[Wish], *, holder: str) -> list[Grant]:
        """Lease from all these limits or from none of them, in one step.

        Returns how each stands, in the order of the wishes. Where one hard limit has not
        `at_least`, nothing is granted of any.
        """
        ...

    def give_back(self, returned: Sequence[Returned], *, holder: str) -> None:
        """Take back at most what a holder has; what is of a window that is gone is ignored."""
        ...

    def release_holder(self, holder: str) -> None:
        """Take back the slots of a dead process.

        Its leases of budgets and tokens go back when its journal is in the ledger, its rates with
        their window: what it had spent of them can't be known before.
        """
        ...


def falls_short(wish: Wish, grant: Grant) -> bool:
    """Whether a wish that was granted nothing is one that had no room."""
    free = grant.limit - grant.settled - grant.leased
    return not (wish.limit.soft or grant.granted) and free < wish.at_least
