"""How long a deployment takes to answer: drawn from what was recorded of it, or as given.

An answer takes its time to the first token, then the same time for each token it writes.
"""

from collections.abc import Sequence
from statistics import NormalDist
from typing import Final, NamedTuple, Protocol

from legato.core.errors import InvalidRequest

_BIN_SAMPLES_MIN: Final = 20
"""Fewer than that in a class of input lengths, and it is joined with the next one."""
_Z95: Final = NormalDist().inv_cdf(0.95)


class Took(NamedTuple):
    """Microseconds to the first token, and for each token written."""

    first_us: float
    per_token_us: float

    def total_us(self, output_tokens: int) -> int:
        """Return the whole time of an answer."""
        return round(self.first_us + self.per_token_us * output_tokens)


class Sample(NamedTuple):
    """One answered attempt as it was recorded."""

    input_tokens: int
    output_tokens: int
    first_us: int
    total_us: int
    streamed: bool


class ServiceTimes(Protocol):
    """Where a deployment's times come from."""

    def draw(self, chance: float, input_tokens: int) -> Took:
        """Return a time for `chance` in [0, 1)."""
        ...


class Given:
    """Times as the scenario gives them: log-normal where two quantiles are given, else fixed."""

    def __init__(
        self, first_ms: float, per_token_ms: float, first_ms_p95: float | None = None
    ) -> None:
        self._first_us = first_ms * 1_000
        self._per_token_us = per_token_ms * 1_000
        self._spread = (first_ms_p95 / first_ms) ** (1 / _Z95) if first_ms_p95 else 1.0
        self._normal = NormalDist()

    def draw(self, chance: float, input_tokens: int) -> Took:
        """Return a time; the length of the input changes nothing."""
        del input_tokens
        first_us = self._first_us
        if self._spread != 1:
            first_us *= self._spread ** self._normal.inv_cdf(min(max(chance, 1e-9), 1 - 1e-9))
        return Took(first_us, self._per_token_us)


class Empirical:
    """Times drawn again from recorded ones of inputs of about that length (factor 2).

    Both times of a draw are of one recorded answer, so what goes together stays together
    (Efron 1979). Of an answer that came whole only its total is known: the time per token is then
    the slope of a straight line through all such totals, never negative, and the rest of each
    total stands for its first token.
    """

    def __init__(self, samples: Sequence[Sample]) -> None:
        """`samples` are not empty."""
        slope = _slope([one for one in samples if not one.streamed])
        found: dict[int, list[Took]] = {}
        for one in samples:
            found.setdefault(one.input_tokens.bit_length(), []).append(_took(one, slope))
        self.count = len(samples)
        self._bins = _joined(found)

    def draw(self, chance: float, input_tokens: int) -> Took:
        """Return one of the recorded times."""
        bins = self._bins
        times = bins[min(input_tokens.bit_length(), len(bins) - 1)]
        return times[int(chance * len(times))]


class Changed:
    """Times of another deployment, or of the same, by a factor."""

    def __init__(self, times: ServiceTimes, first_factor: float, per_token_factor: float) -> None:
        self._times = times
        self._first = first_factor
        self._per_token = per_token_factor

    def draw(self, chance: float, input_tokens: int) -> Took:
        """Return a changed time."""
        took = self._times.draw(chance, input_tokens)
        return Took(took.first_us * self._first, took.per_token_us * self._per_token)


class Unknown:
    """Of a deployment of which neither a record nor the scenario tells."""

    def __init__(self, name: str) -> None:
        self._name = name

    def draw(self, chance: float, input_tokens: int) -> Took:
        """Refuse, once a simulated call gets that far. Raises InvalidRequest, always."""
        del chance, input_tokens
        msg = (
            f"nothing is recorded of how long deployment {self._name!r} takes, and calls would go "
            "to it: add it to `latency` with first_token_ms and per_token_ms, or `like` another"
        )
        raise InvalidRequest(msg, param="latency")


def _took(sample: Sample, slope: float) -> Took:
    if sample.streamed:
        rest_us = max(0, sample.total_us - sample.first_us)
        return Took(sample.first_us, rest_us / max(1, sample.output_tokens))
    per_token = min(slope, sample.total_us / max(1, sample.output_tokens))
    return Took(sample.total_us - per_token * sample.output_tokens, per_token)


def _slope(samples: Sequence[Sample]) -> float:
    """Return the least-squares slope of total time over tokens, at least 0."""
    if len(samples) < _BIN_SAMPLES_MIN:
        return 0.0
    mean_out = sum(one.output_tokens for one in samples) / len(samples)
    mean_us = sum(one.total_us for one in samples) / len(samples)
    spread = sum((one.output_tokens - mean_out) ** 2 for one in samples)
    shared = sum((one.output_tokens - mean_out) * (one.total_us - mean_us) for one in samples)
    return max(0.0, shared / spread) if spread else 0.0


def _joined(found: dict[int, list[Took]]) -> list[list[Took]]:
    """Return the times by the bits of the input's length, neighbours joined where they are few."""
    groups: list[tuple[int, list[Took]]] = []
    waiting: list[Took] = []
    for bits in sorted(found):
        waiting = waiting + found[bits]
        if len(waiting) >= _BIN_SAMPLES_MIN:
            groups.append((bits, waiting))
            waiting = []
    longest = max(found)
    if waiting:
        before = groups.pop()[1] if groups else []
        groups.append((longest, before + waiting))
    return [next(times for last, times in groups if last >= bits) for bits in range(longest + 1)]
