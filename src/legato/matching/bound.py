"""Decides which candidates to serve so that wrong hits stay below a share of all requests.

The score of a candidate says how likely it is right. By scores alone the wrong hits are expected
to be the sum of (1 - score); how far that is off is one unknown factor, the `distrust`. It has a
Gamma prior, told by how the packaged weights did on texts they had not seen, and each checked hit
sharpens it: a Poisson count of wrong ones against what their scores expected. Decided is by the
upper quantile of what is known of the factor, and by the scores of recent candidates: the lowest
threshold at which the wrong hits among them would stay below the bound.

Scores can be wrong in ways one factor doesn't tell. So what the checks prove by themselves
(`sampling.py`) is watched: once it is proven that the bound is broken, scores no longer count as
evidence, and from then on a hit is served only while what the checks prove keeps the bound.
`evidence="checks"` decides like this from the first request. `evidence="learnt"` begins so, with
scores that nobody calibrated, and serves by scores as well once checks have told what they are
worth: its prior is wide. Either test alone bounds all wrong hits, so a hit needs to pass one.
"""

from collections.abc import Mapping
from math import sqrt
from statistics import NormalDist
from typing import Final, Literal, NamedTuple

import msgspec

from legato.matching.sampling import wrong_at_least, wrong_at_most
from legato.matching.tally import BINS, Tally, bin_of, lowest_score, typical_error

Evidence = Literal["scores", "checks", "learnt"]


class Prior(NamedTuple):
    """What is supposed of the distrust before a check: its mean, and how firm that is.

    `shape` is as if so many wrong hits had been seen.
    """

    mean: float
    shape: float


PACKAGED: Final = Prior(4.0, 50.0)
"""Wrong hits to those that packaged scores expect, on a development set of another source than
their training data: those were intents, among which few are as near as questions that differ."""
UNKNOWN: Final = Prior(12.0, 1.5)
"""Of an embedder without weights of its own: its scale of similarity may be any."""
PRIORS: Final[dict[str, Prior]] = {"minilm": PACKAGED, "wordllama": PACKAGED}
"""By kind of embedder. Both were told by one development set, which couldn't tell them apart."""
_COIN_SHARE: Final = 0.9
"""The coin is this much rarer than checks may be, so that it seldom meets the limit."""
_REQUESTS_KEPT: Final = 50_000.0
_SPARING_FROM: Final = 0.5
"""This share of the budget spent, only what is surely within it is served."""
_MARGINAL: Final = 13.5
"""A hit so many times likelier to be wrong than the bound isn't served even while the budget has
room: the index grows, and better candidates come."""
_CHECKS_KEPT: Final = 500.0
_RENEWED_EVERY: Final = 20
"""A threshold is found anew after so many requests."""


class BoundSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an operator states.

    `bound` is the greatest share of wrong hits of all requests, `per_hit` of hits (None:
    unbounded), `confidence` that of either, `check_rate` the greatest share of hits that are
    checked.
    """

    bound: float = 0.01
    per_hit: float | None = None
    confidence: float = 0.95
    check_rate: float = 0.05
    evidence: Evidence = "scores"
    prior: Prior = PACKAGED


class Decision(msgspec.Struct, frozen=True):
    """Whether to serve, whether to check what is served, and from which score upward it was."""

    serve: bool
    check: bool
    threshold: float


class OnlineBound:
    """The decisions of one worker, over all partitions that share a bound.

    `own` tallies are this worker's, to be stored and shared; `absorb` takes those of the others,
    and of before a restart. Budgets are kept for each partition by itself; of the scores' worth
    each partition learns from all.
    """

    def __init__(self, settings: BoundSettings) -> None:
        self._settings = settings
        self._own: dict[bytes, Tally] = {}
        self._others: dict[bytes, Tally] = {}
        self._all_checks = Tally()
        self._thresholds: dict[bytes, tuple[int, float, float]] = {}
        self._normal = NormalDist().inv_cdf(settings.confidence)

    def decide(self, partition: bytes, score: float, draw: float) -> Decision:
        """Decide over one request's best candidate: score 0 where there is none.

        `draw` is uniform in [0, 1), and nobody may foresee it. Counts the request.
        """
        tally = self._tally(partition)
        tally.requests += 1
        tally.recent += 1
        least, distrust = self._threshold(partition, tally)
        threshold = least
        if self._settings.evidence == "learnt":
            threshold = min(least, self._coldest)
        if score <= 0:
            return Decision(serve=False, check=False, threshold=threshold)
        tally.scores[bin_of(score)] += 1
        if not self._is_served(partition, score, least, distrust):
            return Decision(serve=False, check=False, threshold=threshold)
        check = draw < self._settings.check_rate * _COIN_SHARE
        if check and not self._may_check(partition):
            # To serve it unchecked would bend the coin; not to serve it costs one hit.
            return Decision(serve=False, check=False, threshold=threshold)
        tally.hits += 1
        tally.recent_hits += 1
        tally.spent += 1 - score
        tally.checked += check
        return Decision(serve=True, check=check, threshold=threshold)

    def learn(self, partition: bytes, score: float, *, right: bool) -> None:
        """Take in what the check of a hit found; `score` is what it was served by."""
        tally = self._tally(partition)
        for seen in (tally, self._all_checks):
            seen.fade_checks(1 - 1 / _CHECKS_KEPT)
            seen.expected += 1 - score
            seen.fresh_wrong += not right
            seen.wrong += not right
        self._note_breach(partition)
        self._thresholds.pop(partition, None)

    def own(self) -> Mapping[bytes, Tally]:
        """Return what this worker has seen, by partition."""
        return self._own

    def absorb(self, others: Mapping[bytes, Tally]) -> None:
        """Put what others have seen, summed by partition, in place of what was known of them."""
        self._others = dict(others)
        self._all_checks = Tally()
        for tallies in (self._own, self._others):
            for tally in tallies.values():
                self._all_checks.add(tally)
        self._thresholds.clear()

    def is_broken(self, partition: bytes) -> bool:
        """Say whether checks have proven that the bound was broken, so that scores lost trust."""
        return self._total(partition).broken > 0

    def reckoned(self, partition: bytes) -> tuple[float, float]:
        """Return how many wrong hits are reckoned with, and how much of the bound that takes.

        By scores both are of recent requests, by checks of all. Of a share of 1 none is served.
        """
        wrong, requests = self._reckoned(self._total(partition), self.distrust(partition))
        budget = self._settings.bound * requests
        return wrong, wrong / budget if budget else 0.0

    def distrust(self, partition: bytes) -> float:
        """Return by how much more wrong hits are reckoned with than scores expect."""
        total = self._total(partition)
        elsewhere_expected = self._all_checks.expected - total.expected
        elsewhere_wrong = self._all_checks.fresh_wrong - total.fresh_wrong
        prior = self._settings.prior
        mean = (prior.shape + max(elsewhere_wrong, 0.0)) / (
            prior.shape / prior.mean + max(elsewhere_expected, 0.0)
        )
        shape = prior.shape + total.fresh_wrong
        return _gamma_quantile(shape, self._normal) / (prior.shape / mean + total.expected)

    def _note_breach(self, partition: bytes) -> None:
        total, settings = self._total(partition), self._settings
        least = wrong_at_least(total.wrong, self._coin, settings.confidence)
        if not total.broken and least > settings.bound * total.requests + 1:
            self._tally(partition).broken = 1

    @property
    def _coin(self) -> float:
        return self._settings.check_rate * _COIN_SHARE

    def _tally(self, partition: bytes) -> Tally:
        found = self._own.get(partition)
        if found is None:
            found = self._own[partition] = Tally()
        return found

    def _total(self, partition: bytes) -> Tally:
        """Return the counts of all workers; `scores` are this one's or nobody's."""
        other = self._others.get(partition)
        own = self._tally(partition)
        if other is None:
            return own
        total = Tally(scores=[])
        total.add_counts(own)
        total.add_counts(other)
        return total

    def _total_with_scores(self, partition: bytes) -> Tally:
        total = Tally()
        for part in (self._tally(partition), self._others.get(partition)):
            if part is not None:
                total.add(part)
        return total

    def _may_check(self, partition: bytes) -> bool:
        total = self._total(partition)
        return total.checked + 1 <= self._settings.check_rate * (total.hits + 1)

    def _is_served(self, partition: bytes, score: float, threshold: float, distrust: float) -> bool:
        """Say whether one more hit keeps the bound, by scores or by what checks prove."""
        total, settings = self._total(partition), self._settings
        if self._goes_by_scores(total) and score >= threshold:
            wrong = (total.spent + 1 - score) * distrust
            if wrong <= settings.bound * total.recent and (
                settings.per_hit is None or wrong <= settings.per_hit * (total.recent_hits + 1)
            ):
                return True
        if settings.evidence == "scores" and not total.broken:
            return False
        if score < (self._coldest if settings.evidence == "learnt" else threshold):
            return False
        wrong, requests = self._proven(total)
        return wrong + 1 <= settings.bound * requests

    def _goes_by_scores(self, total: Tally) -> bool:
        return self._settings.evidence != "checks" and not total.broken

    @property
    def _coldest(self) -> float:
        """From which score upward hits are tried whose scores nobody knows the worth of."""
        return 1 - _MARGINAL * self._settings.bound / PACKAGED.mean

    def _reckoned(self, total: Tally, distrust: float) -> tuple[float, float]:
        """Return how many wrong hits are reckoned with, among how many requests."""
        by_scores = total.spent * distrust, total.recent
        if self._goes_by_scores(total) and self._settings.evidence == "scores":
            return by_scores
        proven = self._proven(total)
        either = self._goes_by_scores(total) and by_scores[0] * proven[1] < proven[0] * by_scores[1]
        return by_scores if either else proven

    def _proven(self, total: Tally) -> tuple[float, float]:
        """Return how many wrong hits checks alone leave possible, among how many requests."""
        proven = wrong_at_most(total.wrong, self._coin, self._settings.confidence)
        return min(float(total.hits), proven), float(total.requests)

    def _threshold(self, partition: bytes, tally: Tally) -> tuple[float, float]:
        at, threshold, distrust = self._thresholds.get(partition, (-_RENEWED_EVERY, 1.0, 1.0))
        if tally.requests - at < _RENEWED_EVERY:
            return threshold, distrust
        tally.fade_requests((1 - 1 / _REQUESTS_KEPT) ** _RENEWED_EVERY)
        distrust = self.distrust(partition)
        least = 1 - _MARGINAL * self._settings.bound / distrust
        threshold = max(
            least, _lowest(self._total_with_scores(partition), self._settings, distrust)
        )
        self._thresholds[partition] = (tally.requests, threshold, distrust)
        return threshold, distrust


def _lowest(total: Tally, settings: BoundSettings, distrust: float) -> float:
    """Return the lowest threshold at which recent candidates would have kept the bound.

    The bin in which the budget ends is let in only while little was spent: so there are hits to
    learn from even where all candidates have one score, and the rest is kept for better ones.
    """
    budget = settings.bound * total.recent
    sparing = total.spent * distrust > _SPARING_FROM * budget
    wrong = count = 0.0
    lowest = BINS
    for place in range(BINS - 1, -1, -1):
        inside = total.scores[place]
        wrong += inside * typical_error(place) * distrust
        count += inside
        if wrong > budget and sparing:
            break
        if settings.per_hit is None or wrong <= settings.per_hit * count:
            lowest = place
        if wrong > budget:
            break
    return lowest_score(lowest)


def _gamma_quantile(shape: float, normal: float) -> float:
    """Return the quantile of a Gamma of rate 1, as Wilson and Hilferty (1931) approximate it."""
    return float(shape * (1 - 1 / (9 * shape) + normal / (3 * sqrt(shape))) ** 3)
