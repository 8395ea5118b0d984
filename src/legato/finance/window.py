"""What the ledger says of the last days, and how many of them make a month."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

import msgspec

from legato.core.errors import InvalidRequest
from legato.finance.spent import NS_PER_DAY, Days, LedgerDays
from legato.storage.database.windows import day_text

DAYS: Final = 30
DAYS_MAX: Final = 400
_NS_PER_S: Final = 1_000_000_000
_DAYS_PER_MONTH: Final = Decimal(365) / 12


class Window(msgspec.Struct, frozen=True):
    """So many days of the ledger up to now; `days` are those since its first entry among them."""

    span: Days
    days: Decimal
    told: str

    @property
    def to_month(self) -> Decimal:
        """By what a sum over the window is a month's."""
        return _DAYS_PER_MONTH / self.days


def window(sums: LedgerDays, now_ns: int, days: int) -> Window:
    """Return the last days, today among them as far as it has gone.

    A ledger that is younger counts from its first day, one day at least.

    Raises:
        InvalidRequest: days out of bounds, or there is nothing in the ledger.
    """
    if not 0 < days <= DAYS_MAX:
        raise InvalidRequest(f"days: between 1 and {DAYS_MAX}, not {days}", param="days")
    today = now_ns // NS_PER_DAY
    span = Days(today - days + 1, today + 1)
    found = [int(one.group[0]) for one in sums.sum_by(["day"], span)]
    if not found:
        raise InvalidRequest(
            f"days: the ledger has no entry of the last {days} days to plan from", param="days"
        )
    gone = Decimal(now_ns - min(found) * NS_PER_DAY) / NS_PER_DAY
    covered = max(Decimal(1), gone).quantize(Decimal("0.01"))
    days_meant = f"{day_text(span.first)}..{day_text(span.end - 1)}"
    return Window(span, covered, f"the ledger's last {covered} days ({days_meant})")


def month_bounds(since: str, until: str) -> Days:
    """Return the days from the first month's first to the last one's last, UTC.

    Raises:
        InvalidRequest: naming the field.
    """
    begins = [_month(text, field) for text, field in ((since, "since"), (until, "until"))]
    if begins[0] > begins[1]:
        raise InvalidRequest("until: before since", param="until")
    year, month = begins[1].year, begins[1].month
    after = begins[1].replace(year=year + month // 12, month=month % 12 + 1)
    return Days(_day(begins[0]), _day(after))


def months_between(since: str, until: str) -> int:
    """Return how many months there are from one to another, both counted."""
    first, last = _month(since, "since"), _month(until, "until")
    return (last.year - first.year) * 12 + last.month - first.month + 1


def last_months(now_ns: int, count: int) -> tuple[str, str]:
    """Return the first and the last of so many whole months before this one."""
    now = datetime.fromtimestamp(now_ns // _NS_PER_S, UTC)
    last = now.date().replace(day=1) - timedelta(days=1)
    first = last.replace(day=1)
    for _ in range(count - 1):
        first = (first - timedelta(days=1)).replace(day=1)
    return first.strftime("%Y-%m"), last.strftime("%Y-%m")


def _month(text: str, field: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC).date()
    except ValueError:
        raise InvalidRequest(f"{field}: write a month, as 2026-08", param=field) from None


def _day(one: date) -> int:
    return (one - date(1970, 1, 1)).days
