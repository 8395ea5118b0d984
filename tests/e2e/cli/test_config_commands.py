from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Legato

GOOD = """\
config_version: 1
providers:
  - {name: up, kind: openai_compatible, base_url: "http://127.0.0.1:9/v1", api_key: {env: UP_KEY}}
deployments:
  - {name: small, provider: up, model: m, price: {input_per_mtok: 0.15}}
"""


def test_a_good_file_is_good(legato: Legato, tmp_path: Path) -> None:
    (tmp_path / "legato.yaml").write_text(GOOD)
    done = legato("config", "check", UP_KEY="x")
    assert done.returncode == 0
    assert "legato.yaml: good, hash " in done.stdout


def test_problems_are_listed_and_exit_with_2(legato: Legato, tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(GOOD.replace("provider: up", "provider: upp").replace("kind", "kid"))
    done = legato("config", "check", file)
    assert done.returncode == 2
    assert f"legato: the configuration has 2 problems:\n  {file}:3:16: providers[0].kid" in (
        done.stderr
    )
    assert "Traceback" not in done.stderr


def test_a_route_that_can_never_serve_is_refused(legato: Legato, tmp_path: Path) -> None:
    held = "routes: [{alias: held, deployments: [small], require: {regions: [eu]}}]\n"
    (tmp_path / "legato.yaml").write_text(GOOD + held)
    for command in (("config", "check", "--no-secrets"), ("up",)):
        done = legato(*command, UP_KEY="x")
        assert done.returncode == 2
        assert "small: region unknown. State what holds for a deployment" in done.stderr


def test_a_secret_that_can_be_guessed_is_warned_of(legato: Legato, tmp_path: Path) -> None:
    declared = "keys: [{name: ci, team: t, feature: f, secret: {env: CI_KEY}}]\n"
    (tmp_path / "legato.yaml").write_text(GOOD + declared)
    secrets = {"UP_KEY": "x", "CI_KEY": "lg-guess-me"}
    warned = legato("config", "check", **secrets)
    assert warned.returncode == 0
    assert "warning: the secret of ci has fewer than 24 characters" in warned.stderr
    (warning,) = json.loads(legato("config", "check", "--json", **secrets).stdout)["warnings"]
    assert "openssl rand -hex 24" in warning
    examined = legato("doctor", **secrets)
    assert "warn  key secrets" in examined.stdout
    unread = legato("doctor", UP_KEY="x")
    assert "CI_KEY is not set" in unread.stdout
    for done in (warned, examined, unread):
        assert done.returncode == 0
        assert "lg-guess-me" not in done.stdout + done.stderr
    good = legato("config", "check", UP_KEY="x", CI_KEY="lg-a-secret-that-nobody-guesses")
    assert good.stderr == ""


def test_problems_come_as_json_too(legato: Legato, tmp_path: Path) -> None:
    (tmp_path / "legato.yaml").write_text(GOOD)
    done = legato("config", "check", "--json")
    assert done.returncode == 2
    (problem,) = json.loads(done.stdout)["problems"]
    assert problem["path"] == "providers[0].api_key"
    assert "UP_KEY is not set" in problem["message"]
    assert legato("config", "check", "--no-secrets").returncode == 0


def test_show_names_sources_and_hides_secrets(legato: Legato, tmp_path: Path) -> None:
    (tmp_path / "legato.yaml").write_text(GOOD)
    done = legato("config", "show", UP_KEY="hush-hush", LEGATO_SERVER__PORT="9001")
    lines = {line.split(" = ")[0]: line for line in done.stdout.splitlines()}
    assert "9001" in lines["server.port"]
    assert lines["server.port"].endswith("# environment LEGATO_SERVER__PORT")
    assert "{env: UP_KEY}" in lines["providers[0].api_key"]
    assert "legato.yaml:5:" in lines["deployments[0].price.input_per_mtok"]
    assert "hush-hush" not in done.stdout


def test_show_reads_back_as_json(legato: Legato) -> None:
    shown = json.loads(legato("config", "show", "--json").stdout)
    assert {"path": "server.port", "value": 8790, "source": "default"} in shown["values"]


def test_migrating_today_s_version_says_so(legato: Legato, tmp_path: Path) -> None:
    file = tmp_path / "legato.yaml"
    file.write_text(GOOD)
    done = legato("config", "migrate", file)
    assert "the newest there is: nothing to do" in done.stdout
    assert file.read_text() == GOOD
    file.write_text("config_version: 7\n")
    assert legato("config", "migrate", file).returncode == 2
