from __future__ import annotations

import pytest

from legato.core import capability
from legato.core.capability import UNKNOWN_ABILITY
from legato.core.config import Capabilities, DataUse, Deployment
from legato.routing.ability import (
    ability_of,
    capabilities_in_force,
    data_use_in_force,
    known_name,
)


def named(model: str, **given: object) -> Deployment:
    return Deployment(name="d", provider="p", model=model, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("gpt-4o-2024-08-06", "gpt-4o"),
        ("openai/gpt-4o", "gpt-4o"),
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        ("command-a-03-2025", "command-a"),
        ("mistral-large-latest", "mistral-large"),
        ("gpt-4o-turbo-ultra", "gpt-4o-turbo-ultra"),
    ],
)
def test_a_release_has_its_models_name_and_no_other_has(model: str, name: str) -> None:
    assert known_name(model) == name


def test_an_unknown_model_lacks_nothing() -> None:
    assert ability_of(capabilities_in_force(named("mine-7b"), "openai_compatible")) == (
        UNKNOWN_ABILITY
    )


def test_a_model_run_here_has_no_vendors_facts_whatever_its_name() -> None:
    assert capabilities_in_force(named("gpt-4o"), "simulated") == Capabilities()


def test_the_configuration_goes_over_the_catalogue_field_by_field() -> None:
    mine = named("gpt-4o", capabilities=Capabilities(vision=False, context_tokens=4_000))
    found = capabilities_in_force(mine, "openai_compatible")
    assert (found.vision, found.context_tokens) == (False, 4_000)
    assert (found.tools, found.output_tokens_max) == (True, 16_384)


def test_modalities_say_what_no_flag_says() -> None:
    text_only = ability_of(Capabilities(modalities_in=["text"]))
    assert text_only.lacks == capability.VISION | capability.AUDIO | capability.DOCUMENTS
    seeing = ability_of(Capabilities(modalities_in=["text", "file"], vision=True))
    assert seeing.lacks == capability.AUDIO
    pdfs = ability_of(capabilities_in_force(named("gpt-4o"), "openai_compatible"))
    assert not pdfs.lacks & capability.DOCUMENTS


def test_data_use_of_a_vendor_of_our_own_machine_and_of_nobody_known() -> None:
    assert data_use_in_force(named("m"), "openai_compatible", "api.openai.com").training is False
    contract = named("m", data_use=DataUse(retention_days=0))
    assert data_use_in_force(contract, "openai_compatible", "api.openai.com") == DataUse(
        training=False, retention_days=0
    )
    assert data_use_in_force(named("m"), "local", "") == DataUse(training=False, retention_days=0)
    assert data_use_in_force(named("m"), "openai_compatible", "example.org") == DataUse()
