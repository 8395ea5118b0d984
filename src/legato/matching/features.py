"""What speaks for one meaning, in numbers."""

from typing import Final

FEATURES: Final = ("similarity", "close")
"""In the order of the weights."""
_CLOSE: Final = 0.9
"""From this similarity upward the slope may be another one."""


def features(similarity: float) -> tuple[float, ...]:
    """Return the values of `FEATURES`.

    Only the vectors' own are left: overlap and difference of content words, length, the class of
    the question word, margin to the next neighbour and density were all tried, weighed on the
    shipped training data, and brought fewer right hits at the same bound on questions of another
    source. docs/explanation/semantic-cache-bound.md has the figures.
    """
    return similarity, max(0.0, similarity - _CLOSE)
