from pathlib import Path

import msgspec
import pytest

from legato.providers.simulated.settings import DEFAULT_MODELS, SimulatedSettings


def test_a_model_differs_only_where_it_says_so() -> None:
    settings = SimulatedSettings(latency_ms=20, models={"slow": {"latency_ms": 900}})
    behaviours = settings.behaviours()
    assert behaviours["slow"].latency_ms == 900
    assert behaviours[""].latency_ms == 20
    assert settings.model_names == ("slow",)
    assert SimulatedSettings().model_names == DEFAULT_MODELS


@pytest.mark.parametrize(
    "text",
    [
        b'{"error_rate": 1.5}',
        b'{"unknown": 1}',
        b'{"models": {"m": {"latency": 1}}}',
        b'{"models": {"m": {"error_status": 200}}}',
        b'{"output_tokens_min": 9, "output_tokens_max": 3}',
    ],
)
def test_bad_settings_are_refused(text: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(text, type=SimulatedSettings)


def test_merging_replaces_fields_and_removes_null_models() -> None:
    settings = SimulatedSettings(seed=3, models={"a": {"error_rate": 1.0}, "b": {}})
    merged = settings.merged({"latency_ms": 5, "models": {"a": None, "c": {"itl_ms": 2}}})
    assert merged.seed == 3
    assert merged.latency_ms == 5
    assert set(merged.models) == {"b", "c"}


def test_tokens_per_second_set_the_gap() -> None:
    assert SimulatedSettings(tokens_per_s=50, itl_ms=7).gap_s == 0.02
    assert SimulatedSettings(itl_ms=7).gap_s == 0.007


def test_loads_yaml_and_json(tmp_path: Path) -> None:
    yaml, json = tmp_path / "s.yaml", tmp_path / "s.json"
    yaml.write_text("seed: 4\nmodels:\n  m: {output_tokens: 8}\n")
    json.write_text('{"seed": 4, "models": {"m": {"output_tokens": 8}}}')
    assert SimulatedSettings.load(yaml) == SimulatedSettings.load(json)
