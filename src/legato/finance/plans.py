"""Plans: what books and ledger say, and what that comes to."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from legato.core.clock import Clock
from legato.core.errors import InvalidRequest
from legato.core.money import NanoUSD, exact_usd
from legato.core.tenant import Tenant
from legato.economics.finance.assumptions import Book, Input, Tag, said_input
from legato.economics.finance.entries import EntryKind
from legato.economics.finance.figures import PlanFigures
from legato.economics.finance.flows import whole
from legato.economics.finance.planning import METHOD, NEEDED
from legato.economics.finance.uncertainty import METHOD as RANGES_METHOD
from legato.economics.finance.uncertainty import cases, drawn, tornado
from legato.finance.books import FinanceBooks
from legato.finance.spent import SumsOf
from legato.finance.window import DAYS, window
from legato.storage.finance.entries import EntryFilter, EntrySum

DRAWS: Final = 500
DRAWS_MAX: Final = 5_000
_LEDGERS: Final = ("before.ai_usd_month", "after.ai_usd_month")
_HELD_BY_BOOKS: Final = ("before.labour_usd_month", "after.labour_usd_month", "benefits.usd_month")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan is asked for: over which days, with which figures said instead of those kept."""

    days: int = DAYS
    on: str = ""
    assume: Mapping[str, str] = {}
    seed: int = 1
    draws: int = DRAWS
    now_ns: int = 0
    """Up to when the ledger's days count; 0 is now."""


def asked_book(books: FinanceBooks, tenant: Tenant, asked: Asked) -> Book:
    """Return the figures that hold, with those that were said. Raises InvalidRequest."""
    said = {name: said_input(name, value) for name, value in asked.assume.items()}
    return Book(books.held(tenant, asked.on), said)


def assumed(texts: Sequence[str]) -> dict[str, str]:
    """Read `NAME=VALUE` texts. Raises InvalidRequest."""
    found = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or not name or not value:
            raise InvalidRequest(f"assume: write NAME=VALUE, not {text!r}", param="assume")
        found[name.strip()] = value.strip()
    return found


class Imported(msgspec.Struct, frozen=True):
    """A month of models before Legato, by imported usage; in nano-USD."""

    usd: int
    told: str
    is_measured: bool
    """Whether every line says its cost: no list price is among them."""


ImportedOf = Callable[[Tenant], Imported | None]


class Plans:
    """Makes plans of one organisation at a time. Every method may raise StorageUnavailable."""

    def __init__(
        self,
        books: FinanceBooks,
        sums: SumsOf,
        clock: Clock,
        imported: ImportedOf = lambda _: None,
    ) -> None:
        self._books = books
        self._sums = sums
        self._clock = clock
        self._imported = imported

    def plan(self, tenant: Tenant, asked: Asked) -> PlanFigures:
        """Return costs before and after, what they are worth, and what that rests on.

        Raises:
            InvalidRequest: a figure is missing, naming it and how to say it.
        """
        if not 0 <= asked.draws <= DRAWS_MAX:
            raise InvalidRequest(f"draws: between 0 and {DRAWS_MAX}", param="draws")
        book = asked_book(self._books, tenant, asked)
        self._learn_imports(book, tenant)
        self._learn_ledger(book, tenant, asked)
        self._learn_books(book, tenant)
        inputs = [book.need(name) for name in NEEDED]
        swings = tornado(inputs)
        return PlanFigures(
            org=tenant.org,
            currency="USD",
            discount_rate=book.need("discount.rate_year").value,
            cases=cases(inputs, swings),
            tornado=swings,
            draws=drawn(inputs, asked.seed, asked.draws) if asked.draws else None,
            inputs=book.used,
            method=[*METHOD, RANGES_METHOD],
        )

    def _learn_imports(self, book: Book, tenant: Tenant) -> None:
        """What was really billed before goes before what baselines would have charged."""
        name = _LEDGERS[0]
        if book.has(name) or (found := self._imported(tenant)) is None:
            return
        tag = Tag.MEASURED if found.is_measured else Tag.ASSUMED
        book.learn(_read(name, Decimal(found.usd), found.told, tag))

    def _learn_ledger(self, book: Book, tenant: Tenant, asked: Asked) -> None:
        if all(book.has(name) for name in _LEDGERS):
            return
        sums = self._sums(tenant)
        found = window(sums, asked.now_ns or self._clock.now_ns(), asked.days)
        total = sums.total(found.span)
        unpriced = f", {total.unpriced} attempts without a price" if total.unpriced else ""
        told = f"{found.told}, {total.requests} requests{unpriced}, times {found.to_month:.4f}"
        baseline = f"{told}: what the baselines would have charged, modelled"
        book.learn(_read("before.ai_usd_month", total.baseline_cost * found.to_month, baseline))
        spent = _read("after.ai_usd_month", total.cost * found.to_month, told, Tag.MEASURED)
        book.learn(spent)

    def _learn_books(self, book: Book, tenant: Tenant) -> None:
        labour = self._sums_of(EntryKind.LABOUR, tenant)
        for name, phase in (
            ("before.labour_usd_month", "before"),
            ("after.labour_usd_month", "after"),
        ):
            running = (f"{phase} run", f"{phase} review")
            book.learn(_mean(name, [one for one in labour if one.what in running], "labour"))
        built = sum(one.usd for one in labour if one.what.endswith("build"))
        if built:
            book.learn(_read("initial.usd", Decimal(built), "labour of building", Tag.MEASURED))
        benefits = self._sums_of(EntryKind.BENEFIT, tenant)
        book.learn(_mean("benefits.usd_month", benefits, "benefits"))
        for name in ("before.other_usd_month", "after.other_usd_month"):
            book.learn(_read(name, Decimal(0), "nobody said any"))

    def _sums_of(self, kind: EntryKind, tenant: Tenant) -> list[EntrySum]:
        return self._books.stores.entries(kind, tenant).sums(EntryFilter())


def _mean(name: str, found: Sequence[EntrySum], what: str) -> Input:
    """Return the mean of the months that have entries."""
    months = sorted({one.period for one in found})
    if not months:
        return _read(name, Decimal(0), f"no {what} in the books")
    total, rows = sum(one.usd for one in found), sum(one.rows for one in found)
    told = f"{rows} entries of {what}, mean of {len(months)} months, {months[0]} to {months[-1]}"
    return _read(name, Decimal(total) / len(months), told, Tag.MEASURED)


def _read(name: str, nano: Decimal, source: str, tag: Tag = Tag.ASSUMED) -> Input:
    unit = "USD" if name == "initial.usd" else "USD per month"
    value = exact_usd(NanoUSD(whole(nano)))
    return Input(name=name, value=value, unit=unit, tag=tag.value, source=source)
