"""Files of rates: the European Central Bank's table, or a row for each rate."""

import csv
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Final

from legato.core.errors import InvalidRequest
from legato.economics.exchange import Rate, rate_units

ECB_BASE: Final = "EUR"
_PLAIN: Final = frozenset({"day", "base", "quote", "rate"})
_NONE: Final = frozenset({"", "N/A"})
_CODE: Final = 3


def read_rates(path: Path, source: str, currencies: frozenset[str]) -> list[Rate]:
    """Read a CSV: `Date,USD,JPY,...` with units per euro, or `day,base,quote,rate`.

    Of the first, only `currencies`, all where none is named.

    Raises:
        InvalidRequest: naming the line.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return list(_rates(csv.DictReader(file), source, currencies))
    except OSError as error:
        raise InvalidRequest(f"{path}: can't be read: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InvalidRequest(f"{path}: is no CSV in UTF-8: {error}") from None


def checked_rate(said: tuple[str, str, str, str], source: str) -> Rate:
    """Read a rate from day, base, quote and rate. Raises InvalidRequest naming the field."""
    day_text, base, quote, text = said
    try:
        day = date.fromisoformat(day_text)
    except ValueError:
        raise InvalidRequest(f"day: {day_text!r}: write 2026-10-01", param="day") from None
    for field, code in (("base", base), ("quote", quote)):
        if len(code) != _CODE or not (code.isascii() and code.isalpha() and code.isupper()):
            raise InvalidRequest(f"{field}: {code!r}: write a code as EUR", param=field)
    if base == quote:
        raise InvalidRequest(f"quote: {quote} in itself is always 1", param="quote")
    try:
        return Rate(day, base, quote, rate_units(text), source)
    except ValueError as error:
        raise InvalidRequest(f"rate: {error}", param="rate") from None


def _rates(rows: "csv.DictReader[str]", source: str, currencies: frozenset[str]) -> Iterator[Rate]:
    names = {name.strip() for name in rows.fieldnames or () if name}
    if names >= _PLAIN:
        for row in rows:
            said = (row["day"], row["base"], row["quote"], row["rate"])
            yield _named(rows.line_num, said, row.get("source") or source)
        return
    if "Date" not in names or not names - {"Date"}:
        msg = "the file has neither columns Date and currencies, nor day, base, quote and rate"
        raise InvalidRequest(msg)
    for row in rows:
        for name, text in row.items():
            code = (name or "").strip()
            if code in {"Date", ""} or not isinstance(text, str) or text.strip() in _NONE:
                continue
            if not currencies or code in currencies:
                said = (row["Date"].strip(), ECB_BASE, code, text.strip())
                yield _named(rows.line_num, said, source)


def _named(line: int, said: tuple[str, str, str, str], source: str) -> Rate:
    try:
        return checked_rate(said, source)
    except InvalidRequest as error:
        raise InvalidRequest(f"line {line}: {error.message}", param=error.param) from None
