"""What the classifier sees of a sentence: which classes of words it has, and in which order.

A class holds words that do the same in an attack: whom it is about, an insult, a threat. Words that
are in none say nothing, so a text is judged by a few hundred features that can be read.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

_WORD: Final = re.compile(r"""[^\W\d_]+(?:['-][^\W\d_]+)*|[!?"]""")
_QUOTES: Final = str.maketrans("\u2018\u2019\u201c\u201d", "''\"\"")
_MASKED: Final = re.compile(r"(?<=\w)[*#@!]+(?=\w)")
_LEET_SIGN: Final = re.compile(r"[013457@$]")
_LEETED: Final = re.compile(r"[\w@$]+")
_LETTER: Final = re.compile(r"[a-z]")
_LEET: Final = str.maketrans("013457@$", "oieastas")
_STRETCHED: Final = re.compile(r"(\w)\1{2,}")
_ROOTS: Final = (
    ("fuck", "vulgar"), ("shit", "vulgar"), ("asshole", "vulgar"), ("cunt", "slur"),
    ("nigg", "slur"), ("faggot", "slur"), ("bitch", "slur"), ("whore", "slur"), ("tards", "insult"),
)  # fmt: skip
"""What gives a word its class wherever it stands in it."""
_HARMLESS: Final = frozenset({"scunthorpe", "shiitake", "shitake", "mishit"})
_PLURALS: Final = frozenset({"insult", "slur", "vulgar"})
_REACH: Final = 4
"""How many words of a class are looked at behind one."""
_FAR: Final = 6
"""How many words may lie between."""
_SHORT: Final = 3
_BEGINNING: Final = 3
"""Letters by which words that are beginnings are found."""
_REMEMBERED: Final = 20_000
_SIGNS: Final = frozenset('!?"')
TELLING: Final = frozenset({"die", "harm", "hate", "insult", "shut", "slur", "vile", "vulgar"})
"""Classes of which a sentence must have one to be an attack: naming a group of people is none."""


class Words:
    """Classes of words, as `words.txt` lists them."""

    def __init__(self, lines: Iterable[str]) -> None:
        """A line is a class, a colon and its words; one ending in * is the beginning of words."""
        self._exact: dict[str, list[str]] = {}
        self._beginnings: dict[str, list[tuple[str, str]]] = {}
        for line in lines:
            name, _, words = line.partition(":")
            if line.startswith("#") or not words:
                continue
            for word in words.split():
                if word.endswith("*"):
                    known = self._beginnings.setdefault(word[:_BEGINNING], [])
                    known.append((word[:-1], name))
                elif name not in self._exact.get(word, ()):
                    self._exact.setdefault(word, []).append(name)
        self.of = lru_cache(_REMEMBERED)(self._of)
        """Returns the classes of a word in small letters."""

    def _of(self, word: str) -> tuple[str, ...]:
        found = list(self._exact.get(word, ()))
        beginnings = self._beginnings.get(word[:_BEGINNING], ())
        found += [name for start, name in beginnings if word.startswith(start)]
        if word not in _HARMLESS:
            found += [name for root, name in _ROOTS if root in word]
        if not found and word.endswith("s"):
            found = [name for name in self._exact.get(word[:-1], ()) if name in _PLURALS]
        return tuple(dict.fromkeys(found))


def features(text: str, words: Words) -> set[str]:
    """Return what is to be seen in a sentence, each once."""
    tokens = _WORD.findall(_plain(text))
    seen = {one for one in tokens if one in _SIGNS}
    placed: list[tuple[int, tuple[str, ...]]] = []
    for place, word in enumerate(tokens):
        classes = () if word in _SIGNS else words.of(word)
        for name in classes:
            seen.add(f"{name}2" if name in seen else name)
            if place == 0:
                seen.add(f"^{name}")
        if classes:
            placed.append((place, classes))
    if sum(one not in _SIGNS for one in tokens) <= _SHORT:
        seen.add("short")
    for index, (place, classes) in enumerate(placed):
        for later, others in placed[index + 1 : index + 1 + _REACH]:
            if later - place > _FAR:
                break
            seen.update([f"{name}>{other}" for name in classes for other in others])
            if later == place + 1:
                seen.update([f"{name}+{other}" for name in classes for other in others])
    return seen


def _plain(text: str) -> str:
    """Return a text in small letters, without the disguises that such words come in."""
    plain = _MASKED.sub("u", text.lower().translate(_QUOTES))
    if _LEET_SIGN.search(plain):
        plain = _LEETED.sub(_unleeted, plain)
    return _STRETCHED.sub(r"\1", plain)


def _unleeted(word: re.Match[str]) -> str:
    return word[0].translate(_LEET) if _LETTER.search(word[0]) else word[0]
