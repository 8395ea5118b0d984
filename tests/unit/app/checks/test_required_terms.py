"""A route or a declared key that nothing can fulfil is refused before a start, not call by call."""

from pathlib import Path

import pytest

from legato.app.checks.configuration import load, no_secret
from legato.app.config.problems import ConfigProblems

SHAPE = """\
config_version: 1
providers:
  - {name: openai, kind: openai_compatible, preset: openai}
  - {name: other, kind: openai_compatible, base_url: "https://models.example.org/v1"}
  - {name: sim, kind: simulated}
deployments:
  - {name: us, provider: other, model: m, region: us}
  - {name: eu, provider: other, model: m, region: eu-west, data_use: {training: true}}
  - {name: known, provider: openai, model: m}
  - {name: here, provider: sim, model: m}
routes:
  - {alias: all, deployments: [us, eu, known, here]}
ROUTES
keys:
  - {name: ci, team: t, feature: f, secret: {env: CI_KEY}}
KEYS
"""
EU, UNTRAINED = "require: {regions: [eu-west]}", "require: {no_training: true}"
EVERY = '"*"'


def problems(folder: Path, routes: str = "", keys: str = "") -> list[str]:
    text = SHAPE
    for mark, entry in (("ROUTES", routes), ("KEYS", keys)):
        text = text.replace(mark, f"  - {{{entry}}}" if entry else "")
    file = folder / "legato.yaml"
    file.write_text(text)
    try:
        load(file, {}, secrets=no_secret)
    except ConfigProblems as error:
        return [str(problem) for problem in error.problems]
    return []


def route(deployments: str, require: str) -> str:
    return f"alias: held, deployments: [{deployments}], {require}"


def key(models: str, require: str) -> str:
    return f"name: k, team: t, feature: f, secret: {{env: K}}, models: [{models}], {require}"


@pytest.mark.parametrize(
    ("deployments", "require"),
    [
        ("us, eu", EU),
        ("eu, known", UNTRAINED),  # what its terms say is known without being stated
        ("us, here", UNTRAINED),
        ("known", "require: {no_training: true, retention_days_max: 30}"),
    ],
)
def test_one_that_fulfils_it_is_enough(tmp_path: Path, deployments: str, require: str) -> None:
    assert problems(tmp_path, route(deployments, require)) == []


def test_a_route_that_can_never_serve_says_what_each_falls_short_of(tmp_path: Path) -> None:
    (said,) = problems(tmp_path, route("us, eu", "require: {regions: [eu], no_training: true}"))
    assert "legato.yaml:13:" in said
    assert (
        "routes[1].require: no deployment of `held` is known to fulfil region eu; no training: "
        "us: region us, training unknown; eu: region eu-west, trains on the data. "
        "State what holds for a deployment (region, data_use), add one that fulfils it, "
        "or require less."
    ) in said


@pytest.mark.parametrize("models", [EVERY, "us, eu", "all"])
def test_a_key_that_can_call_something_is_good(tmp_path: Path, models: str) -> None:
    assert problems(tmp_path, keys=key(models, EU)) == []


@pytest.mark.parametrize("models", ["'prompt:reply'", "us, 'prompt:*'"])
def test_a_prompt_may_lead_to_any_deployment(tmp_path: Path, models: str) -> None:
    assert problems(tmp_path, keys=key(models, EU)) == []
    (said,) = problems(tmp_path, keys=key(models, "require: {regions: [mars]}"))
    assert "nothing that `k` may call" in said


def test_a_key_that_can_call_nothing_says_why(tmp_path: Path) -> None:
    (said,) = problems(tmp_path, keys=key(EVERY, "require: {certifications: [SOC 2]}"))
    assert (
        "keys[1].require: nothing that `k` may call is known to fulfil certified SOC 2: "
        "us: certifications unknown; eu: certifications unknown; known: certifications unknown; "
        "here: certifications unknown. State what holds for a deployment"
    ) in said


def test_what_the_route_requires_counts_for_the_key_too(tmp_path: Path) -> None:
    untrained = route("eu, known", UNTRAINED)
    assert problems(tmp_path, untrained, key("held, eu", EU)) == []  # eu itself may be named
    (said,) = problems(tmp_path, untrained, key("held", EU))
    assert "eu behind held: trains on the data; known behind held: region unknown." in said


def test_where_nothing_can_be_called_yet_there_is_nothing_to_say(tmp_path: Path) -> None:
    file = tmp_path / "legato.yaml"
    file.write_text(f"config_version: 1\nkeys:\n  - {{{key(EVERY, EU)}}}\n")
    load(file, {}, secrets=no_secret)


def test_a_broken_name_is_told_alone(tmp_path: Path) -> None:
    (said,) = problems(tmp_path, route("us, euu", EU))
    assert "no deployment `euu`" in said
