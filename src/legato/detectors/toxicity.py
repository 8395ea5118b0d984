"""Loads the words and weights of the toxicity detector, and makes detectors of its kind."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

from legato.detectors.thresholds import read_threshold
from legato.guardrails.toxicity.calibration import AT, BIAS, GRAIN
from legato.guardrails.toxicity.detector import TOXICITY, ToxicityDetector, Weights
from legato.guardrails.toxicity.features import Words
from legato.guardrails.toxicity.thresholds import THRESHOLD

_ROOM: Final = "legato.guardrails.toxicity"


class _Kind:
    """What `legato.detectors` names `toxicity`."""

    labels = frozenset({TOXICITY})
    quick = True

    def __call__(self, settings: Mapping[str, Any]) -> ToxicityDetector:
        """Make one. Raises ConfigInvalid where `threshold` isn't a number above 0, at most 1."""
        said = read_threshold("toxicity", settings)
        return load_toxicity(THRESHOLD if said is None else said)


KIND: Final = _Kind()


def load_toxicity(threshold: float = THRESHOLD) -> ToxicityDetector:
    """Return the detector; its words and weights are read once in a process."""
    return ToxicityDetector(words_of_package(), _weights(), threshold)


@cache
def words_of_package() -> Words:
    """Return the classes of words that come with Legato."""
    return Words(_lines("words.txt"))


@cache
def _weights() -> Weights:
    rows = (line.rsplit("\t", 1) for line in _lines("weights.tsv"))
    return Weights({name: int(steps) * GRAIN for name, steps in rows}, BIAS, AT)


def _lines(name: str) -> list[str]:
    return files(_ROOM).joinpath(name).read_text(encoding="utf-8").splitlines()
