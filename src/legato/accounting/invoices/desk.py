"""An organisation's invoices: imported, set beside the ledger, explained, accepted or disputed."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import msgspec

from legato.accounting.imports.reading import Reading
from legato.accounting.imports.row import Charge, UsageRow
from legato.accounting.invoices.causes import (
    Cause,
    Part,
    Reconciliation,
    Terms,
    reconcile,
    smallest_unit,
    span_of,
)
from legato.accounting.invoices.cells import (
    MS_PER_DAY,
    Billed,
    Spent,
    named_as,
    same_name,
)
from legato.accounting.invoices.plain import is_plain, plain_rows
from legato.core.errors import Conflict, InvalidRequest
from legato.core.money import NanoUSD, exact_usd
from legato.core.usage import USAGE_CLASSES
from legato.economics.exchange import USD, Exchange
from legato.storage.accounting.invoices import (
    ACCEPTED,
    DISPUTED,
    Invoice,
    InvoiceStore,
    NewInvoice,
)
from legato.storage.accounting.rates import RateStore

_NS_PER_MS: Final = 1_000_000
_MS_PER_S: Final = 1_000
_LINES_MAX: Final = 200_000
_REASON_MAX: Final = 500
_decode_row: Final = msgspec.json.Decoder(UsageRow).decode
_encode_row: Final = msgspec.json.Encoder(order="sorted").encode


class Invoices:
    """One organisation's. Blocking; every method may raise StorageUnavailable."""

    def __init__(self, store: InvoiceStore, rates: RateStore) -> None:
        self.store = store
        self._rates = rates

    def put(
        self, rows: Sequence[UsageRow], name: str, span: tuple[int, int] | None = None
    ) -> Invoice:
        """Keep the lines of an invoice; `span` is what it is about, in UTC milliseconds.

        Raises:
            InvalidRequest: there are none, or no amounts, or of several vendors or currencies.
            Conflict: these very lines are kept already.
        """
        if not rows or len(rows) > _LINES_MAX:
            raise InvalidRequest(f"lines: an invoice has 1 to {_LINES_MAX}, not {len(rows)}")
        if all(row.cost is None for row in rows):
            raise InvalidRequest("cost: no line has an amount: this is a report of usage alone")
        vendors, currencies = {row.vendor for row in rows}, {row.currency for row in rows}
        for what, found in (("vendor", vendors), ("currency", currencies)):
            if len(found) > 1 or "" in found:
                shown = ", ".join(sorted(found))
                raise InvalidRequest(f"{what}: an invoice has one, not {shown!r}", param=what)
        lines = [_encode_row(row).decode() for row in rows]
        first, last = span or _span([Billed(row, 0, "") for row in rows])
        return self.store.put(
            NewInvoice(
                name=name,
                vendor=vendors.pop(),
                currency=currencies.pop(),
                start_ns=first * _NS_PER_MS,
                end_ns=last * _NS_PER_MS,
                total=sum(row.cost or 0 for row in rows),
                digest=sha256("\n".join(lines).encode()).hexdigest(),
                lines=lines,
            )
        )

    def reconcile(self, invoice_id: str) -> tuple[Invoice, Reconciliation]:
        """Set one beside the ledger as it is now.

        Raises:
            NotFound: there is none.
            InvalidRequest: a rate of its currency is missing.
        """
        invoice = self.store.get(invoice_id)
        lines = self._billed(invoice)
        window = (invoice.start_ns // _NS_PER_MS, invoice.end_ns // _NS_PER_MS)
        providers = sorted({one.provider for one in self.store.own_keys() if _of(one, invoice)})
        spent = named_as(self._spent(providers, window), _models(lines))
        unit = smallest_unit(line.cost for line in lines)
        return invoice, reconcile(lines, spent, Terms(window, unit))

    def accept(self, invoice_id: str, reason: str = "") -> Invoice:
        """Accept what is billed; nothing of it is to be accrued any more.

        Raises:
            NotFound: there is none.
            Conflict: it is accepted already.
            InvalidRequest: something of it isn't in the ledger, and no reason is given.
        """
        invoice, found = self.reconcile(invoice_id)
        causes = found.by_cause()
        doubtful = [one for one in (Cause.BYPASS, Cause.UNEXPLAINED) if causes.get(one)]
        if doubtful and not reason.strip():
            msg = f"reason: say why {' and '.join(doubtful)} of the invoice are accepted"
            raise InvalidRequest(msg, param="reason")
        billed: dict[str, int] = {}
        for line in self._billed(invoice):
            if line.provider is not None and line.row.charge is Charge.USAGE:
                billed[line.provider] = billed.get(line.provider, 0) + line.cost
        return self.store.decide(invoice_id, ACCEPTED, _checked(reason), billed)

    def dispute(self, invoice_id: str, reason: str) -> Invoice:
        """Dispute it: until it is accepted, traces of its time are kept.

        Raises:
            NotFound: there is none.
            Conflict: it is accepted already.
            InvalidRequest: no reason is given.
        """
        if not reason.strip():
            raise InvalidRequest("reason: say what is disputed", param="reason")
        if self.store.get(invoice_id).state == DISPUTED:
            raise Conflict("the invoice is disputed already")
        return self.store.decide(invoice_id, DISPUTED, _checked(reason), {})

    def _billed(self, invoice: Invoice) -> list[Billed]:
        keys = {one.key: one.provider for one in self.store.own_keys() if _of(one, invoice)}
        rows = [_decode_row(line) for line in self.store.lines(invoice.id)]
        exchange = self._exchange(invoice, rows)
        return [
            Billed(
                row,
                exchange.in_dollars(row.cost or 0, row.currency, _day(row.start_ms)),
                keys.get(row.key),
            )
            for row in rows
        ]

    def _exchange(self, invoice: Invoice, rows: list[UsageRow]) -> Exchange:
        if invoice.currency == USD:
            return Exchange([])
        days = [_day(row.start_ms) for row in rows]
        return Exchange(self._rates.between(min(days), max(days)))

    def _spent(self, providers: Sequence[str], window: tuple[int, int]) -> list[Spent]:
        first, last = (edge * _NS_PER_MS for edge in (
            window[0] - MS_PER_DAY, window[1] + MS_PER_DAY))  # fmt: skip
        return [
            Spent(
                one.provider, one.model, one.slot, one.usage, one.cost, one.entries,
                one.estimated, one.price, one.served,
            )
            for one in self.store.spent(providers, first, last)
        ]  # fmt: skip


def read_lines(paths: Iterable[Path], vendor: str, source: str) -> list[UsageRow]:
    """Read files of one invoice: exports that a reader knows, or plain lines.

    Raises:
        InvalidRequest: naming the line.
    """
    rows: list[UsageRow] = []
    for path in paths:
        found = (
            plain_rows(path, vendor)
            if source in {"auto", "plain"} and is_plain(path)
            else Reading(path, source=source).rows()
        )
        for row in found:
            # lines of several files are told apart: their numbers go on
            rows.append(msgspec.structs.replace(row, line=len(rows) + 1))
    return rows


def reconciliation_shown(invoice: Invoice, found: Reconciliation) -> dict[str, Any]:
    """Return it as it is shown; amounts are dollars."""
    return {
        "invoice": invoice.id,
        "state": invoice.state,
        "invoiced_usd": _usd(found.invoiced),
        "ledger_usd": _usd(found.ledger),
        "difference_usd": _usd(found.difference),
        "by_model": found.grain.by_model,
        "by_day": found.grain.by_day,
        "day_shift_minutes": found.shift_ms // 60_000,
        "causes": {cause.value: _usd(amount) for cause, amount in found.by_cause().items()},
        "bypass_keys": bypass_keys(found),
        "parts": [part_shown(part) for part in found.parts],
    }


def part_shown(part: Part) -> dict[str, Any]:
    """Return a part as it is shown."""
    cell = part.cell
    day = None
    if cell is not None and cell.day is not None:
        day = datetime.fromtimestamp(cell.day * 86_400, UTC).date().isoformat()
    tokens = {name: getattr(part.usage, name) for name in USAGE_CLASSES}
    return {
        "cause": part.cause.value,
        "amount_usd": _usd(part.amount),
        "provider": None if cell is None else cell.provider,
        "model": None if cell is None else cell.model or None,
        "day": day,
        "vendor_key": part.vendor_key or None,
        "lines": list(part.lines),
        "tokens": {name: value for name, value in tokens.items() if value},
    }


def bypass_keys(found: Reconciliation) -> dict[str, str]:
    """Return what went past the gateway by the vendor's key, in dollars."""
    sums: dict[str, int] = {}
    for part in found.parts:
        if part.cause is Cause.BYPASS:
            sums[part.vendor_key] = sums.get(part.vendor_key, 0) + part.amount
    return {key or "(a key of ours)": _usd(amount) for key, amount in sums.items()}


def _models(lines: Sequence[Billed]) -> dict[str, str]:
    return {same_name(line.row.model): line.row.model for line in lines if line.row.model}


def _span(lines: Sequence[Billed]) -> tuple[int, int]:
    try:
        return span_of(lines)
    except ValueError as error:
        raise InvalidRequest(f"lines: {error}; say what it spans with from and until") from None


def _of(key: Any, invoice: Invoice) -> bool:
    return bool(key.vendor == invoice.vendor)


def _checked(reason: str) -> str:
    if len(reason) > _REASON_MAX:
        raise InvalidRequest(f"reason: up to {_REASON_MAX} characters", param="reason")
    return reason.strip()


def _day(at_ms: int) -> date:
    return datetime.fromtimestamp(at_ms // _MS_PER_S, UTC).date()


def _usd(amount: int) -> str:
    return exact_usd(NanoUSD(amount))
