"""What was used before, or beside, this gateway: sums over what other reports say."""

from typing import Final

import msgspec

from legato.core.usage import NO_USAGE, TOKEN_CLASSES, Usage


class ImportedUsage(msgspec.Struct, frozen=True, kw_only=True):
    """All lines of one import that are alike, by the day where they are shorter than one.

    Times are ns, the end exclusive; amounts nano of `currency`. `cost` sums what `costed` lines
    say: where it is fewer than `lines`, some said nothing, which is not nothing.
    """

    source: str
    vendor: str
    account: str = ""
    project: str = ""
    key: str = ""
    model: str = ""
    service: str = ""
    sku: str = ""
    region: str = ""
    tier: str = ""
    unit: str = ""
    currency: str = "USD"
    charge: str = "usage"
    invoice: str = ""
    tags: str = "{}"
    """JSON object."""
    start_ns: int
    end_ns: int
    lines: int = 1
    costed: int = 0
    counted: int = 0
    """Lines that say a number of requests."""
    requests: int = 0
    cost: int = 0
    list_cost: int | None = None
    amortised_cost: int | None = None
    quantity: str = ""
    """The sum of what is billed in `unit`, a decimal number, "" where nothing is said."""
    usage: Usage = NO_USAGE


DIMENSIONS: Final = (
    "source", "vendor", "account", "project", "key", "model", "service", "sku", "region", "tier",
    "unit", "currency", "charge", "invoice", "tags", "start_ns", "end_ns",
)  # fmt: skip
"""What is alike in the lines of one sum."""
SUMS: Final = ("lines", "costed", "counted", "requests", "cost", *TOKEN_CLASSES)


class UsageImport(msgspec.Struct, frozen=True, kw_only=True):
    """One file that was taken in. `digest` is SHA-256 of what it held, unpacked."""

    id: str = ""
    org: str
    source: str
    name: str
    """The file's own name, without its folders."""
    digest: str
    at_ns: int = 0
    start_ns: int
    end_ns: int
    lines: int
    """Lines that were taken in."""
    skipped: int
    """Good lines of something else."""
    bad: int
    rows: int
    """Sums that are kept of them."""
    calls: int
    """Lines that are one call each, as logs have them; 0 for reports."""
    problems: str = "[]"
    """JSON array of the first lines that can't be read."""
    repeats: str = "{}"
    """JSON object of what was measured of repeated questions."""
