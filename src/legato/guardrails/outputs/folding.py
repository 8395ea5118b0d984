"""Texts without what changes nothing of what they say: case, spaces, signs, invisible marks."""

from bisect import bisect_right
from itertools import accumulate


def folded(text: str) -> str:
    """Return letters and digits alone, in lower case."""
    return "".join(filter(str.isalnum, text.casefold()))


class Offsets:
    """Where the characters of a folded text stand in the text itself."""

    def __init__(self, text: str) -> None:
        """Folding each character by itself gives the same as folding all of them."""
        lengths = [len(folded(char)) for char in text]
        self._ends = list(accumulate(lengths))

    def start(self, at: int) -> int:
        """Return the index of the character that holds the folded one at `at`."""
        return bisect_right(self._ends, at)

    def end(self, at: int) -> int:
        """Return the index after the character whose folded ones end at `at`."""
        return self.start(at - 1) + 1
