"""Addresses of cryptocurrencies, by their checksums."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Final

from legato.guardrails.expressions import Expression
from legato.guardrails.spans import Span, Text

_LABEL: Final = "CRYPTO_ADDRESS"
_BASE58: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BECH32: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BECH32_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_BECH32_SUMS: Final = frozenset({1, 0x2BC830A3})
"""Of BIP 173 and of BIP 350."""
_CHECKSUM_BYTES: Final = 4
# Bitcoin, Litecoin, Dogecoin, Dash, Tron, XRP's classic addresses have another alphabet.
_SUMMED: Final = r"\b[13LMDXT][1-9A-HJ-NP-Za-km-z]{25,34}\b"
_SEGWIT: Final = (
    r"\b(?:(?:bc|tb|ltc)1[02-9ac-hj-np-z]{11,87}|(?:BC|TB|LTC)1[02-9AC-HJ-NP-Z]{11,87})\b"
)
_ETHEREUM: Final = r"\b0x[0-9a-fA-F]{40}\b"
_MONERO: Final = r"\b[48][0-9AB][1-9A-HJ-NP-Za-km-z]{93}\b"


class Coins:
    """Finds CRYPTO_ADDRESS."""

    gate = r"[13LMDXT][1-9A-HJ-NP-Za-km-z]{25}|(?i:bc|tb|ltc)1[02-9A-Za-z]{11}|0x[0-9a-fA-F]{40}"
    labels = frozenset({_LABEL})

    def __init__(self) -> None:
        self._address = Expression(f"{_SUMMED}|{_SEGWIT}|{_ETHEREUM}|{_MONERO}")

    def find(self, text: Text) -> Iterator[Span]:
        """Yield addresses whose checksum is right; Ethereum's and Monero's by their form alone."""
        for match in self._address.matches(text.data):
            start, end = match.span()
            found = match.group().decode()
            name = _currency(found)
            if name:
                yield Span(start, end, _LABEL, name, 65)


def _currency(found: str) -> str:
    if found.startswith("0x"):
        return "ethereum"
    if found[0] in "48":
        return "monero"
    if found[:3].lower() in {"bc1", "tb1", "ltc"}:
        return "segwit" if _bech32(found.lower()) else ""
    return "base58" if _base58check(found) else ""


def _base58check(address: str) -> bool:
    """Whether the last four bytes are the begin of the double SHA-256 of the others."""
    number = 0
    for character in address:
        number = number * 58 + _BASE58.index(character)
    size = 21 + _CHECKSUM_BYTES
    if number >> (8 * size):
        return False
    raw = number.to_bytes(size, "big")
    body, checksum = raw[:-_CHECKSUM_BYTES], raw[-_CHECKSUM_BYTES:]
    return sha256(sha256(body).digest()).digest()[:_CHECKSUM_BYTES] == checksum


def _bech32(address: str) -> bool:
    """Whether BIP 173's polynomial over prefix and data gives one of its two constants."""
    prefix, _, data = address.rpartition("1")
    values = [ord(letter) >> 5 for letter in prefix] + [0] + [ord(letter) & 31 for letter in prefix]
    values += [_BECH32.index(letter) for letter in data]
    total = 1
    for value in values:
        top = total >> 25
        total = (total & 0x1FFFFFF) << 5 ^ value
        for bit, generator in enumerate(_BECH32_GENERATOR):
            total ^= generator if top >> bit & 1 else 0
    return total in _BECH32_SUMS
