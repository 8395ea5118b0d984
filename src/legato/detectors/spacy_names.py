"""Finds names of people, places and organizations by a pipeline of spaCy (`legato[spacy]`).

It looks in a process of its own, and only where `guardrails.detectors` names it with a pipeline.
"""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec

from legato.core.errors import ConfigInvalid
from legato.core.guarding import Finding, Place

if TYPE_CHECKING:
    from spacy.language import Language

LABELS: Final = frozenset({"PERSON", "LOCATION", "ORGANIZATION"})
ENTITIES: Final = MappingProxyType(
    {
        "PERSON": "PERSON",
        "PER": "PERSON",
        "GPE": "LOCATION",
        "LOC": "LOCATION",
        "FAC": "LOCATION",
        "LOCATION": "LOCATION",
        "ORG": "ORGANIZATION",
        "ORGANIZATION": "ORGANIZATION",
    }
)
"""What pipelines call them, and what policies do."""
_NEEDLESS: Final = ("attribute_ruler", "lemmatizer", "morphologizer", "parser", "senter", "tagger")
"""Parts of a pipeline that no entities come of."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What may stand under `settings`."""

    model: Annotated[str, msgspec.Meta(min_length=1, max_length=1_000)]
    """An installed pipeline, or the folder of one."""
    entities: dict[str, str] = msgspec.field(default_factory=lambda: dict(ENTITIES))
    """Which of its entities are which label; others are left alone."""
    score: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.85
    """Of all findings: such pipelines tell none."""


class SpacyDetector:
    """A detector by a pipeline. It holds no text between two calls."""

    name = "spacy"
    labels = LABELS

    def __init__(self, pipeline: "Language", settings: Settings) -> None:
        self._pipeline = pipeline
        self._settings = settings

    def find(self, text: str, place: Place) -> Sequence[Finding]:
        """Return the names in a text, in its order."""
        del place  # a name is one wherever it stands
        settings = self._settings
        # its own bound is there for parts of pipelines that aren't asked
        self._pipeline.max_length = max(self._pipeline.max_length, len(text) + 1)
        return [
            Finding(label, one.start_char, one.end_char, settings.score, self.name)
            for one in self._pipeline(text).ents
            if (label := settings.entities.get(one.label_)) is not None
        ]


class _Kind:
    """What `legato.detectors` names `spacy`."""

    labels = LABELS
    quick = False
    named_only = True

    def check(self, settings: Mapping[str, Any]) -> Settings:
        """Return the settings. Raises ConfigInvalid; loads nothing."""
        try:
            found = msgspec.convert(settings, Settings)
        except msgspec.ValidationError as error:
            raise ConfigInvalid(f"settings: {error}") from None
        for entity, label in found.entities.items():
            if label not in LABELS:
                listed = ", ".join(sorted(LABELS))
                raise ConfigInvalid(f"settings.entities.{entity}: `{label}` is none of {listed}")
        if find_spec("spacy") is None:
            raise ConfigInvalid("spaCy isn't installed: pip install 'legato[spacy]'")
        if not _is_there(found.model):
            raise ConfigInvalid(
                f"settings.model: no package and no folder `{found.model}`: install a pipeline of "
                "spaCy as a package beside Legato"
            )
        return found

    def __call__(self, settings: Mapping[str, Any]) -> SpacyDetector:
        """Load a pipeline. Raises ConfigInvalid."""
        found = self.check(settings)
        import spacy  # noqa: PLC0415 - an extra, and 150 MB of memory

        try:
            pipeline = spacy.load(found.model, exclude=_NEEDLESS)
        except (OSError, ValueError) as error:
            msg = f"settings.model: `{found.model}` can't be loaded ({type(error).__name__})"
            raise ConfigInvalid(msg) from None
        return SpacyDetector(pipeline, found)


KIND: Final = _Kind()


def _is_there(model: str) -> bool:
    if Path(model).is_dir():
        return True
    return model.isidentifier() and find_spec(model) is not None
