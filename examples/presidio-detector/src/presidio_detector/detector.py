"""The detector kind `presidio`: what Microsoft Presidio's analyzer finds, under Legato's labels.

Presidio would download a pipeline of spaCy that is missing, and a list of the web's suffixes: here
the pipeline has to be installed, as a package, and the list is the one that comes with tldextract.
"""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any, Final

from legato.core.errors import ConfigInvalid
from legato.core.guarding import Finding, Place

ENTITIES: Final = {
    "CREDIT_CARD": "CREDIT_CARD",
    "CRYPTO": "CRYPTO_ADDRESS",
    "EMAIL_ADDRESS": "EMAIL_ADDRESS",
    "IBAN_CODE": "IBAN_CODE",
    "IP_ADDRESS": "IP_ADDRESS",
    "LOCATION": "LOCATION",
    "MAC_ADDRESS": "MAC_ADDRESS",
    "ORGANIZATION": "ORGANIZATION",
    "PERSON": "PERSON",
    "PHONE_NUMBER": "PHONE_NUMBER",
    "UK_NHS": "ID_NUMBER",
    "US_DRIVER_LICENSE": "ID_NUMBER",
    "US_ITIN": "ID_NUMBER",
    "US_PASSPORT": "ID_NUMBER",
    "US_SSN": "US_SSN",
}
"""What Presidio calls it, and what policies do."""
LABELS: Final = frozenset(ENTITIES.values())
_SETTINGS: Final = ("language", "model", "score_min")


class Presidio:
    """It keeps nothing between texts."""

    name = "presidio"
    labels = LABELS

    def __init__(self, analyzer: Any, language: str, score_min: float) -> None:
        """`analyzer` is an AnalyzerEngine; its findings below `score_min` are left out."""
        self._analyzer = analyzer
        self._language = language
        self._score_min = score_min
        supported = set(analyzer.get_supported_entities(language))
        self._entities = [one for one in ENTITIES if one in supported]

    def find(self, text: str, place: Place) -> Sequence[Finding]:
        """Return what is in a text: of what overlaps, what is surest."""
        del place  # personal data is such wherever it stands
        told = self._analyzer.analyze(
            text, self._language, entities=self._entities, score_threshold=self._score_min
        )
        chosen: list[Finding] = []
        for one in sorted(told, key=lambda each: (-each.score, each.start - each.end)):
            if all(one.end <= other.start or other.end <= one.start for other in chosen):
                label = ENTITIES[one.entity_type]
                chosen.append(Finding(label, one.start, one.end, min(1.0, one.score), self.name))
        return sorted(chosen, key=lambda each: each.start)


class Kind:
    """What the entry point gives: the labels, and how a detector is made of its settings."""

    labels = LABELS
    quick = False
    named_only = True
    """It needs a pipeline: it exists where `guardrails.detectors` names it."""

    def check(self, settings: Mapping[str, Any]) -> None:
        """Refuse wrong settings before anything is loaded. Raises ConfigInvalid."""
        if unknown := sorted(settings.keys() - set(_SETTINGS)):
            listed = ", ".join(_SETTINGS)
            raise ConfigInvalid(f"settings.{unknown[0]}: unknown; there are {listed}")
        score = settings.get("score_min", 0.4)
        if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1:
            raise ConfigInvalid("settings.score_min: a number from 0 to 1")
        for name in ("language", "model"):
            if not isinstance(settings.get(name, "en"), str):
                raise ConfigInvalid(f"settings.{name}: a text")
        model = settings.get("model", "en_core_web_sm")
        if not model.isidentifier() or find_spec(model) is None:
            msg = f"settings.model: no package `{model}`: install a pipeline of spaCy"
            raise ConfigInvalid(msg)

    def __call__(self, settings: Mapping[str, Any]) -> Presidio:
        """Make one. Raises ConfigInvalid."""
        self.check(settings)
        from presidio_analyzer import AnalyzerEngine  # noqa: PLC0415 - it takes a second
        from presidio_analyzer.nlp_engine import NlpEngineProvider  # noqa: PLC0415
        from tldextract import tldextract  # noqa: PLC0415

        tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=())
        language = settings.get("language", "en")
        model = settings.get("model", "en_core_web_sm")
        provider = NlpEngineProvider(
            nlp_configuration={
                "nlp_engine_name": "spacy",
                "models": [{"lang_code": language, "model_name": model}],
            }
        )
        analyzer = AnalyzerEngine(
            nlp_engine=provider.create_engine(), supported_languages=[language]
        )
        return Presidio(analyzer, language, float(settings.get("score_min", 0.4)))


KIND: Final = Kind()
