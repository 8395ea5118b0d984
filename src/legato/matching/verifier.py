"""How likely an earlier answer is right for a new question.

First the slots: where one disagrees the score is 0, whatever the vectors say. Then a logistic
reranker over few features. Its weights (`weights.py`, made by tools/train_reranker) are an
embedder's own, since each has a scale of similarity of its own.
"""

from collections.abc import Iterable, Sequence
from math import exp
from typing import Final, NamedTuple, Self, TypeVar

from legato.matching.bound import PRIORS, UNKNOWN, Evidence, Prior
from legato.matching.features import FEATURES, features
from legato.matching.questions import Question, disagreement
from legato.matching.weights import WEIGHTS

NEAREST: Final = 4
"""So many of the nearest questions are looked at closely."""
Candidate = TypeVar("Candidate")
_SCORE_MAX: Final = 0.992
"""The score of what is certain by its vectors: people call some of those different, too."""


class Verifier:
    """Scores candidates of one kind of embedder. Stateless, and cheap: some 5 µs a candidate."""

    def __init__(self, weights: Sequence[float]) -> None:
        """`weights` are the intercept and one for each of `FEATURES`."""
        if len(weights) != 1 + len(FEATURES):
            raise ValueError(f"{1 + len(FEATURES)} weights are needed, for {', '.join(FEATURES)}")
        self._intercept, *self._weights = weights

    @classmethod
    def of(cls, embedder: str) -> Self:
        """Return the packaged verifier of an embedder, by its name ("minilm-384@…") or kind.

        An embedder without weights gets those of `wordllama`. They order its candidates but
        promise nothing of it: bound it as `trust_in` says.
        """
        return cls(WEIGHTS.get(_kind(embedder), WEIGHTS["wordllama"]))

    def score(self, asked: Question, earlier: Question, similarity: float) -> float:
        """Return how likely the answer to `earlier` answers `asked`: in [0, 1), 0 for no.

        `similarity` is the cosine of their vectors.
        """
        if similarity <= 0 or disagreement(asked, earlier):
            return 0.0
        return self.likely(similarity)

    def likely(self, similarity: float) -> float:
        """Return the score of two questions that agree: what `score` is at most."""
        if similarity <= 0:
            return 0.0
        values = features(similarity)
        sum_ = self._intercept + sum(w * x for w, x in zip(self._weights, values, strict=True))
        return _SCORE_MAX / (1 + exp(-max(min(sum_, 30.0), -30.0)))

    def likeliest(
        self, asked: Question, nearest: Iterable[tuple[Candidate, Question, float]]
    ) -> tuple[Candidate | None, float, float]:
        """Return who of the nearest is likeliest, with similarity and score; of equals the first.

        `nearest` gives candidates with their questions and similarities, up to `NEAREST` of them.
        Of none it is (None, 0, 0).
        """
        best, best_similarity, best_score = None, 0.0, -1.0
        for candidate, earlier, similarity in nearest:
            score = self.score(asked, earlier, similarity)
            if score > best_score:
                best, best_similarity, best_score = candidate, similarity, score
        return best, best_similarity, max(best_score, 0.0)


class Trust(NamedTuple):
    """What an embedder's scores are worth from the start."""

    evidence: Evidence
    prior: Prior


def trust_in(embedder: str) -> Trust:
    """Say what scores of an embedder are worth, by its name or kind.

    Those with packaged weights are evidence; any other's have to be learnt the worth of.
    """
    prior = PRIORS.get(_kind(embedder))
    return Trust("learnt", UNKNOWN) if prior is None else Trust("scores", prior)


def _kind(embedder: str) -> str:
    return embedder.partition("@")[0].partition("-")[0]
