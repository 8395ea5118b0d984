"""What vendors bill, beside what the ledger has."""

from typing import Annotated, Any

import msgspec
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody
from litestar.response import Response
from msgspec import Meta, field

from legato.accounting.invoices.desk import reconciliation_shown
from legato.accounting.invoices.plain import plain_row
from legato.api.control.access import Caller, make, read
from legato.api.control.accounting.periods import Org
from legato.api.control.forms import Form, Id, Shown, known_id, moment, optional_moment, usd
from legato.api.control.once import Made, Once
from legato.api.control.paging import LIMIT, Cursor, Limit, paged
from legato.api.control.services import Services
from legato.core.permission import Permission
from legato.storage.accounting.invoices import Invoice, VendorKey

Text = Annotated[str, Meta(max_length=200)]
Named = Annotated[str, Meta(min_length=1, max_length=200)]
Line = Annotated[dict[Text, Text | int | None], Meta(max_length=40)]


class NewInvoiceLines(Form, frozen=True, kw_only=True):
    """Plain lines of one invoice: `start`, `end`, `cost`, and what else is known of each."""

    name: Named
    vendor: Text = ""
    lines: Annotated[list[Line], Meta(min_length=1, max_length=5000)]


class InvoiceDecision(Form, frozen=True, kw_only=True):
    """Why it is accepted or disputed."""

    reason: Annotated[str, Meta(max_length=500)] = ""


class VendorInvoice(Shown, frozen=True, kw_only=True):
    """An invoice: `imported`, `accepted` or `disputed`; `total` is in its currency."""

    id: str
    name: str
    vendor: str
    currency: str
    start: str
    end: str
    lines: int
    total: str
    state: str
    reason: str
    made_by: str
    made_at: str
    decided_by: str
    decided_at: str | None


class VendorInvoices(Shown, frozen=True, kw_only=True):
    """A page of invoices, newest first."""

    data: list[VendorInvoice]
    next_cursor: str | None


class DifferencePart(Shown, frozen=True, kw_only=True):
    """A part of the difference and its cause."""

    cause: str
    amount_usd: str
    provider: str | None
    model: str | None
    day: str | None
    vendor_key: str | None
    lines: list[int]
    tokens: dict[str, int]


class InvoiceReconciliation(Shown, frozen=True, kw_only=True):
    """An invoice beside the ledger: `causes` come to the difference exactly."""

    invoice: str
    state: str
    invoiced_usd: str
    ledger_usd: str
    difference_usd: str
    by_model: bool
    by_day: bool
    day_shift_minutes: int
    causes: dict[str, str]
    bypass_keys: dict[str, str]
    parts: list[DifferencePart]


class OwnVendorKey(Form, frozen=True, kw_only=True):
    """A key by the vendor's id or name of it, never its secret; "" is the whole account."""

    vendor: Named
    key: Text = ""
    provider: Text = field(default="")


class OwnVendorKeys(Shown, frozen=True, kw_only=True):
    """Vendors' keys that are ours."""

    data: list[OwnVendorKey]


@read("/vendor-keys", Permission.BOOKS_READ, tags=["accounting"])
def list_vendor_keys(
    services: Given[Services], caller: Given[Caller], org: Org = None
) -> OwnVendorKeys:
    """List which vendor keys our providers use."""
    return _keys(services.accounting(caller.tenant(org)).invoices.store.own_keys())


@make("/vendor-keys", Permission.BOOKS_UPDATE, tags=["accounting"], status_code=200)
def set_vendor_key(
    services: Given[Services],
    caller: Given[Caller],
    *,
    once: Given[Once],
    data: JSONBody[OwnVendorKey],
    org: Org = None,
) -> Response[OwnVendorKeys]:
    """Say which provider uses a key; an empty one takes it away."""

    def work() -> Made:
        store = services.accounting(caller.tenant(org)).invoices.store
        store.set_key(VendorKey(data.vendor, data.key, data.provider))
        return Made(_keys(store.own_keys()), status=200)

    return once(data, work)


@read("/invoices", Permission.BOOKS_READ, tags=["accounting"])
def list_invoices(
    services: Given[Services],
    caller: Given[Caller],
    *,
    cursor: Cursor = None,
    limit: Limit = LIMIT,
    org: Org = None,
) -> VendorInvoices:
    """List invoices, newest first."""
    tenant = caller.tenant(org)
    store = services.accounting(tenant).invoices.store
    rows, following = paged(
        services.cursors,
        f"invoices {tenant.org}",
        (cursor, limit),
        lambda count, before: store.page(count, before or ""),
        name=lambda one: one.id,
    )
    return VendorInvoices(data=[_shown(one) for one in rows], next_cursor=following)


@make("/invoices", Permission.BOOKS_UPDATE, tags=["accounting"])
def import_invoice(
    services: Given[Services],
    caller: Given[Caller],
    *,
    once: Given[Once],
    data: JSONBody[NewInvoiceLines],
    org: Org = None,
) -> Response[VendorInvoice]:
    """Import an invoice's lines."""

    def work() -> Made:
        rows = [plain_row(one, data.vendor, at) for at, one in enumerate(data.lines, 1)]
        made = services.accounting(caller.tenant(org)).invoices.put(rows, data.name)
        return Made(_shown(made))

    return once(data, work)


@read("/invoices/{invoice_id:str}", Permission.BOOKS_READ, tags=["accounting"])
def get_invoice(
    services: Given[Services], caller: Given[Caller], invoice_id: Id, org: Org = None
) -> VendorInvoice:
    """Show an invoice."""
    store = services.accounting(caller.tenant(org)).invoices.store
    return _shown(store.get(known_id(invoice_id)))


@read("/invoices/{invoice_id:str}/reconciliation", Permission.BOOKS_READ, tags=["accounting"])
def reconcile_invoice(
    services: Given[Services], caller: Given[Caller], invoice_id: Id, org: Org = None
) -> InvoiceReconciliation:
    """Set an invoice beside the ledger and explain each difference."""
    desk = services.accounting(caller.tenant(org)).invoices
    shown: dict[str, Any] = reconciliation_shown(*desk.reconcile(known_id(invoice_id)))
    return msgspec.convert(shown, InvoiceReconciliation)


@make(
    "/invoices/{invoice_id:str}/accept",
    Permission.BOOKS_UPDATE,
    tags=["accounting"],
    status_code=200,
)
def accept_invoice(
    services: Given[Services],
    caller: Given[Caller],
    *,
    once: Given[Once],
    invoice_id: Id,
    data: JSONBody[InvoiceDecision],
    org: Org = None,
) -> Response[VendorInvoice]:
    """Accept what is billed; it isn't accrued any more."""
    desk = services.accounting(caller.tenant(org)).invoices
    return once(
        data,
        lambda: Made(_shown(desk.accept(known_id(invoice_id), data.reason)), status=200),
    )


@make(
    "/invoices/{invoice_id:str}/dispute",
    Permission.BOOKS_UPDATE,
    tags=["accounting"],
    status_code=200,
)
def dispute_invoice(
    services: Given[Services],
    caller: Given[Caller],
    *,
    once: Given[Once],
    invoice_id: Id,
    data: JSONBody[InvoiceDecision],
    org: Org = None,
) -> Response[VendorInvoice]:
    """Dispute it; traces of its time are kept until it is accepted."""
    desk = services.accounting(caller.tenant(org)).invoices
    return once(
        data,
        lambda: Made(_shown(desk.dispute(known_id(invoice_id), data.reason)), status=200),
    )


HANDLERS = (
    list_vendor_keys,
    set_vendor_key,
    list_invoices,
    import_invoice,
    get_invoice,
    reconcile_invoice,
    accept_invoice,
    dispute_invoice,
)


def _keys(found: list[VendorKey]) -> OwnVendorKeys:
    return OwnVendorKeys(
        data=[OwnVendorKey(vendor=one.vendor, key=one.key, provider=one.provider) for one in found]
    )


def _shown(one: Invoice) -> VendorInvoice:
    return VendorInvoice(
        id=one.id,
        name=one.name,
        vendor=one.vendor,
        currency=one.currency,
        start=moment(one.start_ns),
        end=moment(one.end_ns),
        lines=one.lines,
        total=usd(one.total) or "0",
        state=one.state,
        reason=one.reason,
        made_by=one.made_by,
        made_at=moment(one.made_at_ns),
        decided_by=one.decided_by,
        decided_at=optional_moment(one.decided_at_ns),
    )
