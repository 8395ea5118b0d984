"""International bank account numbers: the country's length and ISO 7064's mod 97."""

from collections.abc import Iterator
from typing import Final

from legato.guardrails.expressions import Expression
from legato.guardrails.spans import Span, Text

_LABEL: Final = "IBAN_CODE"
# Of SWIFT's IBAN registry: characters in all, by country.
_LENGTHS: Final = {
    code: int(length)
    for length, codes in (
        line.split(":")
        for line in (
            "15:NO",
            "16:BE",
            "18:DK FI FK FO GL NL SD",
            "19:MK SI",
            "20:AT BA EE KZ LT LU MN XK",
            "21:CH HR LI LV",
            "22:BG BH CR DE GB GE IE ME RS VA",
            "23:AE GI IL IQ OM SO TL",
            "24:AD CZ ES MD PK RO SA SE SK TN VG",
            "25:LY PT ST",
            "26:IS TR",
            "27:BI DJ FR GR IT MC MR SM",
            "28:AL AZ BY CY DO GT HN HU LB NI PL SV",
            "29:BR EG PS QA UA",
            "30:JO KW MU YE",
            "31:MT SC",
            "32:LC",
            "33:RU",
        )
    )
    for code in codes.split()
}
_BLANKS: Final = b" -.\t\r\n_/+|"


class Ibans:
    """Finds IBAN_CODE."""

    gate = r"[A-Za-z]{2}\d{2}(?:[ .\t\r\n_/+|-]{0,2}[A-Za-z0-9]){11}"
    labels = frozenset({_LABEL})

    def __init__(self) -> None:
        self._opening = Expression(r"\b[A-Za-z]{2}\d{2}(?:[ .\t\r\n_/+|-]{0,2}[A-Za-z0-9]){11}")

    def find(self, text: Text) -> Iterator[Span]:
        """Yield what has its country's length and the right check digits."""
        data = text.data
        for match in self._opening.matches(data):
            start = match.start()
            length = _LENGTHS.get(data[start : start + 2].decode().upper())
            if length is None:
                continue
            end, compact = _taken(data, start, length)
            if len(compact) == length and text.apart(start, end) and mod97(compact.decode()):
                yield Span(start, end, _LABEL, "iban", 85)


def mod97(iban: str) -> bool:
    """Whether the check digits are right. `iban` has no blanks."""
    turned = iban[4:] + iban[:4]
    return int("".join(str(int(letter, 36)) for letter in turned)) % 97 == 1


def _taken(data: bytes, start: int, length: int) -> tuple[int, bytes]:
    """Return where `length` letters and digits end, and them without the blanks between."""
    compact = bytearray()
    at = start
    while at < len(data) and len(compact) < length:
        byte = data[at : at + 1]
        if byte.isalnum():
            compact += byte
        elif byte not in _BLANKS or data[at - 2 : at].strip(_BLANKS) == b"":
            break
        at += 1
    return at, bytes(compact)
