"""Google Cloud: the billing export of BigQuery, models only."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from legato.accounting.imports.cells import Cells, nano, split_named
from legato.accounting.imports.problems import BadLine
from legato.accounting.imports.reader import Reader
from legato.accounting.imports.row import Charge, UsageRow
from legato.accounting.imports.token_lines import class_of, counted

_OURS: Final = re.compile(r"vertex|gemini|generative|ai platform|agent ?builder", re.IGNORECASE)
_NOT_MODEL: Final = re.compile(
    r"\s*[-(]?\s*\b(?:text|image|audio|video|input|output|cached|caching|thinking|predictions?|"
    r"tokens?|batch|online|priority|flex|global|long|short|context)\b.*",
    re.IGNORECASE,
)
_COUNTS: Final = frozenset({"count", "counts", "token", "tokens", "1"})
_CHARGES: Final = {
    "regular": Charge.USAGE,
    "tax": Charge.TAX,
    "adjustment": Charge.REFUND,
    "rounding_error": Charge.ROUNDING,
}
_NESTED: Final = ("service", "sku", "project", "usage", "location", "invoice")


def fits(names: frozenset[str]) -> bool:
    """Records are nested in JSON, and joined by a point or a line in tables."""
    shown = {"usage_start_time", "cost", "currency"} <= names
    sku = {"sku", "sku.description", "sku_description"} & names
    return shown and bool(sku)


def rows(cells: Cells) -> Iterator[UsageRow]:
    """Read one line and its credits; lines of other services give no row."""
    flat = Cells(_flat(cells.values))
    service, sku = flat.text("service_description"), flat.text("sku_description")
    if not _OURS.search(f"{service} {sku}"):
        return
    unit = flat.text("usage_unit")
    tokens = unit.lower() in _COUNTS
    found = counted(sku, unit if tokens else "other", flat.decimal("usage_amount"))
    start_ms = flat.time_ms("usage_start_time")
    row = UsageRow(
        source=READER.name,
        vendor="google",
        account=flat.text("billing_account_id"),
        project=flat.text("project_id", "project_name"),
        model=_NOT_MODEL.sub("", sku).strip(" -") if class_of(sku) else "",
        service=service,
        sku=sku,
        region=flat.text("location_region", "location_location"),
        tier=found.tier,
        start_ms=start_ms,
        end_ms=flat.time_ms("usage_end_time") if flat.has("usage_end_time") else start_ms,
        usage=found.usage,
        quantity=flat.text("usage_amount"),
        unit=unit,
        cost=flat.money("cost"),
        list_cost=flat.money("cost_at_list"),
        currency=flat.currency("currency"),
        charge=_CHARGES.get(flat.text("cost_type").lower(), Charge.USAGE),
        invoice=flat.text("invoice_month"),
        tags=dict(split_named(flat.values.get("labels"))),
    )
    yield row
    yield from _credits(flat, row)


def _credits(flat: Cells, row: UsageRow) -> Iterator[UsageRow]:
    """A credit is a line of its own: it lowers the bill, not the use."""
    given = flat.values.get("credits")
    for one in given if isinstance(given, list) else ():
        if not isinstance(one, Mapping):
            raise BadLine("credits: one is not an object", "export the table as it is")
        amount = Cells(one).decimal("amount")
        if amount is None:
            continue
        yield UsageRow(
            source=row.source,
            vendor=row.vendor,
            account=row.account,
            project=row.project,
            service=row.service,
            sku=str(one.get("full_name") or one.get("name") or "credit")[:500],
            start_ms=row.start_ms,
            end_ms=row.end_ms,
            cost=nano(amount, "credits.amount"),
            currency=row.currency,
            charge=Charge.CREDIT,
            invoice=row.invoice,
        )


def _flat(values: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        if name in _NESTED and isinstance(value, Mapping):
            found |= {f"{name}_{inner}": one for inner, one in value.items()}
        elif isinstance(value, datetime):
            found[name] = value
        else:
            found[name.replace(".", "_")] = value
    return found


READER: Final = Reader(
    "google",
    "Google Cloud billing (BigQuery export, standard and detailed, JSON lines or CSV)",
    fits,
    rows,
    "Google's schema of the standard and detailed export tables",
)
