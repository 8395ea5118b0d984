"""Values that look like the ones they stand for, and can be nobody's.

Each label's come from a range that is set aside: e-mail at example.com (RFC 2606), addresses of
documentation (RFC 5737, RFC 3849, RFC 7042), telephone numbers kept for films (555-01xx in North
America, Ofcom's 07700 900xxx in the UK), social security numbers of area 9xx, cards of the issuer
numbers that are used for tests, accounts at banks numbered zero. All of one label have one
length, so that none is the beginning of another.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

Draw = Callable[[int], int]
Maker = Callable[[str, Draw], str]

_LETTERS: Final = "bcdfghjkmnpqrstvwxz"
_FIRST: Final = ("Alex", "Robin", "Sam", "Kim", "Jamie", "Chris", "Toni", "Luca", "Noel", "Sascha")
_BEGIN: Final = ("Tell", "Marn", "Holl", "Quill", "Brad", "Fenn", "Carl", "Wynd", "Aster", "Dorn")
_END: Final = ("brook", "wick", "dale", "mere", "hurst", "field", "combe", "stead", "wold", "leigh")
_DIGIT: Final = re.compile(r"\d")
_AMEX: Final = 15
_BANK_DIGITS: Final = 8
_CHECK_CHARS: Final = 4
_LETTER_BASE: Final = ord("A") - 10


def _email(value: str, draw: Draw) -> str:
    del value
    return f"user.{_drawn(_LETTERS, 6, draw)}@example.com"


def _phone(value: str, draw: Draw) -> str:
    """Write a number with the separators of the given one, as far as they go."""
    bare = re.sub(r"\D", "", value)
    if bare.startswith("44") or value.startswith("07"):
        head = "+44 7700 " if value.startswith("+") else "07700 "
        written = f"{head}900{draw(1000):03d}"
    else:
        head = "+1 " if value.startswith("+") else ""
        written = f"{head}{200 + draw(800)}-555-01{draw(100):02d}"
    return written if re.search(r"[^\d+]", value) else re.sub(r"[^\d+]", "", written)


def _card(value: str, draw: Draw) -> str:
    size = len(_DIGIT.findall(value))
    head = "370000" if size == _AMEX else "400000"
    body = head + _digits(size - len(head) - 1, draw)
    return _in_shape(value, body + _luhn(body))


def _iban(value: str, draw: Draw) -> str:
    plain = re.sub(r"\W", "", value).upper()
    country, shape = plain[:2], plain[_CHECK_CHARS:]
    account = "".join(
        "0" if at < _BANK_DIGITS and char.isdigit() else str(draw(10)) if char.isdigit() else "X"
        for at, char in enumerate(shape)
    )
    spelled = "".join(
        char if char.isdigit() else str(ord(char) - _LETTER_BASE)
        for char in f"{account}{country}00"
    )
    return _in_shape(value, f"{country}{98 - int(spelled) % 97:02d}{account}", r"\w")


def _ip(value: str, draw: Draw) -> str:
    if ":" in value:
        return f"2001:db8::{4096 + draw(61440):x}:{4096 + draw(61440):x}"
    return f"{('192.0.2', '198.51.100', '203.0.113')[draw(3)]}.{100 + draw(156)}"


def _mac(value: str, draw: Draw) -> str:
    separator = "-" if "-" in value else ":"
    written = separator.join(("00", "00", "5E", "00", "53", f"{draw(256):02X}"))
    return written if value.upper() == value else written.lower()


def _ssn(value: str, draw: Draw) -> str:
    """Area 9xx is never given out, and group 01 to 49 is no taxpayer number either."""
    return _in_shape(value, f"9{draw(100):02d}{1 + draw(49):02d}{1 + draw(9999):04d}")


def _person(value: str, draw: Draw) -> str:
    last = _BEGIN[draw(len(_BEGIN))] + _END[draw(len(_END))]
    return f"{_FIRST[draw(len(_FIRST))]} {last}" if " " in value.strip() else last


def _in_shape(value: str, drawn: str, kind: str = r"\d") -> str:
    """Write drawn characters with the separators of a value."""
    if len(re.findall(kind, value)) != len(drawn):
        return ""
    chars = iter(drawn)
    return re.sub(kind, lambda _: next(chars), value)


def _digits(count: int, draw: Draw) -> str:
    return _drawn("0123456789", count, draw)


def _drawn(of: str, count: int, draw: Draw) -> str:
    """Draw some characters at once: a draw costs more than all else."""
    left = draw(len(of) ** count)
    chars = []
    for _ in range(count):
        left, at = divmod(left, len(of))
        chars.append(of[at])
    return "".join(chars)


def _luhn(body: str) -> str:
    total = 0
    for at, char in enumerate(reversed(body)):
        digit = int(char) * (2 - at % 2)
        total += digit - 9 * (digit > 9)  # noqa: PLR2004 -- the sum of its two digits
    return str(-total % 10)


SURROGATES: Final[Mapping[str, Maker]] = MappingProxyType(
    {
        "CREDIT_CARD": _card,
        "EMAIL_ADDRESS": _email,
        "IBAN_CODE": _iban,
        "IP_ADDRESS": _ip,
        "MAC_ADDRESS": _mac,
        "PERSON": _person,
        "PHONE_NUMBER": _phone,
        "US_SSN": _ssn,
    }
)
"""What makes one for a value, by label; "" where the value has no form it knows."""
