"""Numbers of payment cards: brand, length and Luhn's check digit."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from legato.guardrails.expressions import Expression
from legato.guardrails.spans import DIGITS, Span, Text

_LABEL: Final = "CREDIT_CARD"
_SEP: Final = r"[ .\t\r\n_/+|-]{1,2}"
_NUMBER: Final = (
    rf"\d{{4}}{_SEP}\d{{4}}{_SEP}\d{{4}}{_SEP}\d{{1,4}}(?:{_SEP}\d{{3}})?"
    rf"|\d{{4}}{_SEP}\d{{6}}{_SEP}\d{{4,5}}|\d{{12,}}"
)


class _Brand(NamedTuple):
    """`sure` are lengths that need no word nearby that speaks of cards."""

    prefix: re.Pattern[str]
    lengths: frozenset[int]
    sure: frozenset[int]


def _brand(prefix: str, lengths: set[int], sure: set[int]) -> _Brand:
    return _Brand(re.compile(prefix), frozenset(lengths), frozenset(sure))


# ISO/IEC 7812 issuer ranges as the schemes publish them.
_BRANDS: Final = (
    _brand("4", {13, 16, 19}, {16}),
    _brand("5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720", {16}, {16}),
    _brand("3[47]", {15}, {15}),
    _brand("352[89]|35[3-8]", {16, 17, 18, 19}, {16}),
    _brand("35", {16}, set()),
    _brand("2131|1800", {15}, {15}),
    _brand("6011|64[4-9]|65", {16, 17, 18, 19}, {16}),
    _brand("30[0-5]|3095|36|3[89]", {14, 15, 16, 17, 18, 19}, set()),
    _brand("62|81", {16, 17, 18, 19}, {16}),
    _brand("50|5[6-9]|6", {12, 13, 14, 15, 16, 17, 18, 19}, set()),
    _brand("0604", {12, 13, 14, 15, 16, 17, 18, 19}, set()),
    _brand("220[0-4]", {16, 17, 18, 19}, {16}),
    _brand("9792", {16}, set()),
)
_CARD_NEAR: Final = Expression(
    r"(?:\b|_)(?:cards?|cc|ccn|credit|debit|visa|master ?card|amex|american express|discover|"
    r"diners|jcb|maestro|kreditkarte|karte|kartennummer|carte|tarjeta|cart[aã]o|carta|kaart|karta|pan|"
    r"atm|payment|charged?|pa(?:id|y|ying)(?: with| by)?)(?:\b|_|n)",
    ignore_case=True,
)
_CARD_BEHIND: Final = Expression(
    r"\b(?:exp|expires|expiring|cvv|cvc|cvv2|valid thru|card)\b", ignore_case=True
)
# What such a number without spaces is instead.
_OTHER_NEAR: Final = Expression(
    r"\b(?:track\w*|order|invoice|ticket|imei\w*|isbn|ean|gtin|upc|sku|serial|part|"
    r"shipment|parcel|"
    r"request|trace|span|build|transaction id|timestamp|epoch|seed|hash|uuid|guid)\b[^.;]*$",
    ignore_case=True,
)
# A number of four groups may be followed by the three digits of its back.
_BEFORE_THREE: Final = re.compile(r"[ .\t\r\n_/+|-]{1,2}\d{3}$")
# What parts columns, paths and names as well: it must be the same throughout, and no number more.
_RARE: Final = frozenset(b"\t\r\n_/+|")
_NEAR_BYTES: Final = 36
_DIGITS_MIN: Final = 12
_NO_DIGITS: Final = str.maketrans("", "", " .-\t\r\n_/+|")


class Cards:
    """Finds CREDIT_CARD."""

    gate = DIGITS
    labels = frozenset({_LABEL})

    def __init__(self) -> None:
        self._number = Expression(_NUMBER)

    def find(self, text: Text) -> Iterator[Span]:
        """Yield what fits a brand and passes the check; odd lengths only where cards are named."""
        for match in self._number.matches(text.data):
            start, end = match.span()
            found = match.group().decode()
            if not _is_apart(text, start, end):
                continue
            for kept in (found, _BEFORE_THREE.sub("", found)):
                if _is_card(text, start, kept):
                    yield Span(start, start + len(kept), _LABEL, "card", 80)
                    break


def _is_apart(text: Text, start: int, end: int) -> bool:
    """Whether a number is no part of a longer one, of a word or of a row of numbers."""
    data = text.data
    rare = {data[at : at + 1] for at in range(start, end) if data[at] in _RARE}
    if not rare:
        return text.apart(start, end, b"-._/")
    parts = re.split(rb"\d+", data[start:end])[1:-1]
    if len(set(parts)) > 1:
        return False
    before, behind = data[max(0, start - 2) : start], data[end : end + 2]
    if before[-1:].isalnum() or behind[:1].isalnum():
        return False
    joined = parts[0][-1:], parts[0][:1]
    return not (
        (before[-1:] == joined[0] and before[:-1].isdigit())
        or (behind[:1] == joined[1] and behind[1:].isdigit())
    )


def luhn(digits: str) -> bool:
    """Whether the check digit is right (ISO/IEC 7812-1, annex B)."""
    total = sum(map(int, digits[::-2]))
    return (total + sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])) % 10 == 0


def _is_card(text: Text, start: int, found: str) -> bool:
    digits = found.translate(_NO_DIGITS)
    if len(digits) < _DIGITS_MIN or len(set(digits)) == 1 or not luhn(digits):
        return False
    brands = [
        brand for brand in _BRANDS if len(digits) in brand.lengths and brand.prefix.match(digits)
    ]
    if not brands:
        return False
    before = text.leading(start)
    end = start + len(found)
    if _CARD_NEAR.within(before) or _CARD_BEHIND.within(text.data[end : end + 40]):
        return True
    # Written in a card's groups; or one of the common lengths, and not said to be something else.
    sure = any(len(digits) in brand.sure for brand in brands)
    return found != digits or (sure and not _OTHER_NEAR.within(before[-_NEAR_BYTES:]))
