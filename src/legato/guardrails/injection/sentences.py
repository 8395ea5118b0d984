"""Cuts a text into sentences, each with its place in it."""

import re
from collections.abc import Iterator
from typing import Final

_LONGEST: Final = 240
"""Characters of a sentence; what is longer is cut at a space."""
_HUGE: Final = 4096
"""Characters of one word, from which it is cut, too."""
_SENTENCE: Final = re.compile(
    r"[^\S\n]*(?P<words>[^\n]+?(?:[.!?;|](?=[\s\"'”)]|[A-Z][a-z])[\"'”)]*|[\u3002\uff01\uff1f]|(?=\n)|$))"
)


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """Yield where each sentence begins and ends, in characters."""
    for found in _SENTENCE.finditer(text):
        start, end = found.span("words")
        while end - start > _LONGEST:
            cut = text.rfind(" ", start + _LONGEST // 2, start + _LONGEST)
            if cut < 0:
                cut = text.find(" ", start + _LONGEST, min(end, start + _HUGE))
                cut = cut if cut >= 0 else min(end, start + _HUGE)
            yield start, cut
            start = cut
        if end - start > 1 or text[start:end].isalnum():
            yield start, end
