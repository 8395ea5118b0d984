from __future__ import annotations

import msgspec
import pytest
import yaml

from legato.cli.demo.premium import REAL, SIMULATED, Premium
from legato.cli.demo.settings import configuration
from legato.core.config import Config
from legato.core.config_parts import SecretRef


@pytest.mark.parametrize("premium", [*REAL, SIMULATED], ids=lambda one: one.deployment)
def test_the_configuration_is_valid_with_each_premium_tier(premium: Premium) -> None:
    text = configuration(premium, 0)
    config = msgspec.convert(yaml.safe_load(text), Config)
    assert "DEMO PRICES" in text
    assert {route.baseline for route in config.routes} == {premium.deployment}
    provider = next(one for one in config.providers if one.name == premium.provider)
    if premium.simulated:
        assert provider.api_key is None
    else:
        assert provider.api_key == SecretRef(env=premium.key_variable)


def test_whatever_is_simulated_says_so_in_its_name() -> None:
    config = msgspec.convert(yaml.safe_load(configuration(SIMULATED, 0)), Config)
    simulated = {one.name for one in config.providers if one.kind == "simulated"}
    assert all("simulated" in name for name in simulated)
    marked = {one.name for one in config.deployments if "simulated" in one.name}
    assert marked == {one.name for one in config.deployments if one.provider in simulated}
