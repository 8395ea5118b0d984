"""Corrections of entries by hand."""

from typing import Annotated

from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, Parameter
from litestar.response import Response
from msgspec import Meta

from legato.api.control.access import Caller, make, read
from legato.api.control.accounting.periods import Org
from legato.api.control.forms import Form, Id, Shown, known_id, moment, optional_moment, usd
from legato.api.control.once import Made, Once
from legato.api.control.paging import LIMIT, Cursor, Limit, paged
from legato.api.control.services import Services
from legato.core.config_parts import Dollars
from legato.core.errors import InvalidRequest
from legato.core.money import amount
from legato.core.permission import Permission
from legato.storage.accounting.corrections import Correction, Wanted

Usd = Annotated[Dollars, Meta(max_length=24)]
_DIGITS = 19
EntryId = Annotated[str, Parameter(max_length=64, description="The id of an entry.")]


class NewCorrection(Form, frozen=True, kw_only=True):
    """What an entry did cost; `baseline_usd` stays as it was where it is left out."""

    cost_usd: Usd
    baseline_usd: Usd | None = None
    reason: Annotated[str, Meta(min_length=1, max_length=500)]


class EntryCorrection(Shown, frozen=True, kw_only=True):
    """A correction: `asked` while it waits for somebody else, then `posted` or `refused`."""

    id: str
    entry: int
    cost_usd: str | None
    baseline_usd: str | None
    reason: str
    source: str
    state: str
    asked_by: str
    asked_at: str
    decided_by: str
    decided_at: str | None
    reversal: int | None
    replacement: int | None


class CorrectionPage(Shown, frozen=True, kw_only=True):
    """A page of corrections, newest first."""

    data: list[EntryCorrection]
    next_cursor: str | None


@make("/ledger/entries/{entry_id:str}/correct", Permission.ENTRY_CORRECT, tags=["accounting"])
def correct_entry(
    services: Given[Services],
    caller: Given[Caller],
    *,
    once: Given[Once],
    entry_id: EntryId,
    data: JSONBody[NewCorrection],
    org: Org = None,
) -> Response[EntryCorrection]:
    """Reverse an entry and enter what replaces it, or ask for somebody's approval."""

    def work() -> Made:
        baseline = data.baseline_usd
        wanted = Wanted(
            entry_id=_entry(entry_id),
            cost=_amount(data.cost_usd, "cost_usd"),
            baseline_cost=None if baseline is None else _amount(baseline, "baseline_usd"),
            reason=data.reason,
        )
        rooms = services.accounting(caller.tenant(org))
        return Made(_shown(rooms.corrections.correct(wanted)))

    return once(data, work)


@read("/ledger/corrections", Permission.BOOKS_READ, tags=["accounting"])
def list_corrections(
    services: Given[Services],
    caller: Given[Caller],
    *,
    cursor: Cursor = None,
    limit: Limit = LIMIT,
    org: Org = None,
) -> CorrectionPage:
    """List corrections by hand, newest first."""
    tenant = caller.tenant(org)
    store = services.accounting(tenant).corrections
    rows, following = paged(
        services.cursors,
        f"corrections {tenant.org}",
        (cursor, limit),
        lambda count, before: store.page(count, before or ""),
        name=lambda one: one.id,
    )
    return CorrectionPage(data=[_shown(one) for one in rows], next_cursor=following)


@make(
    "/ledger/corrections/{correction_id:str}/approve",
    Permission.CORRECTION_DECIDE,
    tags=["accounting"],
    status_code=200,
)
def approve_correction(
    services: Given[Services],
    caller: Given[Caller],
    *,
    once: Given[Once],
    correction_id: Id,
    org: Org = None,
) -> Response[EntryCorrection]:
    """Approve a correction that somebody else asked for."""
    store = services.accounting(caller.tenant(org)).corrections
    return once(
        None,
        lambda: Made(_shown(store.decide(known_id(correction_id), approve=True)), status=200),
    )


@make(
    "/ledger/corrections/{correction_id:str}/refuse",
    Permission.CORRECTION_DECIDE,
    tags=["accounting"],
    status_code=200,
)
def refuse_correction(
    services: Given[Services],
    caller: Given[Caller],
    *,
    once: Given[Once],
    correction_id: Id,
    org: Org = None,
) -> Response[EntryCorrection]:
    """Refuse a correction that was asked for."""
    store = services.accounting(caller.tenant(org)).corrections
    return once(
        None,
        lambda: Made(_shown(store.decide(known_id(correction_id), approve=False)), status=200),
    )


HANDLERS = (correct_entry, list_corrections, approve_correction, refuse_correction)


def _shown(one: Correction) -> EntryCorrection:
    return EntryCorrection(
        id=one.id,
        entry=one.entry_id,
        cost_usd=usd(one.cost),
        baseline_usd=usd(one.baseline_cost),
        reason=one.reason,
        source=one.source,
        state=one.state,
        asked_by=one.asked_by,
        asked_at=moment(one.asked_at_ns),
        decided_by=one.decided_by,
        decided_at=optional_moment(one.decided_at_ns),
        reversal=one.reversal_id,
        replacement=one.replacement_id,
    )


def _entry(text: str) -> int:
    # ids are numbers of the ledger's: 0 is none
    return int(text) if len(text) < _DIGITS and text.isascii() and text.isdigit() else 0


def _amount(text: str, field: str) -> int:
    try:
        return amount(text)
    except ValueError as error:
        raise InvalidRequest(f"{field}: {error}", param=field) from None
