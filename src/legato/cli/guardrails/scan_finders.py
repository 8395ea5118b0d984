"""What `legato guard scan` looks with: detectors, and patterns of policies."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from legato.app.checks.configuration import load, no_secret
from legato.app.config.environment import environment
from legato.core.config_guardrails import Guardrails
from legato.core.errors import ConfigInvalid, InvalidRequest
from legato.core.guarding import Detector, Finding, Place
from legato.detectors.directory import HTTP, kind_of, unnamed
from legato.detectors.names import NAME
from legato.guardrails.names.spans import settled_with
from legato.guardrails.policy.custom import DETECTOR, Custom, custom_of
from legato.guardrails.policy.labels import GROUPS, labels_of

STRUCTURED: Final = "structured"
UNASKED: Final = (STRUCTURED, NAME)
"""What looks where nobody says."""


class Asked(NamedTuple):
    """What a command asks for; without detectors `UNASKED`, and a configuration's patterns."""

    detectors: Sequence[str]
    labels: Sequence[str]
    failing: Sequence[str]
    """Labels whose findings fail the command."""
    place: Place
    config_file: Path | None


class Finder:
    """Looks into one text after the other."""

    def __init__(
        self,
        detectors: Sequence[Detector],
        customs: Sequence[Custom],
        labels: frozenset[str] | None,
        *,
        failing: frozenset[str],
        place: Place,
    ) -> None:
        self.failing = failing
        self._named = {one.name: one for one in detectors}
        self._customs = customs
        self._labels = labels
        self._place = place

    def everything(self, text: str) -> list[Finding]:
        """Return what is in a text, in its order, whatever labels were asked for."""
        found = {name: one.find(text, self._place) for name, one in self._named.items()}
        structured, names = found.pop(STRUCTURED, ()), found.pop(NAME, ())
        all_found = settled_with(text, structured, names)
        all_found += [each for some in found.values() for each in some]
        all_found += [each for one in self._customs for each in one.find(text)]
        return sorted(all_found, key=lambda one: (one.start, one.end, one.label))

    def find(self, text: str) -> list[Finding]:
        """Return what was asked for."""
        found = self.everything(text)
        if self._labels is None:
            return found
        return [one for one in found if one.label in self._labels]


def finder(asked: Asked) -> Finder:
    """Return what looks for what is asked.

    Raises:
        ConfigInvalid: of the configuration, or of a detector's settings.
        InvalidRequest: there is no such detector, or nothing finds a label.
    """
    said = Guardrails()
    if asked.config_file is not None:
        said = load(asked.config_file, environment(), secrets=no_secret).config.guardrails
    names = list(dict.fromkeys(asked.detectors))
    if not names:
        names = [*UNASKED, *([DETECTOR] if said.policies else [])]
    customs = list(_customs(said)) if DETECTOR in names else []
    detectors = [_detector(name, said) for name in names if name != DETECTOR]
    finds = frozenset[str]().union(*(one.labels for one in detectors), *map(_labels, customs))
    return Finder(
        detectors,
        customs,
        _wanted("label", asked.labels, finds) if asked.labels else None,
        failing=_wanted("fail-on", asked.failing, finds),
        place=asked.place,
    )


def _detector(name: str, said: Guardrails) -> Detector:
    own = next((one for one in said.detectors if one.name == name), None)
    if own is not None and own.kind == HTTP:
        raise InvalidRequest(
            f"the detector `{name}` is called over HTTP, and a scan sends nothing anywhere: "
            "leave it out",
            param="detector",
        )
    if own is None and name not in unnamed():
        listed = sorted({*unnamed(), DETECTOR, *(one.name for one in said.detectors)})
        raise InvalidRequest(
            f"no detector `{name}`; known: {', '.join(listed)}. One of a configuration's own "
            "needs `--config`",
            param="detector",
        )
    try:
        return kind_of(name)({}) if own is None else kind_of(own.kind)(own.settings)
    except ConfigInvalid as error:
        raise ConfigInvalid(f"detector {name}: {error.message}") from None


def _customs(said: Guardrails) -> Iterable[Custom]:
    for policy in said.policies:
        for rule in policy.rules:
            custom = custom_of(rule.detect.patterns, rule.detect.words)
            if custom is not None:
                yield custom


def _labels(custom: Custom) -> frozenset[str]:
    return frozenset(label for label, _ in (*custom.patterns, *custom.dictionaries))


def _wanted(option: str, named: Sequence[str], finds: frozenset[str]) -> frozenset[str]:
    for name in named:
        if not labels_of([name]) & finds:
            groups = [one for one, labels in GROUPS.items() if labels & finds]
            listed = ", ".join([*groups, *sorted(finds)])
            raise InvalidRequest(f"--{option}: nothing finds {name!r}; name some of {listed}")
    return labels_of(named) & finds
