"""The tables of the books: periods that are closed, and corrections by hand."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from legato.storage.tables.columns import metadata, number_column, text_column

# How an organisation keeps its books: its calendar, the currency of its reports.
accounting_terms: Final = Table(
    "accounting_terms",
    metadata,
    Column("org", Text, primary_key=True),
    text_column("calendar"),  # JSON of economics.fiscal.Calendar
    text_column("currency"),
    Column("four_eyes", Boolean, nullable=False),
    number_column("version"),
    number_column("changed_at_ns"),
)

# From `closing` on no entry comes into it any more; `closed` once it is hashed.
accounting_period: Final = Table(
    "accounting_period",
    metadata,
    text_column("org"),
    text_column("name"),
    number_column("start_ns"),
    number_column("end_ns"),
    text_column("state"),  # closing, closed
    text_column("accepted"),  # JSON object: why what remained was accepted
    number_column("closed_at_ns"),
    number_column("form"),
    number_column("entries"),
    number_column("cost"),
    number_column("baseline_cost"),
    number_column("unpriced"),
    number_column("accrued"),
    text_column("root"),  # of the tree over its entries by their ids, in hex
    number_column("event"),  # index in the audit log
    PrimaryKeyConstraint("org", "name"),
    Index("accounting_period_end", "org", "end_ns", unique=True),
)

# Entries that somebody replaced by hand, or asked to.
ledger_correction: Final = Table(
    "ledger_correction",
    metadata,
    Column("id", Text, primary_key=True),
    text_column("org"),
    Column("entry_id", BigInteger, nullable=False, index=True),
    number_column("cost", nullable=True),
    number_column("baseline_cost", nullable=True),
    text_column("reason"),
    text_column("source"),  # "hand", or "invoice/ID"
    text_column("state"),  # asked, posted, refused
    text_column("asked_by"),
    number_column("asked_at_ns"),
    text_column("decided_by"),
    number_column("decided_at_ns", nullable=True),
    number_column("reversal_id", nullable=True),
    number_column("replacement_id", nullable=True),
    # one that waits or was posted
    Index("ledger_correction_once", "org", "entry_id", unique=True,
          sqlite_where=text("state <> 'refused'")),
)  # fmt: skip

# How many billionths of `quote` one unit of `base` was on a day.
fx_rate: Final = Table(
    "fx_rate",
    metadata,
    text_column("org"),
    text_column("base"),
    text_column("quote"),
    number_column("day"),  # since the epoch
    number_column("units"),
    text_column("source"),
    number_column("set_at_ns"),
    PrimaryKeyConstraint("org", "base", "quote", "day"),
)

# Which cost centre and account entries belong to, by version.
cost_rules: Final = Table(
    "cost_rules",
    metadata,
    text_column("org"),
    number_column("version"),
    number_column("valid_from"),  # days since the epoch
    text_column("document"),  # JSON of economics.chargeback.CostRules
    text_column("made_by"),
    number_column("made_at_ns"),
    PrimaryKeyConstraint("org", "version"),
)

# What vendors bill. Lines stay as they were read; what came of them is told anew each time.
invoice: Final = Table(
    "invoice",
    metadata,
    Column("id", Text, primary_key=True),
    text_column("org"),
    text_column("name"),
    text_column("vendor"),
    text_column("currency"),
    number_column("start_ns"),
    number_column("end_ns"),
    number_column("total"),  # billionths of the currency
    number_column("lines"),
    text_column("digest"),  # of the lines
    text_column("state"),  # imported, accepted, disputed
    text_column("reason"),
    text_column("billed"),  # JSON object: nano-USD of usage by provider, once accepted
    text_column("made_by"),
    number_column("made_at_ns"),
    text_column("decided_by"),
    number_column("decided_at_ns", nullable=True),
    UniqueConstraint("org", "digest", name="invoice_once"),
)

invoice_line: Final = Table(
    "invoice_line",
    metadata,
    text_column("invoice_id"),
    number_column("number"),
    text_column("org"),
    text_column("line"),  # JSON
    PrimaryKeyConstraint("invoice_id", "number"),
)

# Which provider of ours uses a vendor's key, by the vendor's own name of it; no secret.
vendor_key: Final = Table(
    "vendor_key",
    metadata,
    text_column("org"),
    text_column("vendor"),
    text_column("key"),
    text_column("provider"),
    PrimaryKeyConstraint("org", "vendor", "key"),
)

ACCOUNTING_TABLES: Final = frozenset(
    {
        accounting_terms.name,
        accounting_period.name,
        ledger_correction.name,
        fx_rate.name,
        cost_rules.name,
        invoice.name,
        invoice_line.name,
        vendor_key.name,
    }
)
