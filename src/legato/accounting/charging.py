"""Charging a period: entries by day in the report's currency, by the rules that hold for it."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from typing import Any, Final

import msgspec

from legato.accounting.books import Books, PeriodState
from legato.core.money import NanoUSD, exact_usd
from legato.economics.chargeback import UNASSIGNED, Accounts, Group, Statement, statement
from legato.economics.exchange import USD, Exchange, Used, split, whole_cents
from legato.storage.accounting.costs import CostGroup, CostStore, RulesVersion
from legato.storage.accounting.rates import RateStore

_NS_PER_S: Final = 1_000_000_000
_CENT: Final = 10_000_000
_CENTS_SHOWN: Final = -7
UNASSIGNED_SHOWN: Final = "(unassigned)"
JOURNAL_COLUMNS: Final = (
    "date", "period", "account", "cost_centre", "debit", "credit", "currency", "text",
)  # fmt: skip


class ChargedPeriod(msgspec.Struct, frozen=True, kw_only=True):
    """What cost centres bear of a period, in a currency."""

    state: PeriodState
    currency: str
    rules: RulesVersion
    statement: Statement
    accrued: int
    """Of what is charged, in the currency: no invoice has billed it yet."""
    rates: tuple[Used, ...]


class Posting(msgspec.Struct, frozen=True):
    """A line of a journal; one of debit and credit is 0. Billionths of whole cents."""

    account: str
    cost_centre: str
    debit: int
    credit: int
    text: str


class Charging:
    """One organisation's. Blocking; every method may raise StorageUnavailable."""

    def __init__(self, books: Books, costs: CostStore, rates: RateStore) -> None:
        self._books = books
        self._costs = costs
        self._rates = rates

    def charge(self, name: str, currency: str | None = None) -> ChargedPeriod:
        """Charge a period, in the currency of the books where none is said.

        Raises:
            NotFound: there is no such period, or no rules hold for it.
            InvalidRequest: a rate is missing.
        """
        view = self._books.show(name)
        period = view.state.period
        currency = currency or self._books.terms().currency
        first, last = _day(period.start_ns), _day(period.end_ns - 1)
        rules = self._costs.rules(last)
        exchange = Exchange([] if currency == USD else self._rates.between(first, last))
        found = list(self._costs.groups(period.start_ns, period.end_ns))
        charged = statement(list(converted(found, exchange, currency)), rules.rules)
        usd = sum(one.cost for one in found)
        accrued = charged.spent
        if usd:
            accrued = split(charged.spent, [view.accrued, max(usd - view.accrued, 0)])[0]
        return ChargedPeriod(
            state=view.state,
            currency=currency,
            rules=rules,
            statement=charged,
            accrued=accrued,
            rates=tuple(sorted(exchange.used.values())),
        )


def converted(found: Iterable[CostGroup], exchange: Exchange, currency: str) -> Iterator[Group]:
    """Convert what a day cost by its rate, and divide that among the day's groups exactly."""
    days: dict[date, list[CostGroup]] = defaultdict(list)
    for one in found:
        days[one.day].append(one)
    for day, groups in days.items():
        for amount, one in zip(_amounts(groups, exchange, currency, day), groups, strict=True):
            yield Group(one.fields, one.tags, amount, one.requests, one.tokens)


def _amounts(groups: list[CostGroup], exchange: Exchange, currency: str, day: date) -> list[int]:
    if currency == USD:
        return [one.cost for one in groups]
    # what was spent and what was reversed each keep their sign
    spent = [max(one.cost, 0) for one in groups]
    reversed_ = [max(-one.cost, 0) for one in groups]
    plus, minus = ([0] * len(groups) for _ in range(2))
    if any(spent):
        plus = split(exchange.converted(sum(spent), currency, day), spent)
    if any(reversed_):
        minus = split(exchange.converted(sum(reversed_), currency, day), reversed_)
    return [one - other for one, other in zip(plus, minus, strict=True)]


def postings(charged: ChargedPeriod) -> list[Posting]:
    """Return the lines of a journal in whole cents: debits come to credits exactly."""
    accounts = charged.rules.rules.accounts
    found: dict[tuple[str, str, str], int] = defaultdict(int)
    for one in charged.statement.charges:
        found[one.account, one.cost_centre or UNASSIGNED_SHOWN, one.pool] += one.amount
    amounts = list(found.values())
    total = whole_cents(sum(amounts))
    cents = _to_cents(amounts, total)
    lines = [
        _line(account, centre, amount, f"AI usage{', ' + pool if pool else ''}")
        for (account, centre, pool), amount in zip(found, cents, strict=True)
        if amount
    ]
    return [*lines, *_against(accounts, total, min(whole_cents(charged.accrued), total))]


def _against(accounts: Accounts, total: int, accrued: int) -> list[Posting]:
    parts = ((accounts.accrued, accrued, "not billed yet"), (accounts.payable, total - accrued, ""))
    return [
        _line(account, "", -amount, f"AI usage{', ' + text if text else ''}")
        for account, amount, text in parts
        if amount
    ]


def _line(account: str, centre: str, amount: int, text: str) -> Posting:
    return Posting(account, centre, max(amount, 0), max(-amount, 0), text)


def _to_cents(amounts: list[int], total: int) -> list[int]:
    """Round each to whole cents so that they come to a total that is: the largest rests first."""
    floors = [amount // _CENT * _CENT for amount in amounts]
    left = (total - sum(floors)) // _CENT
    by_rest = sorted(range(len(amounts)), key=lambda at: (floors[at] - amounts[at], at))
    more = set(by_rest[:left])
    return [floor + _CENT * (at in more) for at, floor in enumerate(floors)]


def journal_csv(charged: ChargedPeriod) -> str:
    """Write the lines as CSV, one of the period's last day each."""
    period = charged.state.period
    at = _day(period.end_ns - 1).isoformat()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(JOURNAL_COLUMNS)
    for one in postings(charged):
        sides = [exact_usd(NanoUSD(side))[:_CENTS_SHOWN] if side else "" for side in (
            one.debit, one.credit)]  # fmt: skip
        writer.writerow(
            [at, period.name, one.account, one.cost_centre, *sides, charged.currency, one.text]
        )
    return text.getvalue()


def charged_shown(charged: ChargedPeriod) -> dict[str, Any]:
    """Return it as it is shown: amounts are decimal texts of the currency."""
    said = charged.statement
    return {
        "period": charged.state.period.name,
        "state": charged.state.state,
        "currency": charged.currency,
        "rules_version": charged.rules.version,
        "spent": exact_usd(NanoUSD(said.spent)),
        "stated": exact_usd(NanoUSD(said.stated)),
        "total": exact_usd(NanoUSD(said.total)),
        "unassigned": exact_usd(NanoUSD(said.unassigned)),
        "accrued": exact_usd(NanoUSD(charged.accrued)),
        "charges": [
            {
                "cost_centre": one.cost_centre or None,
                "account": one.account,
                "pool": one.pool or None,
                "amount": exact_usd(NanoUSD(one.amount)),
                "requests": one.requests,
                "tokens": one.tokens,
            }
            for one in said.charges
        ],
        "rates": [
            {
                "day": used.day.isoformat(),
                "rates": [f"{one.base}/{one.quote} {one.source}" for one in used.rates],
            }
            for used in charged.rates
        ],
    }


def centres_of(charged: ChargedPeriod) -> list[tuple[str, int, int]]:
    """Return each cost centre with what it bears of its own use and of pools; unassigned last."""
    own: dict[str, int] = defaultdict(int)
    pooled: dict[str, int] = defaultdict(int)
    for one in charged.statement.charges:
        (pooled if one.pool else own)[one.cost_centre] += one.amount
    names = sorted({*own, *pooled}, key=lambda name: (name == UNASSIGNED, name))
    return [(name, own[name], pooled[name]) for name in names]


def _day(at_ns: int) -> date:
    return datetime.fromtimestamp(at_ns // _NS_PER_S, UTC).date()
