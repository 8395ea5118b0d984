"""Which detectors there are: those that packages register, ours too, and the operator's own."""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Any, Final, Protocol

from legato.core.config_guardrails import OwnDetector
from legato.core.errors import ConfigInvalid
from legato.core.guarding import Detector

ENTRY_POINT_GROUP: Final = "legato.detectors"
HTTP: Final = "http"
_OURS: Final = "legato"


class DetectorKind(Protocol):
    """What an entry point of `legato.detectors` gives: how a detector is made."""

    labels: frozenset[str]
    """What detectors of this kind may find."""
    quick: bool
    """Whether it takes less than a millisecond for a page of text: then it runs on the spot,
    where it comes with Legato. Others run in processes of their own.

    A kind may have `named_only`, where it is true: it needs settings, so there is one only where
    `guardrails.detectors` names it; and `check(settings)`, which raises ConfigInvalid of settings
    that can't be right, and loads nothing."""

    def __call__(self, settings: Mapping[str, Any]) -> Detector:
        """Make one. Raises ConfigInvalid, with the setting and the remedy."""
        ...


@cache
def installed() -> MappingProxyType[str, EntryPoint]:
    """Return the kinds that packages register, ours too, by name; nothing is imported."""
    return MappingProxyType({one.name: one for one in entry_points(group=ENTRY_POINT_GROUP)})


def kind_of(name: str) -> DetectorKind:
    """Import a kind. Raises ConfigInvalid where it isn't installed, or can't be imported."""
    point = installed().get(name)
    if point is None:
        listed = ", ".join([HTTP, *sorted(installed())])
        raise ConfigInvalid(f"no kind of detector `{name}`; known: {listed}")
    try:
        found: DetectorKind = point.load()
    except ImportError as error:
        raise ConfigInvalid(f"the detector `{name}` needs {error.name}") from None
    return found


def unnamed() -> list[str]:
    """Return the installed kinds that there is a detector of without anybody's settings.

    Raises ConfigInvalid where one can't be imported.
    """
    return [name for name in installed() if not getattr(kind_of(name), "named_only", False)]


def check_settings(own: OwnDetector) -> None:
    """Refuse what a kind can tell is wrong with its settings. Raises ConfigInvalid."""
    check = getattr(kind_of(own.kind), "check", None)
    if check is not None:
        check(own.settings)


def is_ours(name: str) -> bool:
    """Whether a kind comes with Legato: others run in processes of their own, whatever they say."""
    point = installed().get(name)
    return point is not None and point.dist is not None and point.dist.name == _OURS


def labels_by_detector(own: Sequence[OwnDetector]) -> dict[str, frozenset[str]]:
    """Return what policies may name: the installed detectors and the operator's, with labels.

    Raises:
        ConfigInvalid: naming the detector.
    """
    found = {name: kind_of(name).labels for name in unnamed()}
    for one in own:
        found[one.name] = frozenset(one.labels) if one.kind == HTTP else kind_of(one.kind).labels
    return found
