"""Loads the weights of the injection detector, and makes detectors of its kind."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

from legato.core.errors import ConfigInvalid
from legato.core.guarding import Place
from legato.guardrails.injection.calibration import INPUT, UNTRUSTED
from legato.guardrails.injection.detector import INJECTION, InjectionDetector
from legato.guardrails.injection.model import Weights
from legato.guardrails.injection.thresholds import THRESHOLDS

WEIGHTS: Final = "weights.tsv"
_SETTING: Final = "threshold"


class _Kind:
    """What `legato.detectors` names `injection`."""

    labels = frozenset({INJECTION})
    quick = True

    def __call__(self, settings: Mapping[str, Any]) -> InjectionDetector:
        """Make one. Raises ConfigInvalid where `threshold` isn't a number above 0, at most 1."""
        unknown = sorted(set(settings) - {_SETTING})
        if unknown:
            raise ConfigInvalid(f"`{unknown[0]}`: the detector `injection` has only `{_SETTING}`")
        threshold = settings.get(_SETTING)
        if threshold is None:
            return load_injection()
        if isinstance(threshold, bool) or not isinstance(threshold, int | float):
            raise ConfigInvalid(f"`{_SETTING}` of the detector `injection` must be a number")
        if not 0 < threshold <= 1:
            raise ConfigInvalid(
                f"`{_SETTING}` of the detector `injection` must be above 0, up to 1"
            )
        return load_injection(dict.fromkeys(Place, float(threshold)))


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
