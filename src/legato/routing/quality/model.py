"""The predictor: how likely each deployment's answer to a question is good enough."""

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property

import msgspec
import numpy as np

from legato.routing.quality.file import Content, read, written
from legato.routing.quality.prediction import LEAST, Prediction
from legato.routing.quality.prior import prior_of
from legato.routing.quality.question import Question
from legato.routing.quality.single import Single
from legato.routing.quality.space import Array, Rows
from legato.routing.quality.trained import Trained


class QualityModel:
    """Predicts for deployments it was trained on, and by priors for all others. Immutable.

    `embedder` names what made the vectors it was trained on; none other may be asked about.
    """

    def __init__(
        self,
        embedder: str,
        trained: Trained | None = None,
        models: Mapping[str, str] | None = None,
    ) -> None:
        """`models` says which model a deployment is of, for its prior."""
        self.embedder = embedder
        self.trained = trained
        self.models = dict(models or {})
        names = trained.deployments if trained else ()
        self._places = {name: place for place, name in enumerate(names)}

    @property
    def deployments(self) -> tuple[str, ...]:
        """Those it was trained on."""
        return self.trained.deployments if self.trained else ()

    def covering(self, models: Mapping[str, str]) -> "QualityModel":
        """Return a predictor that knows which model each of these deployments is of.

        A deployment without judged answers of its own is expected to do as its model's published
        score says.
        """
        return QualityModel(self.embedder, self.trained, {**self.models, **models})

    def with_only(self, questions: Sequence[int]) -> "QualityModel":
        """Return a predictor that keeps the vectors of some training questions alone.

        What was averaged over all of them stays.
        """
        if self.trained is None:
            return self
        near, chosen = self.trained.neighbours, np.array(questions, np.int64)
        fewer = msgspec.structs.replace(
            near,
            near=near.near[chosen],
            residuals=near.residuals[chosen],
            known=near.known[chosen],
        )
        trained = msgspec.structs.replace(self.trained, neighbours=fewer)
        return QualityModel(self.embedder, trained, self.models)

    def predict(self, question: Question, deployments: Sequence[str]) -> list[Prediction]:
        """Return a prediction for each deployment, in their order."""
        if self.trained is None:
            return [self._prior_only(name, 0.0) for name in deployments]
        means, deviations, costs = self._single(self.trained.space.rows([question]))
        hardness: float | None = None
        found = []
        for name in deployments:
            place = self._places.get(name)
            if place is None:
                if hardness is None:
                    hardness = self._hardness(means)
                found.append(self._prior_only(name, hardness))
            else:
                found.append(
                    Prediction(
                        means[place],
                        deviations[place],
                        None if costs is None else costs[place],
                        self.trained.evidence[place],
                    )
                )
        return found

    @staticmethod
    def from_bytes(content: bytes) -> "QualityModel":
        """Read what `to_bytes` wrote. Raises UnreadableModel (a ValueError)."""
        return QualityModel(*read(content))

    def to_bytes(self) -> bytes:
        """Return all of it in one piece, the same for the same training."""
        return self._written

    @property
    def version(self) -> str:
        """A name by its content: `sha256:` and 64 digits."""
        return f"sha256:{hashlib.sha256(self._written).hexdigest()}"

    @cached_property
    def _single(self) -> Single:
        assert self.trained is not None  # noqa: S101 - for the type checker; asked only then
        return Single(self.trained)

    @cached_property
    def _written(self) -> bytes:
        return written(Content(self.embedder, self.trained, self.models))

    def _prior_only(self, name: str, hardness: float) -> Prediction:
        prior = prior_of(self.models.get(name, name))
        odds = np.log(prior.mean / (1.0 - prior.mean)) - hardness
        mean = float(1.0 / (1.0 + np.exp(-odds)))
        return Prediction(mean, _beta_deviation(mean, prior.weight))

    def _hardness(self, told: Sequence[float]) -> float:
        """Return how much harder a question is than most, in log odds, for those who are known."""
        assert self.trained is not None  # noqa: S101 - for the type checker; asked only then
        usual, means = self.trained.doubt.usual, np.array(told, np.float32)
        return float(np.mean(np.log(usual / (1 - usual)) - np.log(means / (1 - means))))


def predicted(trained: Trained, rows: Rows) -> tuple[Array, Array, Array | None]:
    """Return means, deviations and costs in USD: a row per question, a column per deployment."""
    likeness = trained.neighbours.likeness(rows)
    nearby = np.stack([trained.neighbours.nearby(row) for row in likeness])
    said = np.stack(
        [
            trained.linear.predict(rows),
            trained.measures.predict(rows),
            trained.words.predict(rows),
            trained.topics.predict(rows),
            trained.neighbours.base + nearby,
        ]
    )
    expected = np.clip(trained.doubt.priors + trained.blend.mixed(said), LEAST, 1.0 - LEAST)
    nearest = likeness.max(1, initial=-1.0) * rows.held  # none is left where all were erased
    means, deviations = trained.doubt.weighed(rows, expected, said, nearest)
    costs = None
    if trained.spend is not None:
        costs = np.exp(trained.spend.predict(rows))
    return means, deviations, costs


def packaged_model(embedder: str) -> QualityModel:
    """Return a predictor that has learned nothing yet: published scores and families of models."""
    return QualityModel(embedder)


def _beta_deviation(mean: float, weight: float) -> float:
    return float(np.sqrt(mean * (1.0 - mean) / (weight + 1.0)))
