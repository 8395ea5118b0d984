from __future__ import annotations

from typing import Any

import pytest

from legato.core.config import Provider as ProviderConfig
from legato.core.errors import ConfigInvalid
from legato.providers.base import ProviderSettings
from legato.providers.bedrock.settings import read_settings

KEYS = {"access_key_id": "a", "secret_access_key": "s"}


def given(
    url: str = "", key: str | None = None, secrets: dict[str, str] | None = None, **settings: Any
) -> ProviderSettings:
    config = ProviderConfig(name="aws", kind="bedrock", settings=settings)
    return ProviderSettings(config, url, key, secrets or {})


def test_the_region_gives_the_address_and_the_other_way_round() -> None:
    _, place = read_settings(given(region="eu-central-1"))
    assert place.base_url == "https://bedrock-runtime.eu-central-1.amazonaws.com"
    _, place = read_settings(given("https://bedrock-runtime-fips.us-east-2.amazonaws.com"))
    assert place.region == "us-east-2"
    _, place = read_settings(given("https://vpce.example", region="us-west-2"))
    assert (place.base_url, place.region) == ("https://vpce.example", "us-west-2")


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        (given(), "settings.region"),
        (given("https://vpce.example"), "settings.region"),
        (given(region="eu west"), "settings"),
        (given(region="r", api="other"), "settings"),
        (given(region="r", secrets={"access_key_id": "a"}), "secrets"),
        (given(region="r", secrets=KEYS | {"other": "x"}), "secrets"),
        (given(region="r", secrets=KEYS, profile="p"), "secrets"),
        (given(region="r", key="k", secrets=KEYS), "api_key"),
        (given(region="r", key="k", profile="p"), "api_key"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(settings: ProviderSettings, field: str) -> None:
    with pytest.raises(ConfigInvalid, match=field):
        read_settings(settings)
