"""Rules that are asked on saving: each refuses what breaks it by its name, or only tells it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from legato.app.checks.compliance_rules import BY_FRAMEWORK, SAVED_RULES
from legato.app.config.problems import ConfigProblems
from legato.cli.main import main

from .compliance_world import World

Spoil = Callable[[dict[str, Any]], object]


def no_tls(config: dict[str, Any]) -> None:
    config["providers"][0]["base_url"] = "http://one.example/v1"


def no_secrets(config: dict[str, Any]) -> None:
    config["guardrails"]["policies"][0]["rules"][0]["detect"]["labels"] = ["personal"]


def for_one_team(config: dict[str, Any]) -> None:
    config["guardrails"]["policies"][0]["attach"] = {"teams": ["t"]}


SPOILS: list[tuple[str, Spoil, str]] = [
    ("deployments-say-region", lambda one: one["deployments"][0].pop("region"),
     "deployments[0].region"),
    ("deployments-exclude-training", lambda one: one["deployments"][0].pop("data_use"),
     "deployments[0].data_use"),
    ("routes-bind-regions", lambda one: one["routes"][0].pop("require"), "routes[0].require"),
    ("personal-data-guarded", for_one_team, "routes[0].alias"),
    ("secrets-guarded", no_secrets, "deployments[0].name"),
    ("captures-redacted", lambda one: one["capture"]["rules"][0].update(redact=False),
     "capture.rules[0]"),
    ("providers-by-tls", no_tls, "providers[0].base_url"),
    ("audit-log-copied", lambda one: one["audit"].update(export=[]), "audit.export"),
    ("routes-have-fallbacks", lambda one: one["routes"][0].update(deployments=["a"]),
     "routes[0].deployments"),
]  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("world"))


@pytest.fixture
def world(made: World, tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, made)
    world.config["compliance"] = {"rules": sorted(SAVED_RULES)}
    yield world
    world.engine.dispose()


@pytest.mark.parametrize(("rule", "spoil", "field"), SPOILS)
def test_what_breaks_a_rule_is_refused_by_its_name(
    rule: str, spoil: Spoil, field: str, world: World
) -> None:
    world.loaded()
    spoil(world.config)
    with pytest.raises(ConfigProblems) as refused:
        world.loaded()
    told = [str(one) for one in refused.value.problems]
    assert any(
        field in one and f"it breaks {rule}. {SAVED_RULES[rule].remedy}" in one for one in told
    )
    world.config["compliance"]["on_breach"] = "warn"
    world.loaded()


def test_every_rule_is_shown_to_refuse_and_frameworks_name_them() -> None:
    assert {rule for rule, _, _ in SPOILS} == SAVED_RULES.keys()
    assert {rule for rules in BY_FRAMEWORK.values() for rule in rules} <= SAVED_RULES.keys()


def test_an_unknown_rule_is_named(world: World) -> None:
    world.config["compliance"] = {"rules": ["captures-redacte"]}
    with pytest.raises(ConfigProblems, match=r"compliance.rules\[0\].*captures-redacted"):
        world.loaded()


def run(world: World, *words: str, code: int = 0) -> Result:
    data = ("--data", str(world.data.root)) if words[0] != "config" else ()
    file = ("--config", str(world.data.root.parent / "legato.yaml"))
    done = CliRunner().invoke(main, [*words, *file, *data], env=world.env)
    assert done.exit_code == code, (done.output, done.exception)
    return done


def test_what_is_saved_in_the_registry_is_refused_and_check_warns(
    world: World, tmp_path: Path
) -> None:
    world.loaded()
    folder = tmp_path / "saved"
    folder.mkdir()
    said: dict[str, Any] = {"provider": "one", "model": "m", "data_use": {"training": False}}
    document = {"kind": "deployment", "name": "far", "spec": said}
    file = folder / "far.yaml"
    file.write_text(yaml.safe_dump(document))
    refused = run(world, "registry", "save", str(file), code=1)
    assert "region: `far` says no region: it breaks deployments-say-region" in refused.output
    world.config["compliance"]["on_breach"] = "warn"
    world.config["deployments"][0].pop("region")
    world.config["routes"][0].pop("require")
    world.loaded()
    warned = json.loads(run(world, "config", "check", "--json").stdout)["warnings"]
    assert any("deployments[0].region" in one for one in warned)
