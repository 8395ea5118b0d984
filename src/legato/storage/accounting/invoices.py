"""Invoices of an organisation, the vendors' keys that are its own, and the ledger beside them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Engine, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from legato.audit.acting import acting
from legato.audit.event import Act, Detail, Subject
from legato.core.clock import Clock
from legato.core.errors import Conflict, InvalidRequest, NotFound
from legato.core.ids import IdSource
from legato.core.money import NanoUSD, exact_usd
from legato.core.price import Price
from legato.core.tenant import Tenant
from legato.core.usage import USAGE_CLASSES, Usage, UsageSource
from legato.storage.audit.writing import recorded
from legato.storage.database.dialect import upsert
from legato.storage.database.engine import reading, writing
from legato.storage.tables.accounting import invoice, invoice_line, vendor_key
from legato.storage.tables.schema import ledger_entry, price_version

IMPORTED: Final = "imported"
ACCEPTED: Final = "accepted"
DISPUTED: Final = "disputed"
_NS_PER_SLOT: Final = 1_800 * 10**9
_LINES_PER_WRITE: Final = 2_000
_entry: Final = ledger_entry.c
_invoice: Final = invoice.c
_key: Final = vendor_key.c
_GUESSED: Final = (
    UsageSource.ESTIMATED.value, UsageSource.PARTIAL.value, UsageSource.UNKNOWN.value,
)  # fmt: skip


class NewInvoice(msgspec.Struct, frozen=True, kw_only=True):
    """One to be kept: its lines as JSON. `total` is in billionths of the currency."""

    name: str
    vendor: str
    currency: str
    start_ns: int
    end_ns: int
    total: int
    digest: str
    lines: Sequence[str]


class Invoice(msgspec.Struct, frozen=True, kw_only=True):
    """One that is kept; `billed` is nano-USD of usage by provider, once it is accepted."""

    id: str
    name: str
    vendor: str
    currency: str
    start_ns: int
    end_ns: int
    total: int
    lines: int
    digest: str
    state: str
    reason: str
    billed: dict[str, int]
    made_by: str
    made_at_ns: int
    decided_by: str
    decided_at_ns: int | None


class VendorKey(msgspec.Struct, frozen=True):
    """A key by the vendor's name of it ("" for the whole account), and our provider that has it."""

    vendor: str
    key: str
    provider: str


class SlotSpend(NamedTuple):
    """What entries of a half hour cost that are alike; `cost` is None where there is no price."""

    provider: str
    model: str
    served: str
    slot: int
    usage: Usage
    cost: int | None
    entries: int
    estimated: bool
    price: Price | None


class InvoiceStore:
    """One organisation's. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, clock: Clock, ids: IdSource, tenant: Tenant) -> None:
        self._engine = engine
        self._clock = clock
        self._ids = ids
        self._org = tenant.org

    def put(self, new: NewInvoice) -> Invoice:
        """Keep one. Raises Conflict where its very lines are kept already."""
        made = Invoice(
            id=self._ids.new(), name=new.name, vendor=new.vendor, currency=new.currency,
            start_ns=new.start_ns, end_ns=new.end_ns, total=new.total, lines=len(new.lines),
            digest=new.digest, state=IMPORTED, reason="", billed={}, made_by=_who(),
            made_at_ns=self._clock.now_ns(), decided_by="", decided_at_ns=None,
        )  # fmt: skip
        row = {**msgspec.structs.asdict(made), "org": self._org, "billed": "{}"}
        lines = [
            {"invoice_id": made.id, "number": number, "org": self._org, "line": line}
            for number, line in enumerate(new.lines, 1)
        ]
        try:
            with writing(self._engine) as connection:
                connection.execute(insert(invoice), row)
                for at in range(0, len(lines), _LINES_PER_WRITE):
                    connection.execute(insert(invoice_line), lines[at : at + _LINES_PER_WRITE])
                recorded(connection, self._act("import", made))
        except IntegrityError:
            raise Conflict("these lines were imported already") from None
        return made

    def page(self, count: int, before_id: str = "") -> list[Invoice]:
        """Return up to `count`, newest first, older than one."""
        wanted = select(invoice).where(_invoice.org == self._org)
        if before_id:
            wanted = wanted.where(_invoice.id < before_id)
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.order_by(_invoice.id.desc()).limit(count)).mappings()
            return [_read(row) for row in rows]

    def get(self, invoice_id: str) -> Invoice:
        """Return one. Raises NotFound."""
        wanted = select(invoice).where(_invoice.id == invoice_id, _invoice.org == self._org)
        with reading(self._engine) as connection:
            row = connection.execute(wanted).mappings().first()
        if row is None:
            raise NotFound(f"there is no invoice {invoice_id!r}")
        return _read(row)

    def lines(self, invoice_id: str) -> list[str]:
        """Return the lines of one that is there, in their order."""
        line = invoice_line.c
        wanted = select(line.line).where(line.invoice_id == invoice_id, line.org == self._org)
        with reading(self._engine) as connection:
            return list(connection.execute(wanted.order_by(line.number)).scalars())

    def decide(
        self, invoice_id: str, state: str, reason: str, billed: Mapping[str, int]
    ) -> Invoice:
        """Accept or dispute one; a dispute may be settled by accepting it.

        Raises:
            NotFound: there is none.
            Conflict: it is accepted already.
        """
        found = self.get(invoice_id)
        if found.state == ACCEPTED:
            raise Conflict("the invoice is accepted already")
        decided = msgspec.structs.replace(
            found, state=state, reason=reason, billed=dict(billed), decided_by=_who(),
            decided_at_ns=self._clock.now_ns(),
        )  # fmt: skip
        values = {
            "state": state,
            "reason": reason,
            "billed": msgspec.json.encode(decided.billed, order="sorted").decode(),
            "decided_by": decided.decided_by,
            "decided_at_ns": decided.decided_at_ns,
        }
        mine = (
            _invoice.id == invoice_id, _invoice.org == self._org, _invoice.state == found.state,
        )  # fmt: skip
        with writing(self._engine) as connection:
            if not connection.execute(update(invoice).where(*mine).values(values)).rowcount:
                raise Conflict("the invoice was decided meanwhile")
            recorded(connection, self._act("accept" if state == ACCEPTED else "dispute", decided))
        return decided

    def billed(self, start_ns: int, end_ns: int) -> dict[str, int]:
        """Return what accepted invoices that begin in a time bill, by provider, in nano-USD."""
        wanted = select(_invoice.billed).where(
            _invoice.org == self._org, _invoice.state == ACCEPTED,
            _invoice.start_ns >= start_ns, _invoice.start_ns < end_ns,
        )  # fmt: skip
        total: dict[str, int] = {}
        with reading(self._engine) as connection:
            for text in connection.execute(wanted).scalars():
                for provider, amount in msgspec.json.decode(text, type=dict[str, int]).items():
                    total[provider] = total.get(provider, 0) + amount
        return total

    def own_keys(self) -> list[VendorKey]:
        """Return the vendors' keys that are ours."""
        wanted = select(vendor_key).where(_key.org == self._org)
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.order_by(_key.vendor, _key.key)).all()
        return [VendorKey(row.vendor, row.key, row.provider) for row in rows]

    def set_key(self, one: VendorKey) -> None:
        """Say which provider has a key; "" takes it away.

        Raises:
            InvalidRequest: it looks like the key's secret.
        """
        if one.key.startswith(("sk-", "sk_", "AKIA")) and len(one.key) >= _SECRET_LENGTH:
            msg = "key: that looks like the secret: give the vendor's id or name of the key"
            raise InvalidRequest(msg, param="key")
        row = {"org": self._org, **msgspec.structs.asdict(one)}
        with writing(self._engine) as connection:
            if one.provider:
                kept = upsert(connection, vendor_key).values(row)
                by = ["org", "vendor", "key"]
                connection.execute(kept.on_conflict_do_update(
                    index_elements=by, set_={"provider": one.provider}))  # fmt: skip
            else:
                mine = (_key.org == self._org, _key.vendor == one.vendor, _key.key == one.key)
                connection.execute(delete(vendor_key).where(*mine))
            details: dict[str, Detail] = {"provider": one.provider}
            subject = Subject("vendor_key", f"{one.vendor}/{one.key}")
            recorded(connection, Act(self._org, "vendor_key.set", subject, details=details))

    def spent(self, providers: Sequence[str], start_ns: int, end_ns: int) -> Iterator[SlotSpend]:
        """Yield what the ledger has of some providers, corrections and replacements included."""
        slot = _entry.at_ns // _NS_PER_SLOT
        guessed = _entry.usage_source.in_(_GUESSED).label("guessed")
        by = (
            _entry.provider, _entry.model, _entry.model_served, slot, _entry.deployment,
            _entry.price_version, guessed, _entry.cost.is_(None),
        )  # fmt: skip
        sums = [func.sum(_entry[name]) for name in USAGE_CLASSES]
        wanted = (
            select(*by, func.sum(_entry.cost), func.count(), *sums)
            .where(
                _entry.org == self._org, _entry.provider.in_(list(providers)),
                _entry.kind != "cache", _entry.at_ns >= start_ns, _entry.at_ns < end_ns,
            )
            .group_by(*by)
        )  # fmt: skip
        with reading(self._engine) as connection:
            prices = {
                (row.deployment, row.version): msgspec.json.decode(row.price, type=Price)
                for row in connection.execute(select(price_version))
            }
            rows = connection.execute(wanted).all()
        for row in rows:
            provider, model, served, at, deployment, version, estimated, unpriced = row[:8]
            cost, entries, *classes = row[8:]
            yield SlotSpend(
                provider, model, served, int(at), Usage(*(int(one) for one in classes)),
                None if unpriced else int(cost), int(entries), bool(estimated),
                prices.get((deployment, version)),
            )  # fmt: skip

    def _act(self, action: str, one: Invoice) -> Act:
        details: dict[str, Detail] = {
            "vendor": one.vendor,
            "total": f"{exact_usd(NanoUSD(one.total))} {one.currency}",
            "lines": one.lines,
            "start_ns": one.start_ns,
            "end_ns": one.end_ns,
        }
        subject = Subject("invoice", one.id, one.digest)
        return Act(self._org, f"invoice.{action}", subject, reason=one.reason, details=details)


_SECRET_LENGTH: Final = 20


def dispute_begins_ns(engine: Engine) -> int | None:
    """Return from when on open disputes, of any organisation, need what is kept; None for none."""
    wanted = select(func.min(_invoice.start_ns)).where(_invoice.state == DISPUTED)
    with reading(engine) as connection:
        found: int | None = connection.execute(wanted).scalar()
        return found


def _who() -> str:
    actor = acting().actor
    return f"{actor.kind}:{actor.id}"


def _read(row: Any) -> Invoice:
    values = {name: row[name] for name in Invoice.__struct_fields__}
    values["billed"] = msgspec.json.decode(row["billed"], type=dict[str, int])
    return Invoice(**values)
