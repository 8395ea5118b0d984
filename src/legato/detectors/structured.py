"""The detector of personal data and secrets that have a form: quick, without weights."""

from collections.abc import Mapping
from typing import Any, Final

from legato.core.errors import ConfigInvalid
from legato.core.guarding import Detector
from legato.guardrails.scanning import structured


class Structured:
    """The kind of detector that `legato.detectors` names `structured`."""

    quick = True

    @property
    def labels(self) -> frozenset[str]:
        """What it may find."""
        return structured().labels

    def __call__(self, settings: Mapping[str, Any]) -> Detector:
        """Return the detector. Raises ConfigInvalid, as there is nothing to set."""
        if settings:
            raise ConfigInvalid(f"unknown setting `{min(settings)}`; it has none")
        return structured()


KIND: Final = Structured()
