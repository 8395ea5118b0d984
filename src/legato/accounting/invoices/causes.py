"""Why an invoice and the ledger differ: parts that come to the difference exactly.

The parts of a cell telescope: their amount, their usage at our price, the ledger's usage with what
had no price, its usage that had one, what that cost by each price, what the entries cost. Each part
is the difference of two neighbours, so nothing is lost whatever the causes are.
"""

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Final

import msgspec

from legato.accounting.imports.row import Charge
from legato.accounting.invoices.cells import (
    MS_PER_DAY,
    SLOT_MS,
    Billed,
    Cell,
    Grain,
    Ours,
    Spent,
    Theirs,
    added,
    classes_of,
    grain_of,
    less,
    our_cells,
    their_cells,
)
from legato.core.price import Price
from legato.core.usage import NO_USAGE, Usage
from legato.economics.cost import priced
from legato.economics.exchange import split

_SLOTS_WEST: Final = 24  # twelve hours
_SLOTS_EAST: Final = 28  # fourteen
_SHIFTED_CELLS_MIN: Final = 3
_EXPLAINED_PARTS: Final = 10
_PROVISIONED: Final = "provision"
_Maker = Callable[..., "Part"]


class Cause(StrEnum):
    """What a part of the difference comes from. Positive parts are billed and not in the ledger."""

    BYPASS = "bypass"  # usage that the ledger never saw
    UNBILLED = "unbilled"  # usage of the ledger that isn't billed
    UNPRICED = "unpriced"  # entries whose deployment had no price
    ESTIMATED = "estimated"  # entries whose usage the provider had not reported
    PRICE = "price"  # their unit price isn't ours
    ROUNDING = "rounding"
    DAY_SHIFT = "day_shift"  # their days are of another time zone
    CREDIT = "credit"
    COMMITMENT = "commitment"
    PROVISIONED = "provisioned"
    TAX = "tax"
    FEE = "fee"
    UNEXPLAINED = "unexplained"


class Part(msgspec.Struct, frozen=True):
    """A part of a difference, in nano-USD; `usage` where it is of tokens."""

    cause: Cause
    amount: int
    cell: Cell | None = None
    vendor_key: str = ""
    lines: tuple[int, ...] = ()
    usage: Usage = NO_USAGE


class Reconciliation(msgspec.Struct, frozen=True):
    """An invoice beside the ledger: `parts` come to `invoiced` minus `ledger` exactly."""

    invoiced: int
    ledger: int
    grain: Grain
    shift_ms: int
    """By how much their days begin earlier than UTC's."""
    parts: list[Part]

    @property
    def difference(self) -> int:
        """What is to be explained."""
        return self.invoiced - self.ledger

    def by_cause(self) -> dict[Cause, int]:
        """Return the sum of each cause there is."""
        found: dict[Cause, int] = {}
        for part in self.parts:
            found[part.cause] = found.get(part.cause, 0) + part.amount
        return found


class Terms(msgspec.Struct, frozen=True):
    """`window` is the invoice's span in UTC milliseconds; amounts are whole multiples of `unit`."""

    window: tuple[int, int]
    unit: int


def reconcile(lines: list[Billed], spent: list[Spent], terms: Terms) -> Reconciliation:
    """Explain an invoice by the ledger's entries of its span, and of a day around it."""
    grain = grain_of(lines)
    theirs = their_cells(lines, grain)
    plain = our_cells(spent, grain, 0, terms.window)
    shift_ms = _shift(theirs, spent, grain, terms.window)
    ours = our_cells(spent, grain, shift_ms, terms.window) if shift_ms else plain
    parts = [part for line in lines if (part := _own_part(line)) is not None]
    for cell in sorted({*theirs, *ours, *plain}, key=_order):
        moved = _cost(ours, cell) - _cost(plain, cell)
        if moved:
            parts.append(Part(Cause.DAY_SHIFT, moved, cell))
        parts.extend(_explained(cell, theirs.get(cell), ours.get(cell), terms.unit))
    invoiced = sum(line.cost for line in lines)
    ledger = sum(one.cost for one in plain.values())
    parts = [part for part in parts if part.amount]
    rest = invoiced - ledger - sum(part.amount for part in parts)
    if rest:
        parts.append(Part(Cause.UNEXPLAINED, rest))
    return Reconciliation(invoiced, ledger, grain, shift_ms, parts)


def _own_part(line: Billed) -> Part | None:
    """Return the part that a line is by itself: no usage, or usage of a key that isn't ours."""
    row = line.row
    if row.charge is Charge.USAGE:
        if line.provider is not None:
            return None
        return Part(Cause.BYPASS, line.cost, vendor_key=row.key, lines=(row.line,), usage=row.usage)
    cause = _BY_CHARGE[row.charge]
    if cause is Cause.COMMITMENT and _PROVISIONED in f"{row.service} {row.sku}".lower():
        cause = Cause.PROVISIONED
    return Part(cause, line.cost, vendor_key=row.key, lines=(row.line,))


_BY_CHARGE: Final[dict[Charge, Cause]] = {
    Charge.CREDIT: Cause.CREDIT,
    Charge.REFUND: Cause.CREDIT,
    Charge.COMMITMENT: Cause.COMMITMENT,
    Charge.TAX: Cause.TAX,
    Charge.ROUNDING: Cause.ROUNDING,
    Charge.FEE: Cause.FEE,
}


def _shift(
    theirs: Mapping[Cell, Theirs], spent: list[Spent], grain: Grain, window: tuple[int, int]
) -> int:
    """Return the shift of days under which both sides' usage differs least.

    It is concluded only where several cells differ without it and it explains nearly all of that:
    a single entry near midnight proves no zone.
    """
    if not grain.by_day or not any(cell.usage.total_tokens for cell in theirs.values()):
        return 0

    def apart(slot: int) -> list[int]:
        ours = our_cells(spent, grain, slot * SLOT_MS, window)
        return [_apart(theirs.get(cell), ours.get(cell)) for cell in {*theirs, *ours}]

    plain = [one for one in apart(0) if one]
    if len(plain) < _SHIFTED_CELLS_MIN:
        return 0
    slots = sorted(range(-_SLOTS_WEST, _SLOTS_EAST + 1), key=lambda slot: (abs(slot), slot))
    distance, _, best = min((sum(apart(slot)), at, slot) for at, slot in enumerate(slots))
    return best * SLOT_MS if distance * _EXPLAINED_PARTS <= sum(plain) else 0


def _apart(theirs: Theirs | None, ours: Ours | None) -> int:
    used = NO_USAGE if theirs is None else theirs.usage
    held = NO_USAGE if ours is None else added((ours.usage, ours.unpriced))
    return sum(abs(one) for one in classes_of(less(used, held)))


def _explained(cell: Cell, theirs: Theirs | None, ours: Ours | None, unit: int) -> Iterable[Part]:
    if theirs is None and ours is None:
        return
    theirs, ours = theirs or Theirs(), ours or Ours()
    lines = tuple(theirs.lines)

    def part(cause: Cause, amount: int, usage: Usage = NO_USAGE) -> Part:
        return Part(cause, amount, cell, lines=lines, usage=usage)

    if not ours.entries:
        yield part(Cause.BYPASS, theirs.cost, theirs.usage)
    elif not lines:
        yield part(Cause.UNBILLED, -ours.cost, ours.usage)
    elif ours.price is None or not theirs.usage.total_tokens + theirs.usage.units:
        yield from _by_cost(theirs, ours, part, unit)
    else:
        yield from _by_usage(theirs, ours, part, unit)


def _by_cost(theirs: Theirs, ours: Ours, part: _Maker, unit: int) -> Iterable[Part]:
    """Explain where there is no usage to compare, or no price to value it."""
    difference = theirs.cost - ours.cost
    unpriced = ours.unpriced != NO_USAGE
    if unpriced and not ours.cost and theirs.usage.total_tokens:
        more = [max(one, 0) for one in classes_of(less(theirs.usage, ours.unpriced))]
        shares = [ours.unpriced.total_tokens, sum(more[:-1])]
        known, beside = split(difference, shares)
        yield part(Cause.UNPRICED, known, ours.unpriced)
        yield part(Cause.BYPASS, beside, Usage(*more))
    elif abs(difference) <= _tolerance(theirs, ours, unit):
        yield part(Cause.ROUNDING, difference)
    elif unpriced:
        yield part(Cause.UNPRICED, difference, ours.unpriced)
    elif ours.estimated:
        yield part(Cause.ESTIMATED, difference)
    else:
        yield part(Cause.UNEXPLAINED, difference)


def _by_usage(theirs: Theirs, ours: Ours, part: _Maker, unit: int) -> Iterable[Part]:
    price = ours.price
    if price is None:
        return
    held = ours.usage
    every = added((held, ours.unpriced))
    at_theirs, at_every, at_held = (_value(one, price) for one in (theirs.usage, every, held))
    own = sum(cost if by is None else _value(usage, by) for by, usage, cost in ours.priced)
    yield part(Cause.ROUNDING, own - ours.cost)
    billed, versions = theirs.cost - at_theirs, at_held - own
    even = abs(billed) <= _tolerance(theirs, ours, unit)
    yield part(Cause.ROUNDING if even else Cause.PRICE, billed)
    yield part(Cause.PRICE, versions)
    yield part(Cause.UNPRICED, at_every - at_held, ours.unpriced)
    rest = less(theirs.usage, every)
    if ours.estimated:
        yield part(Cause.ESTIMATED, at_theirs - at_every, rest)
        return
    more, fewer = (Usage(*(max(sign * one, 0) for one in classes_of(rest))) for sign in (1, -1))
    beside = _value(added((every, more)), price) - at_every
    yield part(Cause.BYPASS, beside, more)
    yield part(Cause.UNBILLED, at_theirs - at_every - beside, fewer)


def _tolerance(theirs: Theirs, ours: Ours, unit: int) -> int:
    """Return how far roundings alone can take both apart: half a unit a line, and our own."""
    return len(theirs.lines) * (unit // 2) + ours.entries


def _value(usage: Usage, price: Price) -> int:
    return priced(usage, price, 0, price.unit) or 0


def _cost(cells: Mapping[Cell, Ours], cell: Cell) -> int:
    found = cells.get(cell)
    return 0 if found is None else found.cost


def _order(cell: Cell) -> tuple[str, str, int]:
    return cell.provider, cell.model, cell.day or 0


def smallest_unit(amounts: Iterable[int]) -> int:
    """Return the largest power of ten, up to a cent, that all amounts are multiples of."""
    unit = 10_000_000
    for amount in amounts:
        while unit > 1 and amount % unit:
            unit //= 10
    return unit


def span_of(lines: Iterable[Billed]) -> tuple[int, int]:
    """Return the UTC milliseconds that usage lines span: whole days where they tell days apart.

    Raises:
        ValueError: there is no usage line.
    """
    usage = [line for line in lines if line.row.charge is Charge.USAGE]
    if not usage:
        msg = "no line of the invoice is of usage"
        raise ValueError(msg)
    rows = [line.row for line in usage]
    if not grain_of(usage).by_day:
        return min(row.start_ms for row in rows), max(row.end_ms for row in rows)
    days = [(row.start_ms + row.end_ms) // 2 // MS_PER_DAY for row in rows]
    return min(days) * MS_PER_DAY, (max(days) + 1) * MS_PER_DAY
