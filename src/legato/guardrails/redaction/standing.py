"""Finds what stands for values in a text, in time that hardly depends on how many there are.

One expression finds where something of the right form begins: for each length, and each position,
the characters that any of that length has there. What is there is then looked up.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Final, NamedTuple

_WINDOW_CHARS: Final = 65_536
"""An expression holds the interpreter while it runs: never longer than this takes, 1 ms or two."""


class Standing(NamedTuple):
    """Something in a text that stands for a value."""

    start: int
    end: int
    text: str


class Index:
    """All that stands for the values of a request."""

    def __init__(self, values: Mapping[str, str]) -> None:
        """`values` are keyed by what stands for them; they may not change while this lives."""
        self._values = values
        by_size: dict[int, list[str]] = {}
        for one in values:
            by_size.setdefault(len(one), []).append(one)
        self._sizes: Final = sorted(by_size, reverse=True)
        forms = ["".join(map(_any_of, zip(*by_size[size], strict=True))) for size in self._sizes]
        self.form: Final = "|".join(forms) or r"(?!)"
        """The expression."""
        self._compiled: Final = re.compile(self.form, re.DOTALL)
        self.longest: Final = max(self._sizes, default=1) - 1
        """The length of the longest proper beginning."""

    def found_in(self, text: str) -> Iterator[Standing]:
        """Yield all that is in a text, in its order; what overlaps, too."""
        at = 0
        while at < len(text):
            until = at + _WINDOW_CHARS
            match = self._compiled.search(text, at, until + self.longest)
            if match is None:
                at = until
                continue
            start = match.start()
            for size in self._sizes:
                one = text[start : start + size]
                if len(one) == size and one in self._values:
                    yield Standing(start, start + size, one)
            at = start + 1

    def begins(self, text: str) -> bool:
        """Whether a text is a proper beginning of something that stands for a value."""
        at = bisect_left(self._sorted, text)
        if at < len(self._sorted) and self._sorted[at] == text:
            at += 1
        return at < len(self._sorted) and self._sorted[at].startswith(text)

    @cached_property
    def firsts(self) -> frozenset[str]:
        """The characters that any begins with."""
        return frozenset(one[0] for one in self._values)

    @cached_property
    def _sorted(self) -> list[str]:
        return sorted(self._values)


def _any_of(characters: tuple[str, ...]) -> str:
    kinds = sorted(set(characters))
    if len(kinds) == 1:
        return re.escape(kinds[0])
    return f"[{''.join(map(re.escape, kinds))}]"
