"""What a topic is known by: examples as vectors, and the nearness from which a text is about it.

A text's nearness is the mean of its cosines with the nearest three examples. All vectors are first
taken relative to the mean of a background of everyday requests: what any request has in common
with any other says nothing. Nearer to counter-examples than to examples, it loses the difference.

The threshold comes of two samples: the background, of which a stated share may lie above it, and
the examples themselves, each held against the others (leave-one-out).
"""

from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEAREST: Final = 3
_MID: Final = 0.1
"""A topic's threshold lies halfway to what this share of its examples stays below."""
_LOWEST: Final = 0.1
"""Where only topics are allowed, so many of their own examples may be told as off them."""
_SHARES_MAX: Final = 2
"""Examples of unlike matters may let in so many times the share of the background, not more."""
_EVEN: Final = 0.5
_LEAST: Final = 1e-6
_STRANGE: Final = 0.75
"""So many everyday requests are less near to any other one than what may say the same."""


class Background(msgspec.Struct, frozen=True, eq=False):
    """Everyday requests, as vectors relative to their mean."""

    mean: "NDArray[np.float32]"
    rows: "NDArray[np.float32]"
    even: float = 0.5
    """The cosine from which a text may say the same as another: see `nearness`."""

    def placed(self, vectors: "NDArray[np.float32]") -> "NDArray[np.float32]":
        """Return vectors relative to the mean, of length 1; an unknown text stays zero."""
        known = np.any(vectors, axis=1, keepdims=True)
        moved = np.where(known, vectors - self.mean, 0.0)
        lengths = np.linalg.norm(moved, axis=1, keepdims=True)
        placed: NDArray[np.float32] = moved / np.maximum(lengths, _LEAST)
        return placed


class Profile(msgspec.Struct, frozen=True, eq=False):
    """One topic. `recalled` is the share of its examples that the others find."""

    examples: "NDArray[np.float32]"
    counters: "NDArray[np.float32]"
    threshold: float
    recalled: float
    passed: float
    """The share of the background that lies above the threshold."""

    def scores(self, placed: "NDArray[np.float32]") -> "NDArray[np.float64]":
        """Return for each text how sure it is about the topic: 0.5 at the threshold, up to 1."""
        near, least = _near(placed, self.examples, self.counters), max(self.threshold, _LEAST)
        above = _EVEN + _EVEN * (near - self.threshold) / max(1.0 - self.threshold, _LEAST)
        below = _EVEN * near / least
        found: NDArray[np.float64] = np.clip(np.where(near >= self.threshold, above, below), 0, 1)
        return found


def background_of(vectors: "NDArray[np.float32]") -> Background:
    """Return the background that these vectors are."""
    mean = vectors.mean(axis=0)
    rows = Background(mean, vectors).placed(vectors)
    cosines = rows @ rows.T
    np.fill_diagonal(cosines, -1.0)
    even = float(np.quantile(cosines.max(axis=1), _STRANGE))
    return Background(mean, rows, min(max(even, _LEAST), 1.0 - _LEAST))


def nearness(
    said: "NDArray[np.float32]", told: "NDArray[np.float32]", background: Background
) -> "NDArray[np.float64]":
    """Return how near each text is to the nearest of others in meaning, 0 to 1.

    0.5 is the cosine that three of four everyday requests don't have with any other of them: unlike
    a cosine it means the same whatever the embedder. Inputs are rows of vectors as they come.
    """
    cosines = (background.placed(said) @ background.placed(told).T).max(axis=1)
    even = background.even
    above = _EVEN + _EVEN * (cosines - even) / (1.0 - even)
    found: NDArray[np.float64] = np.clip(
        np.where(cosines >= even, above, _EVEN * cosines / even), 0, 1
    ).astype(np.float64)
    return found


def profile_of(
    examples: "NDArray[np.float32]",
    counters: "NDArray[np.float32]",
    background: Background,
    *,
    background_share: float,
    allowing: bool,
    threshold: float | None = None,
) -> Profile:
    """Calibrate a topic; `allowing` tells that texts must be about it, not that they mustn't."""
    own, against = background.placed(examples), background.placed(counters)
    others = np.array(
        [_near(own[at : at + 1], np.delete(own, at, axis=0), against)[0] for at in range(len(own))]
    )
    strangers = _near(background.rows, own, against)
    if threshold is None:
        threshold = float(np.quantile(strangers, 1 - background_share))
        if allowing:
            most = float(np.quantile(strangers, 1 - min(1.0, _SHARES_MAX * background_share)))
            threshold = max(min(threshold, float(np.quantile(others, _LOWEST))), most)
        else:
            threshold = max(threshold, (threshold + float(np.quantile(others, _MID))) / 2)
        threshold = max(threshold, _LEAST)
    return Profile(
        own,
        against,
        threshold,
        float((others >= threshold).mean()),
        float((strangers >= threshold).mean()),
    )


def _near(
    placed: "NDArray[np.float32]",
    examples: "NDArray[np.float32]",
    counters: "NDArray[np.float32]",
) -> "NDArray[np.float64]":
    near = _nearest(placed, examples)
    if len(counters):
        near = near - np.maximum(_nearest(placed, counters) - near, 0.0)
    return near


def _nearest(
    placed: "NDArray[np.float32]", examples: "NDArray[np.float32]"
) -> "NDArray[np.float64]":
    cosines = np.sort(placed @ examples.T, axis=1)[:, -NEAREST:]
    nearness: NDArray[np.float64] = cosines.mean(axis=1, dtype=np.float64)
    return nearness
