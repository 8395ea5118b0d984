"""Undoes what hides words from a reader of words: odd letters, gaps, digits for letters, base64."""

import base64
import binascii
import re
import unicodedata
from typing import Final, NamedTuple

from legato.guardrails.lookalikes import LOOKALIKES, RESEMBLING


class Unveiled(NamedTuple):
    """A text as a model would understand it, and by what it had been hidden."""

    text: str
    """In small letters, without disguise; what was encoded is decoded."""
    disguises: tuple[str, ...]
    """Of `invisible`, `lookalike`, `escaped`, `gaps`, `leet`, `base64`: those that were undone."""


_INVISIBLE: Final = re.compile(
    "[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]|[\U000e0000-\U000e007f]"
)
_LOOKALIKES: Final = str.maketrans(
    {letter: latin.lower() for letter, latin in LOOKALIKES.items()} | RESEMBLING
)
_MIXED: Final = re.compile(
    r"[^\W\d_]*(?:[a-zA-Z][\u0370-\u03ff\u0400-\u052f]|[\u0370-\u03ff\u0400-\u052f][a-zA-Z])[^\W\d_]*"
)
_ESCAPES: Final = re.compile(r"\\(?=[^\s\\\w]|\w\\|\s\\|\w(?:\s|$))")
_GAPS: Final = re.compile(r"(?<![^\W_])(?:[^\W\d_][ .\-_*\"']{1,3}){3,}[^\W\d_](?![^\W_])")
_JOINTS: Final = re.compile(r"[ .\-_*\"']")
_WIDE_GAPS: Final = re.compile(r"\s{2,}")
_LEET: Final = str.maketrans("0134578@$€!|µ", "oieastbaseilu")
_LEET_SIGN: Final = re.compile(r"[0134578@$€!|][\w@$€!|]|[\w@$€!|][0134578@$€|]")
_LEETED: Final = re.compile(
    r"(?<![\w@/:$-])(?=[\w@$€!|]*[^\W\d_])(?=[\w@$€!|]*[0134578@$€!|])[\w@$€!|]+[\w@$€|]"
)
_HEX: Final = re.compile(r"[0-9a-f]{6,}")
_ENCODED: Final = re.compile(r"(?<![\w+/=])[A-Za-z0-9+/]{16,4096}={0,2}(?![\w+/=])")
_READABLE: Final = 0.9
_UNIT: Final = 2
"""Letters of what may stand behind a figure: `3rd`, `20kg`."""


def unveiled(text: str) -> Unveiled:
    """Return a text without disguise. Plain text costs a few passes of the regex engine."""
    found: list[str] = []
    bare = text
    if not text.isascii():
        bare = _plain_letters(text, found)
    decoded = _ENCODED.sub(_decoded, bare)
    if decoded != bare:
        found.append("base64")
        bare = decoded
    if "\\" in bare:
        unescaped = _ESCAPES.sub("", bare)
        if len(bare) - len(unescaped) > len(bare) // 8:
            found.append("escaped")
            bare = unescaped
    joined = _GAPS.sub(_closed, bare)
    if joined != bare:
        found.append("gaps")
    bare = joined.lower()
    spelt = _LEETED.sub(_spelt, bare) if _LEET_SIGN.search(bare) else bare
    if spelt != bare:
        found.append("leet")
    return Unveiled(spelt, tuple(found))


def _plain_letters(text: str, found: list[str]) -> str:
    visible = _INVISIBLE.sub("", text)
    if visible != text:
        found.append("invisible")
    folded = unicodedata.normalize("NFKC", visible)
    plain = _MIXED.sub(lambda word: word[0].translate(_LOOKALIKES), folded)
    if plain != folded or _letters_changed(visible, folded):
        found.append("lookalike")
    return plain


def _letters_changed(before: str, after: str) -> bool:
    """Say whether full-width or mathematical letters became plain ones: not ligatures or ½."""
    return len(before) == len(after) and any(
        "a" <= new.lower() <= "z" for old, new in zip(before, after, strict=True) if old != new
    )


def _closed(gaps: re.Match[str]) -> str:
    """Join letters written apart; where gaps differ in width, the wide ones part words."""
    return "".join(f"{_JOINTS.sub('', word)} " for word in _WIDE_GAPS.split(gaps[0])).strip()


def _spelt(word: re.Match[str]) -> str:
    """Read digits as letters, where most of the word is letters: not `gpt4`, `3rd`, `v10`."""
    written = word[0]
    letters = sum(letter.isalpha() for letter in written)
    if letters * 2 < len(written) or _HEX.fullmatch(written):
        return written
    ordinary = written.strip("0123456789").isalpha()
    if ordinary and (written[0].isalpha() or letters <= _UNIT):
        return written
    return written.translate(_LEET)


def _decoded(code: re.Match[str]) -> str:
    """Return what stands in base64, if it is readable text."""
    written = code[0]
    if written.isalpha() and (written.islower() or written.isupper()):
        return written
    try:
        padded = written.rstrip("=") + "=" * (-len(written.rstrip("=")) % 4)
        words = base64.b64decode(padded, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return written
    printable = sum(letter.isprintable() or letter.isspace() for letter in words)
    return words if printable >= _READABLE * len(words) else written
