"""Run with `python -m pytest`; no network."""

from pathlib import Path

import pytest
from tier_lookup.lookup import kind

from legato.core.errors import ConfigInvalid


def test_the_tier_of_a_customer_is_told(tmp_path: Path) -> None:
    file = tmp_path / "tiers.csv"
    file.write_text("c-1,gold\nc-2,plain\n")
    tier_of = kind({"file": str(file)})
    assert [tier_of(one, "acme") for one in ("c-1", "c-2", "c-3")] == ["gold", "plain", None]


def test_settings_are_checked() -> None:
    with pytest.raises(ConfigInvalid, match=r"settings\.file"):
        kind({})
    with pytest.raises(ConfigInvalid, match=r"settings\.size"):
        kind({"file": "f", "size": 3})
