"""One line of somebody else's usage or cost report, in our words."""

from enum import StrEnum

import msgspec

from legato.core.usage import NO_USAGE, Usage


class Charge(StrEnum):
    """What a line charges for. Only `usage` is a use of a model or of a service."""

    USAGE = "usage"
    CREDIT = "credit"  # discounts, promotions, free tiers: lowers the bill
    COMMITMENT = "commitment"  # paid whether used or not: reservations, provisioned capacity
    TAX = "tax"
    REFUND = "refund"
    ROUNDING = "rounding"  # what a vendor adds or takes so that its own total is even
    FEE = "fee"  # support, marketplace, late payment


class UsageRow(msgspec.Struct, kw_only=True):
    """What one line says, no more: what it doesn't say is empty or None, never zero.

    Times are UTC milliseconds, the end exclusive. Amounts are nano of `currency`, negative where
    the line lowers the bill. `line` is where it stood in its file, from 1.
    """

    source: str
    """The reader: `openai`, `aws`, `litellm` ..."""
    vendor: str
    """Who charges: `openai`, `anthropic`, `azure`, `aws`, `google`, else as the export says."""
    account: str = ""
    """The organisation, payer, subscription or billing account."""
    project: str = ""
    """The project, workspace, resource group, linked account or team below it."""
    key: str = ""
    """The vendor's name or id of a key; never its secret."""
    model: str = ""
    """As the vendor writes it; "" where the line isn't of one model."""
    service: str = ""
    """The product or line item."""
    sku: str = ""
    """The usage type or meter: what has a price of its own."""
    region: str = ""
    tier: str = ""
    """`batch`, `flex`, `priority` ..., "" for the plain one or where it isn't said."""
    start_ms: int
    end_ms: int
    usage: Usage = NO_USAGE
    """Disjoint classes; no tokens where the export counts none."""
    requests: int | None = None
    quantity: str = ""
    """The billed amount in `unit`, a decimal number as written."""
    unit: str = ""
    cost: int | None = None
    list_cost: int | None = None
    """At the public price, where the export says it beside what is charged."""
    amortised_cost: int | None = None
    """With commitments spread over what they cover, where the export has that view as well."""
    currency: str = "USD"
    charge: Charge = Charge.USAGE
    invoice: str = ""
    identity: str = ""
    """The vendor's own id of the line or request, "" where it has none."""
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    line: int = 0
