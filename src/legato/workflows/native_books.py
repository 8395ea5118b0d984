"""The books of native batches: one hold for all of a batch, one entry for each of its lines.

There is no journal between: the durable run does a step again until it is recorded, and an entry
has the identity of its line, so what is entered again changes nothing. The hold is a lease of the
budget under the batch's own name, which outlives the process, and is what entries are paid from.
"""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from legato.core.clock import Clock
from legato.core.errors import BudgetExceeded, NotAccountable
from legato.core.leases import Leases, Limit, LimitKind, Wish
from legato.core.money import NanoUSD, display_usd
from legato.core.price import UNPRICED
from legato.core.principal import Principal
from legato.core.records import EntryKind, Facts, Settled, encode_record
from legato.core.usage import Usage, UsageSource
from legato.economics.cost import priced
from legato.economics.waterfall import Prices, waterfall
from legato.storage.ledger.ledger import Ledger
from legato.storage.runs.batches import BatchRecord
from legato.workflows.batches import PREFIX
from legato.workflows.native_lane import Lane, Prepared

_ENTRIES_AT_ONCE = 500


class Outcome(NamedTuple):
    """What a line used, and how that is known."""

    usage: Usage
    source: UsageSource
    status: str
    http_status: int = 0
    model_served: str = ""
    answered: bool = True


class Account(NamedTuple):
    """A batch: for whom it runs, on which lane, and under which hold, as `reserve` returned it."""

    record: BatchRecord
    lane: Lane
    principal: Principal
    hold: dict[str, Any]


class NativeBooks:
    """Blocking; every method may raise StorageUnavailable, and be called again."""

    def __init__(
        self, leases: Leases, ledger: Ledger, clock: Clock, *, config_version: str
    ) -> None:
        self._leases = leases
        self._ledger = ledger
        self._now_ns = clock.now_ns
        self._config_version = config_version

    def reserve(
        self, batch_id: str, principal: Principal, bounds: Iterable[NanoUSD | None]
    ) -> dict[str, Any]:
        """Hold what a batch may cost at most; return the hold, {} for a key without a budget.

        Raises:
            BudgetExceeded: it doesn't fit.
            NotAccountable: the price is unknown.
        """
        budget = principal.budget
        if budget is None:
            return {}
        total = 0
        for bound in bounds:
            if bound is None:
                msg = (
                    "The deployment has no price, or no known context to bound documents by "
                    "(capabilities.context_tokens), so this batch can't be held against the budget."
                )
                raise NotAccountable(msg)
            total += bound
        # a former life may have taken it and died before that was recorded
        self._ledger.writer_finished(batch_id)
        limit = Limit(LimitKind.BUDGET, budget.id, budget.limit, budget.window.value)
        (grant,) = self._leases.take([Wish(limit, total, total)], holder=batch_id)
        if grant.granted < total:
            msg = (
                f"Budget {budget.id} ({budget.window}) of ${display_usd(budget.limit)} can't hold "
                f"this batch: it may cost up to ${display_usd(NanoUSD(total))}, "
                f"${display_usd(NanoUSD(grant.settled))} is spent and "
                f"${display_usd(NanoUSD(grant.leased))} is set aside for running calls."
            )
            raise BudgetExceeded(msg)
        return {"budget_id": budget.id, "at_ns": grant.at_ns}

    def enter(self, account: Account, outcomes: Sequence[tuple[Prepared, str, Outcome]]) -> None:
        """Enter lines with their users' pseudonyms; those that are entered stay as they are."""
        for first in range(0, len(outcomes), _ENTRIES_AT_ONCE):
            payloads = [
                encode_record(self._settled(account, one))
                for one in outcomes[first : first + _ENTRIES_AT_ONCE]
            ]
            # named by what it holds, so that no clock decides whether it is new: it is the
            # entries' identity that keeps them from doubling
            content = blake2b(b"".join(payloads), digest_size=16).hexdigest()
            self._ledger.commit(f"{_lines(account.record.id)}{content}", 1, payloads)

    def release(self, batch_id: str) -> None:
        """Give back what is left of a batch's hold, and forget how far it was entered."""
        self._ledger.writer_finished(batch_id)
        self._ledger.forget_segments(_lines(batch_id))

    def _settled(self, account: Account, entered: tuple[Prepared, str, Outcome]) -> Settled:
        line, user, outcome = entered
        lane, hold = account.lane, account.hold
        baseline = priced(outcome.usage, lane.baseline_price) if outcome.answered else NanoUSD(0)
        return Settled(
            self._facts(account, line, user),
            EntryKind.USAGE if outcome.answered else EntryKind.RETRY,
            self._now_ns(),
            outcome.usage,
            outcome.source,
            priced(outcome.usage, lane.price),
            baseline,
            outcome.model_served,
            outcome.status,
            outcome.http_status,
            0,
            0,
            0,
            hold.get("budget_id", ""),
            hold.get("at_ns", 0),
            steps=_steps(lane, outcome),
        )

    def _facts(self, account: Account, line: Prepared, user: str) -> Facts:
        lane, principal = account.lane, account.principal
        return Facts(
            request_id(account.record, line.number),
            1,
            principal.org,
            principal.team,
            principal.feature,
            principal.key_id,
            user,
            principal.tags,
            lane.alias,
            lane.route,
            lane.deployment,
            lane.provider_name,
            lane.model,
            lane.region,
            UNPRICED if lane.price is None else lane.price.version,
            lane.baseline,
            self._config_version,
            lane.versions,
        )


def _steps(lane: Lane, outcome: Outcome) -> tuple[int, ...]:
    if not outcome.answered or lane.price is None or lane.baseline_price is None:
        return ()
    prices = Prices(lane.baseline_price, lane.listed_price or lane.price, lane.price)
    return waterfall(outcome.usage, prices)


def _lines(batch_id: str) -> str:
    """Return what the names of a batch's parts in the ledger's offsets begin with."""
    return f"{batch_id}/lines"


def is_held(hold: dict[str, Any]) -> bool:
    """Whether what `reserve` returned is a hold of a budget."""
    return "budget_id" in hold


def request_id(record: BatchRecord, index: int) -> str:
    """Return under which id a line stands in the ledger: the batch's own, and its place."""
    return f"{record.id.removeprefix(PREFIX)}-{index}"
