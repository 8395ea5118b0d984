"""Loads the weights of the injection detector, and makes detectors of its kind."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

from legato.core.guarding import Place
from legato.detectors.thresholds import read_threshold
from legato.guardrails.injection.calibration import INPUT, UNTRUSTED
from legato.guardrails.injection.detector import INJECTION, InjectionDetector
from legato.guardrails.injection.model import Weights
from legato.guardrails.injection.thresholds import THRESHOLDS

WEIGHTS: Final = "weights.tsv"


class _Kind:
    """What `legato.detectors` names `injection`."""

    labels = frozenset({INJECTION})
    quick = True

    def __call__(self, settings: Mapping[str, Any]) -> InjectionDetector:
        """Make one. Raises ConfigInvalid where `threshold` isn't a number above 0, at most 1."""
        said = read_threshold("injection", settings)
        return load_injection(THRESHOLDS if said is None else dict.fromkeys(Place, said))


KIND: Final = _Kind()


def load_injection(thresholds: Mapping[Place, float] = THRESHOLDS) -> InjectionDetector:
    """Return the detector; its weights are read once in a process."""
    asked, untrusted = _tables()
    return InjectionDetector(asked, untrusted, thresholds)


@cache
def _tables() -> tuple[Weights, Weights]:
    asked: dict[str, float] = {}
    untrusted: dict[str, float] = {}
    text = files("legato.guardrails.injection").joinpath(WEIGHTS).read_text(encoding="utf-8")
    for line in text.split("\n")[:-1]:
        name, of_asked, of_untrusted = line.rsplit("\t", 2)
        if of_asked != "0":
            asked[name] = int(of_asked) * INPUT[0]
        if of_untrusted != "0":
            untrusted[name] = int(of_untrusted) * UNTRUSTED[0]
    return Weights(asked, *INPUT[1:]), Weights(untrusted, *UNTRUSTED[1:])
