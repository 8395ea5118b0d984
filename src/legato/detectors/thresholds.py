"""The one setting of the detectors that come with weights: from which score on they find."""

from collections.abc import Mapping
from typing import Any, Final

from legato.core.errors import ConfigInvalid

_SETTING: Final = "threshold"


def read_threshold(detector: str, settings: Mapping[str, Any]) -> float | None:
    """Return the threshold that the settings of a detector say, None where they say none.

    Raises:
        ConfigInvalid: it isn't a number above 0, at most 1, or there are other settings.
    """
    unknown = sorted(set(settings) - {_SETTING})
    if unknown:
        raise ConfigInvalid(f"`{unknown[0]}`: the detector `{detector}` has only `{_SETTING}`")
    said = settings.get(_SETTING)
    if said is None:
        return None
    if isinstance(said, bool) or not isinstance(said, int | float):
        raise ConfigInvalid(f"`{_SETTING}` of the detector `{detector}` must be a number")
    if not 0 < said <= 1:
        raise ConfigInvalid(f"`{_SETTING}` of the detector `{detector}` must be above 0, up to 1")
    return float(said)
