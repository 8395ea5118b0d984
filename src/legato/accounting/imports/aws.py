"""AWS: Cost and Usage Reports (2.0 and its forerunner), of which lines of models are taken."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from legato.accounting.imports.cells import Cells
from legato.accounting.imports.reader import Reader
from legato.accounting.imports.row import Charge, UsageRow
from legato.accounting.imports.token_lines import class_of, counted

_OLD: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_OURS: Final = ("bedrock", "sagemaker")
_REGION: Final = re.compile(r"^[A-Z]{2,4}\d?-")
_TOKEN_PART: Final = re.compile(
    r"[-_.]?(?:mantle-)?(?:cache-(?:read|write)-)?(?:in|out)put-?tokens?(?:-?count)?",
    re.IGNORECASE,
)
_TIER_PART: Final = re.compile(
    r"[-_](?:batch|flex|priority|standard|cross-?region(?:-\w+)?)$", re.IGNORECASE
)
_CHARGES: Final = {
    "usage": Charge.USAGE,
    "discountedusage": Charge.USAGE,
    "savingsplancoveredusage": Charge.USAGE,
    "tax": Charge.TAX,
    "credit": Charge.CREDIT,
    "refund": Charge.REFUND,
    "edpdiscount": Charge.CREDIT,
    "bundleddiscount": Charge.CREDIT,
    "privateratediscount": Charge.CREDIT,
    "savingsplannegation": Charge.CREDIT,
    "rifee": Charge.COMMITMENT,
    "savingsplanrecurringfee": Charge.COMMITMENT,
    "savingsplanupfrontfee": Charge.COMMITMENT,
    "fee": Charge.FEE,
}


def fits(names: frozenset[str]) -> bool:
    """The old form writes `lineItem/UsageType`, the new one `line_item_usage_type`."""
    usage = {"line_item_usage_type", "lineItem/UsageType"} & names
    return bool(usage and {"line_item_unblended_cost", "lineItem/UnblendedCost"} & names)


def rows(cells: Cells) -> Iterator[UsageRow]:
    """Read one line; lines of other services give no row."""
    if "lineItem/UsageType" in cells.values:
        cells = Cells(_renamed(cells.values))
    product = cells.inner("product")
    names = (
        cells.text("line_item_product_code"),
        cells.text("product_servicecode") or product.text("servicecode"),
        cells.text("product_product_name") or product.text("product_name"),
        cells.text("line_item_line_item_description"),
    )
    if not any(our in name.lower() for name in names for our in _OURS):
        return
    sku = cells.text("line_item_usage_type")
    unit = cells.text("pricing_unit", "line_item_usage_unit")
    found = counted(sku, unit, cells.decimal("line_item_usage_amount"))
    charge = _CHARGES.get(cells.text("line_item_line_item_type").lower(), Charge.USAGE)
    if found.tier == "provisioned" and charge is Charge.USAGE:
        charge = Charge.COMMITMENT
    start_ms = cells.time_ms("line_item_usage_start_date", "bill_billing_period_start_date")
    ended = cells.has("line_item_usage_end_date")
    yield UsageRow(
        source=READER.name,
        vendor="aws",
        account=cells.text("bill_payer_account_id"),
        project=cells.text("line_item_usage_account_id"),
        key=_PERSON.sub(r"\1", cells.text("line_item_iam_principal")),
        model=_model(cells, product, sku),
        service=names[0] or names[1],
        sku=sku,
        region=cells.text("product_region_code", "product_region"),
        tier=found.tier,
        start_ms=start_ms,
        end_ms=cells.time_ms("line_item_usage_end_date") if ended else start_ms,
        usage=found.usage,
        quantity=cells.text("line_item_usage_amount"),
        unit=unit,
        cost=cells.money("line_item_net_unblended_cost", "line_item_unblended_cost"),
        list_cost=cells.money("pricing_public_on_demand_cost"),
        amortised_cost=_amortised(cells),
        currency=cells.currency("line_item_currency_code"),
        charge=charge,
        invoice=cells.text("bill_invoice_id"),
        identity=cells.text("identity_line_item_id"),
        tags=_tags(cells),
    )


# Of a user the name, of a role what its session is called: often a person's address.
_PERSON: Final = re.compile(r"((?::user|:assumed-role/[^/]*|:federated-user))/.*", re.DOTALL)


def _model(cells: Cells, product: Cells, sku: str) -> str:
    """Return the model by its own column, else what is left of the usage type."""
    named = cells.text("product_model") or product.text("model")
    if named or not class_of(sku):
        return named
    return _TIER_PART.sub("", _TOKEN_PART.sub("", _REGION.sub("", sku))).strip("-_.")


def _amortised(cells: Cells) -> int | None:
    return cells.money("savings_plan_savings_plan_effective_cost", "reservation_effective_cost")


def _tags(cells: Cells) -> dict[str, str]:
    nested = cells.inner("resource_tags").values
    found = {str(name): str(value)[:500] for name, value in nested.items() if value}
    return found | cells.tags("resource_tags_user_", "resource_tags_")


def _renamed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the new form's names: `lineItem/UsageType` is `line_item_usage_type`."""
    return {_OLD.sub("_", name.replace("/", "_")).lower(): one for name, one in values.items()}


READER: Final = Reader(
    "aws",
    "AWS Cost and Usage Report (CUR 2.0, the older CUR; CSV, gzip, Parquet), Bedrock's lines",
    fits,
    rows,
    "AWS's dictionary of CUR columns and its page on Bedrock's lines, and test files of three "
    "public projects (read, not copied)",
)
