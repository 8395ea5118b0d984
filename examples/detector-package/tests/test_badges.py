"""Run with `python -m pytest`; no network."""

import pytest
from badge_detector.detector import KIND

from legato.core.errors import ConfigInvalid
from legato.core.guarding import Finding, Place


def test_badges_with_a_right_check_digit_are_found() -> None:
    found = KIND({}).find("B-12345-5 and B-12345-6", Place.INPUT)
    assert found == [Finding("BADGE", 0, 9, 1.0, "badges")]


def test_unknown_settings_are_refused() -> None:
    with pytest.raises(ConfigInvalid, match=r"settings\.size"):
        KIND({"size": 3})
