"""Random numbers that depend on what they are for, not on when they are drawn.

Two worlds draw the same number for the same purpose, so that their difference is the change and
not chance (common random numbers: Law, "Simulation Modeling and Analysis", 11.2). The mixing
function is SplitMix64's (Steele, Lea & Flood 2014).
"""

from typing import Final

_MASK: Final = (1 << 64) - 1
_GAMMA: Final = 0x9E3779B97F4A7C15
_BITS: Final = 53
_SCALE: Final = 1.0 / (1 << _BITS)


def uniform(seed: int, stream: int, number: int) -> float:
    """Return a number in [0, 1) fixed by a seed, a stream and its place in the stream."""
    mixed = seed + stream * 0xD1342543DE82EF95 + (number + 1) * _GAMMA & _MASK
    mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & _MASK
    return ((mixed ^ mixed >> 31) >> 11) * _SCALE


class Dice:
    """One request's draws in order, for decisions that ask for a `random`."""

    __slots__ = ("_number", "_seed", "_stream")

    def __init__(self, seed: int, stream: int) -> None:
        self._seed = seed
        self._stream = stream
        self._number = -1

    def __call__(self) -> float:
        """Return the next number."""
        self._number += 1
        return uniform(self._seed, self._stream, self._number)
