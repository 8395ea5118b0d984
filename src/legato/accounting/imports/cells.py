"""The values of one line by name, read strictly: what can't be meant is a bad line."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

from legato.accounting.imports.problems import BadLine
from legato.core.money import amount

DAY_MS: Final = 86_400_000
_EPOCH_MS: Final = 100_000_000_000
"""Numbers above it are milliseconds, below it seconds: 1973 in one, 5138 in the other."""
_US_DATE: Final = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_COUNT_MAX: Final = 2**53
_TEXT_MAX: Final = 500
_NUMBER_REMEDY: Final = "write numbers with a decimal point and without thousands separators"
_TIME_REMEDY: Final = "give times as 2026-01-31, 2026-01-31T00:00:00Z or seconds since 1970"


class Cells:
    """One line. Every method takes names in order of preference: the first that is there counts."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = values

    def has(self, *names: str) -> bool:
        """Tell whether one of them is there and not empty."""
        return self._found(names)[1] is not None

    def text(self, *names: str) -> str:
        """Return a text of at most 500 characters, "" where there is none."""
        value = self._found(names)[1]
        if value is None or isinstance(value, dict | list):
            return ""
        return str(value).strip()[:_TEXT_MAX]

    def decimal(self, *names: str) -> Decimal | None:
        """Return an exact number, None where there is none."""
        name, value = self._found(names)
        if value is None:
            return None
        try:
            number = Decimal(str(value).strip())
        except InvalidOperation:
            number = Decimal("NaN")
        if isinstance(value, bool) or not number.is_finite():
            raise BadLine(f"{name}: {_shown(value)} is not a number", _NUMBER_REMEDY)
        return number

    def count(self, *names: str) -> int:
        """Return a whole number >= 0; 0 where there is none."""
        number = self.decimal(*names)
        if number is None:
            return 0
        if number != number.to_integral_value() or not 0 <= number <= _COUNT_MAX:
            name, value = self._found(names)
            raise BadLine(
                f"{name}: {_shown(value)} is not a count", "give whole numbers from 0 upward"
            )
        return int(number)

    def count_or_none(self, *names: str) -> int | None:
        """As `count`, None where there is none."""
        return self.count(*names) if self.has(*names) else None

    def money(self, *names: str) -> int | None:
        """Return nano of the line's currency, None where nothing is said."""
        number = self.decimal(*names)
        return None if number is None else nano(number, self._found(names)[0])

    def currency(self, *names: str, default: str = "USD") -> str:
        """Return three capital letters."""
        found = self.text(*names).upper() or default
        if not _CURRENCY.fullmatch(found):
            raise BadLine(f"{names[0]}: {_shown(found)} is not a currency", "give one as USD, EUR")
        return found

    def time_ms(self, *names: str) -> int:
        """Return UTC milliseconds. A time without a zone is UTC."""
        name, value = self._found(names)
        if value is None:
            raise BadLine(f"{names[0]}: it is missing", _TIME_REMEDY)
        if isinstance(value, datetime):
            return _ms(value)
        text = str(value).strip().removesuffix(" UTC")
        try:
            return _epoch_ms(Decimal(text)) if text.isdigit() or "." in text[9:11] else _iso(text)
        except (InvalidOperation, ValueError, OverflowError):
            raise BadLine(f"{name}: {_shown(value)} is not a time", _TIME_REMEDY) from None

    def inner(self, name: str) -> "Cells":
        """Return an object within the line, also where a table holds it as JSON in a cell."""
        value = self.values.get(name)
        if isinstance(value, str | bytes):
            if not value.strip():
                return Cells({})
            try:
                value = msgspec.json.decode(value)
            except msgspec.DecodeError:
                raise BadLine(
                    f"{name}: {_shown(value)} is not JSON", "export it as the vendor wrote it"
                ) from None
        if isinstance(value, list) and all(isinstance(one, tuple) for one in value):
            value = dict(value)  # a map of Parquet
        return Cells(value if isinstance(value, Mapping) else {})

    def tags(self, *prefixes: str) -> dict[str, str]:
        """Return the columns that begin with a prefix as tags, without it."""
        found = {}
        for name, value in self.values.items():
            for prefix in prefixes:
                if name.startswith(prefix) and value not in {None, ""}:
                    found[name[len(prefix) :]] = str(value)[:_TEXT_MAX]
        return found

    def _found(self, names: tuple[str, ...]) -> tuple[str, Any]:
        for name in names:
            value = self.values.get(name)
            if value is not None and value != "":
                return name, value
        return names[0], None


def nano(number: Decimal, name: str) -> int:
    """Return an amount in nano of its currency, rounded half-even."""
    try:
        return amount(number)
    except ValueError:
        raise BadLine(f"{name}: {number} is more than an amount can hold", _NUMBER_REMEDY) from None


def day_after(start_ms: int) -> int:
    """Return the end of a day that begins at `start_ms`."""
    return start_ms + DAY_MS


def split_named(values: Any) -> Iterator[tuple[str, str]]:
    """Yield the pairs of [{"key": ..., "value": ...}], as exports write labels."""
    for one in values if isinstance(values, list) else ():
        if isinstance(one, Mapping) and isinstance(one.get("key"), str):
            yield one["key"][:_TEXT_MAX], str(one.get("value") or "")[:_TEXT_MAX]


def _epoch_ms(number: Decimal) -> int:
    ms = int(number if number >= _EPOCH_MS else number * 1000)
    datetime.fromtimestamp(ms / 1000, UTC)
    return ms


def _iso(text: str) -> int:
    if found := _US_DATE.fullmatch(text):
        month, day, year = map(int, found.groups())
        return _ms(datetime(year, month, day, tzinfo=UTC))
    return _ms(datetime.fromisoformat(text))


def _ms(moment: datetime) -> int:
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - fits a line
