"""What the names tagger sees of each token: the same words in training and at run time.

A feature is a short string. `own` and `beside` depend on one word alone, so that their weights
are added up once a distinct word; `joined` depends on a token and its neighbours.
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final
from zlib import crc32

import msgspec

from legato.guardrails.names.tokens import Token

OFFSETS: Final = (-3, -2, -1, 1, 2, 3)
"""Which neighbours' own traits a token sees."""
PHRASE_TOKENS_MAX: Final = 3
_NUMBER_DIGITS_MAX: Final = 7
_SHAPE_MAX: Final = 6
CODE_CHARACTERS_MIN: Final = 9
"""Letters and digits mixed are a code from this length on; shorter ones may be postal codes."""
_FLAGS: Final = "FSCNwvuP"
"""Lists that a word may be in, one a bit: first names, surnames, places, countries and regions,
English words by how common they are (w, v, u), and other proper names."""


class Lexicon:
    """Word lists, as sorted hashes with a byte of flags each, and clusters of common words."""

    def __init__(self, hashes: Sequence[int], flags: bytes, clusters: bytes) -> None:
        """Look words up in sorted CRC-32s; flags and clusters stand in their order."""
        self._hashes = hashes
        self._flags = flags
        self._clusters = clusters

    def look_up(self, word: str) -> tuple[int, int]:
        """Return a lower-case word's flags, bits as in `_FLAGS`, and cluster (0: none)."""
        key = crc32(word.encode("utf-8", "surrogatepass"))
        at = bisect_left(self._hashes, key)
        if at < len(self._hashes) and self._hashes[at] == key:
            return self._flags[at], self._clusters[at]
        return 0, 0


class Traits(msgspec.Struct, frozen=True, gc=False):
    """What a word shows by itself."""

    low: str
    shape: str
    flags: str
    cluster: str


def traits_of(word: str, lexicon: Lexicon) -> Traits:
    """Return what a word shows by itself."""
    if word.isdigit():
        shape = "d" * min(len(word), _NUMBER_DIGITS_MAX)
        return Traits("0" * min(len(word), _NUMBER_DIGITS_MAX), shape, "", "")
    if "://" in word or ("@" in word and len(word) > 1):
        return Traits("@@", "@@", "", "")
    if not word.isalpha() and any(letter.isdigit() for letter in word):
        shape = _kinds(word) if len(word) < CODE_CHARACTERS_MIN else "code"
        return Traits(shape, shape, "", "")
    if not word[0].isalpha():
        sign = word[0] if word[0].isprintable() else "end" if word == "\n" else "?"
        return Traits(sign, sign, "", "")
    low = word.lower()
    bits, cluster = lexicon.look_up(low)
    flags = "".join(letter for at, letter in enumerate(_FLAGS) if bits >> at & 1)
    return Traits(low, _shape(word), flags, str(cluster) if cluster else "")


def _shape(word: str) -> str:
    if word.islower():
        shape = "x"
    elif len(word) == 1:
        shape = "X" if word.isupper() else "?"
    elif word.isupper():
        shape = "XX"
    elif word[0].isupper() and word[1:].islower():
        shape = "Xx"
    else:
        shape = _kinds(word)
    return shape if word[0] < "\u0370" else shape + _script(word[0])


def _kinds(word: str) -> str:
    kinds: list[str] = []
    for letter in word:
        kind = "d" if letter.isdigit() else "X" if letter.isupper() else "x"
        kind = kind if letter.isalnum() else letter
        if not kinds or kinds[-1] != kind:
            kinds.append(kind)
    return "".join(kinds[:_SHAPE_MAX])


def _script(letter: str) -> str:
    for last, name in (
        ("\u03ff", "g"),
        ("\u052f", "c"),
        ("\u0dff", "i"),
        ("\u2fff", "o"),
        ("\u30ff", "k"),
    ):
        if letter <= last:
            return name
    return "h"


def own(traits: Traits) -> list[str]:
    """Return the features of a word for its own token."""
    low, shape, flags = traits.low, traits.shape, traits.flags
    return [
        "w=" + low,
        "s=" + shape,
        "f=" + flags,
        f"fs={flags}|{shape}",
        "c=" + traits.cluster,
        "p2=" + low[:2],
        "p3=" + low[:3],
        "x1=" + low[-1:],
        "x2=" + low[-2:],
        "x3=" + low[-3:],
        "x4=" + low[-4:],
        "x5=" + low[-5:],
        f"n={min(len(low), 9)}",
    ]


def beside(traits: Traits, offset: int) -> list[str]:
    """Return the features of a word for the token that it stands `offset` tokens behind."""
    found = [f"{offset}w={traits.low}", f"{offset}c={traits.cluster}"]
    if abs(offset) < OFFSETS[-1]:
        found += [f"{offset}s={traits.shape}", f"{offset}f={traits.flags}"]
    if abs(offset) == 1:
        found += [f"{offset}x3={traits.low[-3:]}", f"{offset}p3={traits.low[:3]}"]
    return found


BEYOND: Final = Traits("", "", "", "")
"""What stands before the first token and behind the last."""


def joined(seen: Sequence[Traits], at: int, glue: str, phrases: Sequence[str]) -> list[str]:
    """Return the features of token `at` together with its neighbours.

    `glue` says what touches the token, `phrases[at]` which list holds a phrase it is part of.
    """
    now = seen[at]
    last = seen[at - 1] if at else BEYOND
    last_but_one = seen[at - 2] if at > 1 else BEYOND
    following = seen[at + 1] if at + 1 < len(seen) else BEYOND
    after = seen[at + 2] if at + 2 < len(seen) else BEYOND
    here = f"{now.shape}{now.flags}"
    return [
        f"a={last.shape}|{here}",
        f"b={here}|{following.shape}",
        f"d={last.flags}|{now.flags}|{last.shape}{now.shape}",
        f"e={now.flags}|{following.flags}|{now.shape}{following.shape}",
        f"h={last.low}|{here}",
        f"i={here}|{following.low}",
        f"j={last_but_one.low}|{last.low}",
        f"k={following.low}|{after.low}",
        f"l={last.low}|{following.low}",
        f"o={last.cluster}|{here}",
        f"q={last_but_one.shape}|{last.shape}|{now.shape}|{following.shape}|{after.shape}",
        f"r={last_but_one.low}|{last.low}|{here}",
        f"t={glue}|{now.shape}|{now.flags}",
        f"y={phrases[at]}|{now.shape}",
    ]


def glue_of(tokens: Sequence[Token], at: int, case: str) -> str:
    """Return what touches a token before and behind, and how its text is written."""
    before = "1" if tokens[at].glued else "0"
    behind = "1" if at + 1 < len(tokens) and tokens[at + 1].glued else "0"
    return before + behind + case


def case_of(tokens: Sequence[Token]) -> str:
    """Return `l`, `u` or `m`: all in lower case, all in capitals, or mixed."""
    letters = "".join([token.text for token in tokens if token.text[0].isalpha()])
    return "l" if letters.islower() else "u" if letters.isupper() else "m"


def phrases_of(seen: Sequence[Traits], lexicon: Lexicon) -> list[str]:
    """Return for each token which lists hold a phrase of two or three words it is part of."""
    marks = [""] * len(seen)
    for at in range(len(seen) - 1):
        if not seen[at].low[:1].isalpha() or not seen[at + 1].low[:1].isalpha():
            continue
        phrase = seen[at].low
        for length in range(1, PHRASE_TOKENS_MAX):
            if at + length >= len(seen) or not seen[at + length].low[:1].isalpha():
                break
            phrase += " " + seen[at + length].low
            bits, _ = lexicon.look_up(phrase)
            if bits:
                marks[at : at + length + 1] = [str(bits)] * (length + 1)
    return marks
