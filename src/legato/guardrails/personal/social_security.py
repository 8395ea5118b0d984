"""US social security numbers, and the taxpayer numbers (ITIN) that look like them."""

import re
from collections.abc import Iterator
from typing import Final

from legato.guardrails.expressions import Expression
from legato.guardrails.spans import DIGITS, Span, Text

_SSN: Final = "US_SSN"
_ITIN: Final = "ID_NUMBER"
_NAMED: Final = Expression(
    r"(?:\b|_)(?:ssns?|social(?:[ _-]security)?|soc\.? ?sec|tax(?:payer)?|itins?|tin)(?:\b|_|#)",
    ignore_case=True,
)
_ITIN_NAMED: Final = Expression(r"\b(?:itin|individual taxpayer)", ignore_case=True)
_ACCOUNT_NAMED: Final = Expression(
    r"\b(?:account|acct|licen[cs]e|phone|tel|fax|order|part)\b\D*$", ignore_case=True
)
_NEAR_BYTES: Final = 30
# Never issued to anybody: printed on sample cards and in advertisements.
_SAMPLES: Final = frozenset({"078051120", "219099999", "457555462"})


class SocialSecurity:
    """Finds US_SSN, and ITINs as ID_NUMBER."""

    gate = DIGITS
    labels = frozenset({_SSN, _ITIN})

    def __init__(self) -> None:
        self._number = Expression(r"\d{3}([ .\t\r\n_/+|-]?)\d{2}[ .\t\r\n_/+|-]?\d{4}")

    def find(self, text: Text) -> Iterator[Span]:
        """Yield numbers of ranges that are issued; without dashes only where they are spoken of."""
        data = text.data
        for match in self._number.matches(data):
            start, end = match.span()
            if not text.apart(start, end, b"-._/"):
                continue
            separator = match.group(1)
            if separator != data[end - 5 : end - 4].strip(b"0123456789"):
                continue
            label = _label(re.sub(r"\D", "", match.group().decode()))
            if label is None:
                continue
            before = text.leading(start)
            named = _NAMED.within(before)
            if separator == b"-":
                sure = named or not _ACCOUNT_NAMED.within(before[-_NEAR_BYTES:])
            else:
                sure = named and (label == _SSN or _ITIN_NAMED.within(before))
            if sure:
                yield Span(start, end, label, "ssn" if label == _SSN else "itin", 75)


def _label(digits: str) -> str | None:
    """Return which of the two it can be (SSA's and IRS's rules on ranges)."""
    area, group, serial = digits[:3], digits[3:5], digits[5:]
    if area in {"000", "666"} or group == "00" or serial == "0000" or digits in _SAMPLES:
        return None
    if area[0] != "9":
        return _SSN
    number = int(group)
    issued = 50 <= number <= 65 or 70 <= number <= 88 or 90 <= number <= 92 or number >= 94  # noqa: PLR2004 - the IRS's
    # 987-65-4320 to 4329 are kept for advertisements.
    return _ITIN if issued and not digits.startswith("98765432") else None
