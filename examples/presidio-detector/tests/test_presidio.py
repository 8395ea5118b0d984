"""Run with `python -m pytest`; no network. What needs Presidio is skipped without it."""

import pytest
from presidio_detector.detector import KIND

from legato.core.errors import ConfigInvalid


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"size": 3}, r"settings\.size"),
        ({"score_min": 2}, r"settings\.score_min"),
        ({"model": "no_such_pipeline"}, "no package `no_such_pipeline`"),
        ({"model": "../etc"}, "no package"),
    ],
)
def test_wrong_settings_are_refused(settings: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigInvalid, match=told):
        KIND.check(settings)
