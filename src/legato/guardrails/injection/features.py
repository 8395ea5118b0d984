"""What the classifier sees of a piece of text: words, their neighbours, what they do, disguises."""

import re
from itertools import pairwise
from typing import Final

from legato.guardrails.injection.concepts import concepts
from legato.guardrails.injection.disguises import unveiled

_WORDS: Final = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?|\d+|[^\w\s]")
_CJK: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_STEM: Final = 5
_REACH: Final = 3
"""How many words that do something are looked at behind one that does."""
_FAR: Final = 8
"""How many words may lie between them."""
_FEW_CAPITALS: Final = 3
_SHORT: Final = 3
"""Letters of words that may be abbreviations, or of two signs of a script without spaces."""
_ROLE_SIGN: Final = re.compile(r"[<\[#:]|===|-----")
_ROLE: Final = re.compile(
    r"<\|?\w+\|?>|\[/?(?:inst|system|admin)\b|#{2,}|\b(?:system|assistant|user|human|admin):"
    r"|={3,}|-{5,}|\[\[",
    re.IGNORECASE,
)
_URL_SIGN: Final = re.compile(r"\.\w|://|www\.", re.IGNORECASE)
_URL: Final = re.compile(
    r"https?://|www\.|\b[\w-]+\.(?:com|net|org|io|xyz|ru|info|example)\b", re.IGNORECASE
)
_CODE_SIGN: Final = re.compile(r"[(`{}$;&]|import\s")
_CODE: Final = re.compile(r"\w\(['\"]|[`{}]|\$\(|;\s*$|&&|\bimport\s+os\b")
_QUOTE: Final = re.compile(r"['\"“][^'\"”]{8,}['\"”]")
_PUNCTUATED: Final = re.compile(r"[^\w\s,]")


def features(text: str) -> set[str]:
    """Return what is to be seen in a short text, each once."""
    plain = unveiled(text)
    words = _split(plain.text)
    seen = {f"!{disguise}" for disguise in plain.disguises}
    if _PUNCTUATED.search(text):
        _add_shapes(seen, text)
    capitals = [word for word in text.split() if word.isupper() and len(word) > _SHORT]
    if capitals:
        seen.add("!capitals" if len(capitals) >= _FEW_CAPITALS else "!capital")
    _add_words(seen, words)
    _add_deeds(seen, words)
    return seen


def _add_shapes(seen: set[str], text: str) -> None:
    if _ROLE_SIGN.search(text) and _ROLE.search(text):
        seen.add("!role")
    if "." in text and _URL_SIGN.search(text) and _URL.search(text):
        seen.add("!url")
    if _CODE_SIGN.search(text) and _CODE.search(text):
        seen.add("!code")
    if _QUOTE.search(text):
        seen.add("!quote")
    if text.startswith(("//", "# ", "/*", "<!--")):
        seen.add("!comment")


def _split(text: str) -> list[str]:
    words = _WORDS.findall(text)
    if _CJK.search(text):
        parted: list[str] = []
        for word in words:
            if _CJK.match(word) and len(word) >= _SHORT:
                parted.extend(word[place : place + 2] for place in range(len(word) - 1))
            else:
                parted.append(word)
        return parted
    return words


def _add_words(seen: set[str], words: list[str]) -> None:
    stems = [word[:_STEM] for word in words]
    seen.update(stems)
    seen.update([f"{one} {two}" for one, two in pairwise(stems)])
    if stems:
        seen.add(f"^{stems[0]}")
    if len(stems) > 1:
        seen.add(f"^{stems[0]} {stems[1]}")


def _add_deeds(seen: set[str], words: list[str]) -> None:
    deeds = [(place, does) for place, word in enumerate(words) if (does := concepts(word))]
    last = len(deeds) - 1
    for index, (place, does) in enumerate(deeds):
        seen.update(does)
        near = index
        while near < last and near < index + _REACH and deeds[near + 1][0] <= place + _FAR:
            near += 1
            for deed in does:
                for other in deeds[near][1]:
                    seen.add(deed + other)
        if near > index + 1:
            seen.add(does[0] + deeds[index + 1][1][0] + deeds[index + 2][1][0])
