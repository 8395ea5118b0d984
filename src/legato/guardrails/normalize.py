"""Texts as a reader sees them: what hides letters and digits from a detector is taken away.

Invisible characters are left out, compatibility forms (full-width, mathematical, circled), digits
of other scripts and typographic dashes, spaces and quotes become plain ones, accents are joined
with their letter, and letters of other scripts that look Latin are folded where they stand among
Latin ones. Every position of the outcome is known in the original.
"""

import re
import unicodedata
from bisect import bisect_right
from functools import lru_cache
from typing import Final, NamedTuple

from legato.guardrails.lookalikes import LOOKALIKES

_INVISIBLE: Final = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f"
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e001f\U000e007f-\U000e0fff"
)
_MARKS: Final = "\u0300-\u034e\u0350-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
TAGS: Final = "\U000e0020-\U000e007e"
"""ASCII that people don't see and models read."""
# Punctuation, letter-like signs, enclosed and mathematical forms, half and full widths.
_FORMS: Final = (
    "\x85\u00a0\u00b2\u00b3\u00b9\u1680\u2000-\u200a\u2010-\u2015\u2018-\u201f\u2024"
    "\u2028\u2029\u202f\u2032\u2033\u2043\u205f\u2070-\u209c\u2100-\u214f\u2212\u2460-\u24ff\u2776-\u2793\u3000"
    "\ufe50-\ufe6b\uff01-\uff5e\U0001d400-\U0001d7ff\U0001f100-\U0001f1aa"
)
# The digits of scripts that have their own, by the first of each ten.
_TENS: Final = (
    0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xE50,
    0xED0, 0xF20, 0x1040, 0x17E0, 0x1810,
)  # fmt: skip
_DIGITS: Final = "".join(f"{chr(first)}-{chr(first + 9)}" for first in _TENS)

_SPECIAL: Final = {
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\ufe58\ufe63", "-"),
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033", '"'),
    **dict.fromkeys("\x85\u2028\u2029", "\n"),
    "\u2024": ".",
}
_MARK: Final = re.compile(f"[{_MARKS}]")
_GONE: Final = re.compile(f"[{_INVISIBLE}]")
# One class, which is looked for at the speed of a loop in C.
_STRANGE: Final = re.compile(f"[{_MARKS}{_INVISIBLE}{_FORMS}{_DIGITS}{TAGS}]")
_CONTROLS: Final = bytes((*range(9), 11, 12, *range(14, 32), 127))
_NOT_PLAIN: Final = re.compile(r"[^\t\n\r\x20-\x7e]+")
_WORD: Final = re.compile(r"""[^\s"'<>()=,;]+""")
_FOLD: Final = str.maketrans(LOOKALIKES)
_PLAIN: Final = re.compile(r"[A-Za-z0-9@]")


class Normalized(NamedTuple):
    """A text made plain, and where it stood."""

    text: str
    begins: tuple[int, ...] = ()
    """Positions in `text` behind which the distance to the original changes, ascending."""
    shifts: tuple[int, ...] = ()
    """For each of them what is to be added from there on."""

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Return where the characters `start` to `end` of `text` stand in the original.

        What was left out behind the last of them (its accents, invisible characters) is included.
        """
        if not self.begins:
            return start, end
        return self._at(start), self._at(end)

    def _at(self, position: int) -> int:
        place = bisect_right(self.begins, position) - 1
        return position if place < 0 else position + self.shifts[place]


def normalized(text: str) -> Normalized:
    """Make a text plain. An ASCII text without invisible characters comes back as it is."""
    if text.isascii():
        if text.encode().translate(None, _CONTROLS) == text.encode():
            return Normalized(text)
        return _without_strange(text)
    # Few characters of most texts are beyond ASCII: looking at each kind once is all it takes.
    beyond = "".join(set("".join(_NOT_PLAIN.findall(text))))
    plain = Normalized(text) if _STRANGE.search(beyond) is None else _without_strange(text)
    if LOOKALIKES.keys().isdisjoint(beyond):
        return plain
    return plain._replace(text=_WORD.sub(_undisguised, plain.text))


def _without_strange(text: str) -> Normalized:
    parts: list[str] = []
    begins: list[int] = []
    shifts: list[int] = []
    taken = made = 0
    for match in _STRANGE.finditer(text):
        start = match.start()
        if start > taken:
            parts.append(text[taken:start])
            made += start - taken
        taken = start + 1
        found = match.group()
        if _MARK.match(found):
            if parts:
                parts[-1] = _accented(parts[-1], found)
        elif not _GONE.match(found):
            parts.append(_formed(found))
            made += 1
            continue
        begins.append(made)
        shifts.append(taken - made)
    parts.append(text[taken:])
    return Normalized("".join(parts), tuple(begins), tuple(shifts))


def _accented(before: str, mark: str) -> str:
    """Join a mark with the letter before it; one that has no such letter is left out."""
    joined = unicodedata.normalize("NFC", before[-1] + mark)
    return before[:-1] + joined if len(joined) == 1 else before


@lru_cache(maxsize=4096)
def _formed(character: str) -> str:
    """Return the plain form, always of one character; the same where there is none."""
    if character in _SPECIAL:
        return _SPECIAL[character]
    code = ord(character)
    if 0xE0000 <= code <= 0xE007F:  # noqa: PLR2004 - tags
        return chr(code - 0xE0000)
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    plain = unicodedata.normalize("NFKC", character)
    if len(plain) == 1:
        return plain
    # "(1)", "1." and their like.
    inner = plain.strip("().")
    return inner if len(inner) == 1 else character


def _undisguised(match: re.Match[str]) -> str:
    """Fold a word whose letters all are or look Latin; its own letters make it a foreign word."""
    word = match.group()
    if word.isascii() or _PLAIN.search(word) is None:
        return word
    folded = word.translate(_FOLD)
    if any(not letter.isascii() and _own_script(letter) for letter in folded):
        return word
    return folded


def _own_script(letter: str) -> bool:
    return letter.isalpha() and not unicodedata.name(letter, "").startswith("LATIN")
