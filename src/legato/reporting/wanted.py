"""Which reports there are, in which forms, and what one is asked for."""

from typing import Final, Literal

import msgspec

from legato.finance.plans import Asked

Kind = Literal["roi", "savings", "chargeback", "pnl", "review", "digest"]
Form = Literal["xlsx", "pdf", "json", "csv", "parquet", "md"]
TITLES: Final[dict[Kind, str]] = {
    "roi": "What AI costs, saves and brings",
    "savings": "What AI costs and what was saved",
    "chargeback": "Who bears what AI costs",
    "pnl": "What AI brings, by feature",
    "review": "What AI could cost less",
    "digest": "What teams spent in a week",
}
FORMS: Final[tuple[Form, ...]] = ("xlsx", "pdf", "json", "csv", "parquet", "md")
MEDIA: Final[dict[Form, str]] = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "md": "text/markdown; charset=utf-8",
}
PERIOD: Final = "30d"


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a report is asked for.

    `period` as `insights.spend.periods` reads it; whole months for `pnl`, a month for `review`,
    seven days for `digest`, and the name of a fiscal period for `chargeback`, in `currency` or that
    of the books.
    """

    kind: Kind
    form: Form
    org: str
    period: str = PERIOD
    plan: Asked = Asked()
    currency: str | None = None
