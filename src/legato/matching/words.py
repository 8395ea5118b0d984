"""Forms of a word brought together."""

from functools import lru_cache
from typing import Final

from legato.matching.vocabulary import ALIASES

_SHORT: Final = 3
"""A word this short is its own stem."""
_VOWELS: Final = frozenset("aeiouy")


@lru_cache(maxsize=16_384)
def stem(word: str) -> str:
    """Return a word's stem: plural, -ing, -ed and -ly taken off, a doubled last letter made one.

    Coarser rules (Porter 1980) bring words of two meanings together, which costs a wrong answer;
    these leave some forms of one word apart, which costs a hit.
    """
    word = word.removesuffix("'s").removesuffix("s'")
    if word in ALIASES:
        return ALIASES[word]
    if len(word) <= _SHORT or not word.isalpha():
        return word
    word = _singular(word)
    for ending in ("ing", "ed", "ly"):
        root = word.removesuffix(ending)
        if root != word and len(root) >= _SHORT and not _VOWELS.isdisjoint(root):
            return _restored(root)
    return ALIASES.get(word, word.removesuffix("e") if len(word) > _SHORT + 1 else word)


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > _SHORT + 1:
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _restored(root: str) -> str:
    doubled = root[-1] == root[-2] and root[-1] not in "lsz"
    root = root[:-1] if doubled else root
    return root.removesuffix("e") if len(root) > _SHORT + 1 else root
