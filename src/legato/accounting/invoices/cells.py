"""Both sides of an invoice at its own granularity: vendor key, model, day where it has days."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

import msgspec

from legato.accounting.imports.row import Charge, UsageRow
from legato.core.price import Price
from legato.core.usage import NO_USAGE, USAGE_CLASSES, Usage

MS_PER_DAY: Final = 86_400_000
SLOT_MS: Final = 1_800_000
"""The ledger is read by half hours: no time zone lies between."""
_DAY_MS_MAX: Final = 25 * 3_600_000
ANY: Final = ""
"""Of a model or day that the invoice doesn't tell apart."""


class Cell(NamedTuple):
    """What is compared: a provider of ours (by the vendor's key), a model, a day from 1970."""

    provider: str
    model: str
    day: int | None


class Spent(msgspec.Struct, frozen=True):
    """What the ledger has of one provider, model and half hour, at one price, of one sort.

    `cost` is nano-USD, None for usage without a price; `estimated` was not reported.
    """

    provider: str
    model: str
    slot: int
    usage: Usage
    cost: int | None
    entries: int = 1
    estimated: bool = False
    price: Price | None = None
    served: str = ""


class Ours(msgspec.Struct):
    """The ledger's side of a cell."""

    cost: int = 0
    entries: int = 0
    priced: list[tuple[Price | None, Usage, int]] = msgspec.field(default_factory=list)
    """Usage by the price it was charged at, with its cost."""
    unpriced: Usage = NO_USAGE
    estimated: bool = False

    @property
    def usage(self) -> Usage:
        """All that has a price."""
        return added(usage for _, usage, _ in self.priced)

    @property
    def price(self) -> Price | None:
        """The one that most was charged at."""
        known = [(cost, price.version, price) for price, _, cost in self.priced if price]
        return max(known, key=lambda one: one[:2])[2] if known else None


class Theirs(msgspec.Struct):
    """The invoice's side of a cell: amounts in nano-USD, usage where the lines say it."""

    cost: int = 0
    usage: Usage = NO_USAGE
    lines: list[int] = msgspec.field(default_factory=list)


class Billed(NamedTuple):
    """A line of an invoice with its amount in nano-USD, and whose provider its key is of."""

    row: UsageRow
    cost: int
    provider: str | None
    """None for a key that none of our providers has."""


class Grain(NamedTuple):
    """Whether the invoice tells models and days apart."""

    by_model: bool
    by_day: bool


def grain_of(lines: Iterable[Billed]) -> Grain:
    """Say what all of its usage lines tell apart."""
    rows = [line.row for line in lines if line.row.charge is Charge.USAGE]
    return Grain(
        by_model=bool(rows) and all(row.model for row in rows),
        by_day=bool(rows) and all(row.end_ms - row.start_ms <= _DAY_MS_MAX for row in rows),
    )


def their_cells(lines: Iterable[Billed], grain: Grain) -> dict[Cell, Theirs]:
    """Add up usage lines whose key is ours."""
    found: dict[Cell, Theirs] = defaultdict(Theirs)
    for line in lines:
        if line.row.charge is not Charge.USAGE or line.provider is None:
            continue
        row = line.row
        # a day of another zone begins within a UTC day: the one that holds its noon is meant
        day = (row.start_ms + row.end_ms) // 2 // MS_PER_DAY if grain.by_day else None
        cell = found[Cell(line.provider, row.model if grain.by_model else ANY, day)]
        cell.cost += line.cost
        cell.usage = added((cell.usage, row.usage))
        cell.lines.append(row.line)
    return dict(found)


def our_cells(
    spent: Iterable[Spent], grain: Grain, shift_ms: int, window: tuple[int, int]
) -> dict[Cell, Ours]:
    """Add up the ledger's side, its days moved by a shift, within a window of milliseconds."""
    found: dict[Cell, Ours] = defaultdict(Ours)
    first, last = window
    for one in spent:
        at = one.slot * SLOT_MS + shift_ms
        if not first <= at < last:
            continue
        day = at // MS_PER_DAY if grain.by_day else None
        cell = found[Cell(one.provider, one.model if grain.by_model else ANY, day)]
        cell.entries += one.entries
        if one.cost is None:
            cell.unpriced = added((cell.unpriced, one.usage))
            continue
        cell.cost += one.cost
        cell.estimated = cell.estimated or one.estimated
        _add(cell, one)
    return dict(found)


def _add(cell: Ours, one: Spent) -> None:
    for at, (price, usage, cost) in enumerate(cell.priced):
        if price == one.price:
            cell.priced[at] = (price, added((usage, one.usage)), cost + (one.cost or 0))
            return
    cell.priced.append((one.price, one.usage, one.cost or 0))


def named_as(spent: Iterable[Spent], models: Mapping[str, str]) -> list[Spent]:
    """Return the ledger's side with models called as the invoice calls them, where it does.

    `models` are the invoice's by what `same_name` makes of them.
    """
    found = []
    for one in spent:
        name = models.get(same_name(one.served)) or models.get(same_name(one.model)) or one.model
        found.append(one if name == one.model else msgspec.structs.replace(one, model=name))
    return found


def same_name(model: str) -> str:
    """Return a model's name as far as vendors write it in one way."""
    return model.rpartition("/")[2].lower()


def added(usages: Iterable[Usage]) -> Usage:
    """Return the sum."""
    total = [0] * len(USAGE_CLASSES)
    for usage in usages:
        for at, name in enumerate(USAGE_CLASSES):
            total[at] += getattr(usage, name)
    return Usage(*total)


def less(one: Usage, other: Usage) -> Usage:
    """Return the difference, which may be negative."""
    return Usage(*(getattr(one, name) - getattr(other, name) for name in USAGE_CLASSES))


def classes_of(usage: Usage) -> list[int]:
    """Return the numbers of all classes."""
    return [getattr(usage, name) for name in USAGE_CLASSES]
