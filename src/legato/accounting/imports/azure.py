"""Azure: exports of Cost Management, actual and amortised, of which lines of models are taken."""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from legato.accounting.imports.cells import Cells, day_after
from legato.accounting.imports.reader import Reader
from legato.accounting.imports.row import Charge, UsageRow
from legato.accounting.imports.token_lines import class_of, counted

_CATEGORIES: Final = ("cognitive services", "foundry", "openai", "azure ai", "machine learning")
_NOT_MODEL: Final = re.compile(
    r"[-\s](?:cached|cchd|inp(?:ut)?|outp?(?:t|ut)?|opt|batch|glbl|global|regnl|regional|rgnl|"
    r"dzone|dz|data ?zone|tokens?|ft|prty|priority)\b",
    re.IGNORECASE,
)
_CHARGES: Final = {
    "usage": Charge.USAGE,
    "purchase": Charge.COMMITMENT,
    "unusedreservation": Charge.COMMITMENT,
    "unusedsavingsplan": Charge.COMMITMENT,
    "refund": Charge.REFUND,
    "adjustment": Charge.CREDIT,
    "tax": Charge.TAX,
    "roundingadjustment": Charge.ROUNDING,
}


def fits(names: frozenset[str]) -> bool:
    """Agreements write the same names with other capitals."""
    lowered = {name.lower() for name in names}
    costs = {"costinbillingcurrency", "pretaxcost", "cost", "amortizedcost"} & lowered
    return bool(costs) and {"metercategory", "metername"} <= lowered


def rows(cells: Cells) -> Iterator[UsageRow]:
    """Read one line; lines of other services give no row."""
    cells = Cells({name.lower(): value for name, value in cells.values.items()})
    meter, category = cells.text("metername"), cells.text("metercategory")
    kind = f"{category} {cells.text('metersubcategory')} {cells.text('productname', 'product')}"
    ours = any(one in kind.lower() for one in _CATEGORIES)
    if not ours and "microsoft.cognitiveservices" not in cells.text("resourceid").lower():
        return
    unit = cells.text("unitofmeasure")
    found = counted(meter, unit, cells.decimal("quantity", "usagequantity"))
    start_ms = cells.time_ms("date", "usagedatetime", "usagedate", "servicePeriodStartDate".lower())
    yield UsageRow(
        source=READER.name,
        vendor="azure",
        account=cells.text("billingaccountid", "subscriptionid", "subscriptionguid"),
        project=cells.text("resourcegroup", "resourcegroupname"),
        key=cells.text("resourceid", "instanceid").rpartition("/")[2],
        model=_NOT_MODEL.sub("", meter).strip(" -") if class_of(meter) else "",
        service=category,
        sku=meter,
        region=cells.text("resourcelocation"),
        tier=found.tier,
        start_ms=start_ms,
        end_ms=day_after(start_ms),
        usage=found.usage,
        quantity=cells.text("quantity", "usagequantity"),
        unit=unit,
        cost=cells.money("costinbillingcurrency", "pretaxcost", "cost"),
        list_cost=cells.money("paygcostinbillingcurrency"),
        amortised_cost=cells.money("amortizedcost", "amortizedcostinbillingcurrency"),
        currency=cells.currency("billingcurrency", "billingcurrencycode", "currency"),
        charge=_CHARGES.get(cells.text("chargetype").lower(), Charge.USAGE),
        invoice=cells.text("invoiceid"),
        tags=_tags(cells.text("tags")),
    )


def _tags(text: str) -> dict[str, str]:
    """Return what a cell of tags holds: JSON, which some agreements write without its braces."""
    text = text if text.startswith("{") else "{" + text + "}"
    try:
        return msgspec.json.decode(text, type=dict[str, str])
    except msgspec.DecodeError:
        return {}


READER: Final = Reader(
    "azure",
    "Azure Cost Management exports (actual and amortised; EA, MCA and older names)",
    fits,
    rows,
    "Microsoft's schema of usage details by its column names, and test files of five public "
    "projects (read, not copied); that a quantity counts whole units of measure is their reading, "
    "seen on no invoice",
)
