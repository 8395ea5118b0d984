"""A cheap gate against what is about one person: such questions and answers stay out of the cache.

It knows e-mail addresses, phone numbers, cards, IBANs, and a first person beside something that
looks like an account's number. It is no detector of personal data in general: names and addresses
pass it.
"""

import re
from typing import Final

_EMAIL: Final = re.compile(r"[\w.+-]{1,64}@[\w-]{1,64}\.[\w.-]{2,64}")
_PHONE: Final = re.compile(
    r"(?<![\w.])(?:\+\d[\d ().-]{6,18}\d|\(\d{2,5}\) ?\d[\d .-]{4,12}\d"
    r"|\d{3}[ .-]\d{3}[ .-]\d{4}|0\d{2,4}[ /-]\d[\d -]{4,10}\d)(?!\w)"
)
_CARD: Final = re.compile(r"(?<![\w.])(?:\d[ -]?){12,18}\d(?!\w)")
_IBAN: Final = re.compile(
    r"(?<!\w)[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]{4}){2,7}(?: ?[A-Za-z0-9]{1,3})?(?!\w)"
)
_FIRST_PERSON: Final = re.compile(
    r"\b(?:i|my|mine|our|ich|mein|meine|meinem|meinen|meiner|je|mon|mes|mi|mis)\b", re.IGNORECASE
)
_IDENTIFIER: Final = re.compile(
    r"(?<![\w.,$€£])#?(?:[A-Za-z]{0,6}[-_/#]?\d{5,}|(?=\w*\d)(?=\w*[A-Za-z])[A-Z0-9]{6,}"
    r"|[A-Z]{2,6}[-#]\d{3,})(?![\w%])"
)
_MAY_IDENTIFY: Final = re.compile(r"\d{3}|[A-Z0-9]{6}")
"""What every match of `_IDENTIFIER` holds."""
_CARD_DIGITS_MIN: Final = 13
_PHONE_DIGITS_MIN: Final = 5
"""Of those that begin with neither + nor a bracket."""
_LUHN_BASE: Final = 10
_IBAN_MODULUS: Final = 97


def is_personal(text: str) -> bool:
    """Whether a text holds personal data that this gate knows."""
    if "@" in text and _EMAIL.search(text):
        return True
    digits = _digits_in(text)
    if not digits:
        return False
    may_call = digits >= _PHONE_DIGITS_MIN or "+" in text or "(" in text
    return (
        (may_call and _PHONE.search(text) is not None)
        or (
            digits >= _CARD_DIGITS_MIN
            and any(_passes_luhn(found[0]) for found in _CARD.finditer(text))
        )
        or any(_passes_iban(found[0]) for found in _IBAN.finditer(text))
    )


def is_about_the_caller(text: str) -> bool:
    """Whether a question speaks of the one who asks by something like an account's number."""
    if _MAY_IDENTIFY.search(text) is None:
        return False
    return _IDENTIFIER.search(text) is not None and _FIRST_PERSON.search(text) is not None


def _digits_in(text: str) -> int:
    if text.isascii():
        return len(text) - len(text.encode().translate(None, b"0123456789"))
    return sum(map(str.isdecimal, text))


def _passes_luhn(text: str) -> bool:
    total = 0
    digits = [int(one) for one in text if one.isdigit()]
    for place, digit in enumerate(reversed(digits)):
        doubled = digit * 2 if place % 2 else digit
        total += doubled - 9 if doubled >= _LUHN_BASE else doubled
    return total % _LUHN_BASE == 0


def _passes_iban(text: str) -> bool:
    joined = text.replace(" ", "").upper()
    moved = joined[4:] + joined[:4]
    return int("".join(str(int(one, 36)) for one in moved)) % _IBAN_MODULUS == 1
