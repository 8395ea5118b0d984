"""spaCy's kind says what is wrong with its settings before it loads anything."""

from pathlib import Path

import pytest

from legato.core.config_guardrails import OwnDetector
from legato.core.errors import ConfigInvalid
from legato.core.guarding import Place
from legato.detectors.directory import check_settings, labels_by_detector, unnamed
from legato.detectors.spacy_names import KIND


def test_it_is_there_only_where_it_is_named() -> None:
    assert "spacy" not in unnamed()
    assert "spacy" not in labels_by_detector([])
    own = OwnDetector(name="ner", kind="spacy", settings={"model": "some"})
    assert labels_by_detector([own])["ner"] == {"PERSON", "LOCATION", "ORGANIZATION"}


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, "model"),
        ({"model": "m", "size": 3}, "size"),
        ({"model": "m", "score": 0}, "score"),
        ({"model": "m", "entities": {"GPE": "TOWN"}}, r"settings\.entities\.GPE"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigInvalid, match=told):
        check_settings(OwnDetector(name="ner", kind="spacy", settings=settings))


def test_a_pipeline_of_ones_own_finds_by_its_entities(tmp_path: Path) -> None:
    spacy = pytest.importorskip("spacy", reason="the extra `spacy` isn't installed")
    blank = spacy.blank("de")
    ruler = blank.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "ORG", "pattern": "Reiher GmbH"}])
    blank.to_disk(tmp_path / "pipeline")
    detector = KIND({"model": str(tmp_path / "pipeline")})
    (found,) = detector.find("Die Reiher GmbH liefert heute.", Place.INPUT)
    assert (found.label, found.start, found.end) == ("ORGANIZATION", 4, 15)
