from __future__ import annotations

from typing import Any

import pytest

from legato.core.config import DataUse
from legato.core.config_parts import Requirements
from legato.routing.terms import holds_to, in_words, shortfalls

ALL = Requirements(
    regions=["eu", "ch"], no_training=True, retention_days_max=30, certifications=["A", "B"]
)
FINE = DataUse(training=False, retention_days=30, certifications=["B", "C", "A"])


def test_what_is_known_to_fulfil_all_falls_short_of_nothing() -> None:
    assert shortfalls(ALL, "ch", FINE) == ()
    assert shortfalls(Requirements(), "", DataUse()) == ()


@pytest.mark.parametrize(
    ("region", "data_use", "words"),
    [
        ("us", {}, ("region us",)),
        ("", {}, ("region unknown",)),
        ("EU", {}, ("region EU",)),
        ("eu", {"training": True}, ("trains on the data",)),
        ("eu", {"training": None}, ("training unknown",)),
        ("eu", {"retention_days": 31}, ("kept 31 days",)),
        ("eu", {"retention_days": None}, ("retention unknown",)),
        ("eu", {"certifications": ["A"]}, ("not certified B",)),
        ("eu", {"certifications": []}, ("not certified A, B",)),
        ("eu", {"certifications": None}, ("certifications unknown",)),
    ],
)
def test_a_term_unknown_or_broken_is_named(
    region: str, data_use: dict[str, Any], words: tuple[str, ...]
) -> None:
    given = {"training": False, "retention_days": 0, "certifications": ["A", "B"], **data_use}
    assert shortfalls(ALL, region, DataUse(**given)) == words


def test_requirements_in_words() -> None:
    assert in_words(ALL) == "region eu or ch; no training; kept at most 30 days; certified A, B"
    assert in_words(Requirements()) == "nothing"


def test_one_requirement_holds_to_another_where_it_asks_for_no_less() -> None:
    assert holds_to(ALL, ALL)
    assert holds_to(ALL, Requirements())
    assert holds_to(None, Requirements())
    assert not holds_to(None, Requirements(no_training=True))
    assert not holds_to(Requirements(regions=["eu", "us"]), Requirements(regions=["eu"]))
    assert not holds_to(Requirements(retention_days_max=2), Requirements(retention_days_max=1))
    assert not holds_to(Requirements(certifications=["A"]), ALL)
