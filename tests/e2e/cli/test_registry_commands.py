from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conftest import Legato

CONFIG = """
config_version: 1
providers: [{name: sim, kind: simulated}]
deployments:
  - {name: small, provider: sim, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
routes: [{alias: chat, deployments: [small]}]
"""
GREETING = """
kind: prompt
name: greeting
owner: support
spec:
  messages: [{role: user, content: "Greet {{name}}."}]
  variables: {name: {type: string}}
  route: chat
"""
JUDGE = """
kind: judge
name: fair
spec:
  model: small
  rubric:
    criteria:
      - name: right
        question: Is it right?
        levels: [{value: 1, meaning: wrong}, {value: 2, meaning: right}]
"""
Run = "Callable[..., str]"


@pytest.fixture
def files(tmp_path: Path) -> Path:
    directory = tmp_path / "prompts"
    directory.mkdir()
    (directory / "greeting.yaml").write_text(GREETING)
    return directory


@pytest.fixture
def run(legato: Legato, tmp_path: Path) -> Callable[..., str]:
    return _runner(legato, tmp_path, CONFIG)


def _runner(legato: Legato, tmp_path: Path, config: str) -> Callable[..., str]:
    file = tmp_path / "legato.yaml"
    file.write_text(config)

    def run(*words: object, status: int = 0) -> str:
        where = ("--config", file, "--data", tmp_path / "data")
        done = legato(*map(str, (*words, *where)))
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def test_a_directory_becomes_an_environment_and_comes_out_again(
    run: Callable[..., str], files: Path, tmp_path: Path
) -> None:
    assert "Greet {{name}}." in run("diff", "-f", files, "--exit-code", status=1)
    run("apply", "-f", files, "--yes", "--author", "ada", "--reason", "first")
    assert "is as the directory says" in run("diff", "-f", files, "--exit-code")
    (files / "greeting.yaml").write_text(GREETING.replace("Greet", "Welcome"))
    assert "-  content: Greet {{name}}." in run("diff", "-f", files)
    run("apply", "-f", files, "--yes")
    shown = json.loads(run("registry", "show", "prompt:greeting", "--json"))
    assert (shown["number"], shown["owner"]) == (2, "support")
    assert shown["spec"]["messages"][0]["content"] == "Welcome {{name}}."
    run("export", "-o", tmp_path / "out")
    assert "is as the directory says" in run("diff", "-f", tmp_path / "out", "--exit-code")
    told = json.loads(run("registry", "log", "prompt:greeting", "--json"))
    assert [one["author"] for one in told["versions"]][-1] == "operator:ada"
    assert [one["reason"] for one in told["moves"]] == ["", "first"]


def test_other_kinds_keep_their_labels_unless_they_are_pruned(
    run: Callable[..., str], files: Path
) -> None:
    judge = files / "judge.yaml"
    judge.write_text(JUDGE)
    run("apply", "-f", files, "--yes")
    judge.unlink()
    (files / "greeting.yaml").write_text(GREETING.replace("Greet", "Welcome"))
    told = run("apply", "-f", files, "--yes", status=1)
    assert "no file of these kinds: judge" in told
    assert "judge/fair@production" in told
    assert json.loads(run("registry", "show", "prompt:greeting", "--json"))["number"] == 1
    run("apply", "-f", files, "--yes", "--prune")
    assert json.loads(run("registry", "show", "prompt:greeting", "--json"))["number"] == 2
    assert "is as the directory says" in run("diff", "-f", files)


def test_one_truth(run: Callable[..., str], files: Path) -> None:
    run("apply", "-f", files, "--yes")
    refused = run("registry", "label", "prompt:greeting@1", "staging", status=1)
    assert "legato registry truth database" in refused
    assert run("registry", "truth", "database") == "production: database\n"
    run("registry", "label", "prompt:greeting@1", "staging")
    assert "legato registry truth directory" in run("apply", "-f", files, "--yes", status=1)


def test_back_to_what_it_was(run: Callable[..., str], files: Path) -> None:
    file = files / "greeting.yaml"
    run("registry", "save", file)
    nothing_before = run("rollback", "prompt:greeting", status=1)
    assert "pointed to nothing before" in nothing_before
    file.write_text(GREETING.replace("Greet", "Welcome"))
    run("registry", "save", file)
    run("rollback", "prompt:greeting@production", "--reason", "too warm")
    shown = json.loads(run("registry", "show", "prompt:greeting", "--json"))
    assert shown["number"] == 1
    (uses,) = [
        one for one in json.loads(run("where-used", "route:chat", "--json")) if one["labels"]
    ]
    assert (uses["number"], uses["labels"]) == (1, ["production: production"])
    compared = run("registry", "compare", "prompt:greeting@1", "2")
    assert "+  content: Welcome {{name}}." in compared


def test_every_problem_of_every_file_is_told(run: Callable[..., str], files: Path) -> None:
    (files / "greeting.yaml").write_text(GREETING.replace("{{name}}", "{{nmae}}"))
    (files / "other.yaml").write_text("kind: prompt\nname: other\nspek: {}\n")
    assert "other.yaml" in run("apply", "-f", files, "--yes", status=1)
    (files / "other.yaml").unlink()
    told = run("apply", "-f", files, "--yes", status=1)
    assert "`nmae` is no variable" in told
    (files / "greeting.yaml").write_text(GREETING.replace("route: chat", "route: caht"))
    assert "nothing here is called 'caht'" in run("apply", "-f", files, "--yes", status=1)
    (files / "greeting.yaml").write_text(GREETING)
    (files / "again.yaml").write_text(GREETING.replace("Greet", "Welcome"))
    assert "a label points to one version" in run("apply", "-f", files, "--yes", status=1)


def test_moves_wait_for_somebody_else(legato: Legato, tmp_path: Path, files: Path) -> None:
    rule = "registry: {approvals: [{environment: production, labels: [production]}]}\n"
    run = _runner(legato, tmp_path, CONFIG + rule)
    asked = run("registry", "save", files / "greeting.yaml", "--author", "ada")
    assert "waits for 1 to approve" in asked
    (pending,) = json.loads(run("registry", "moves", "--pending", "--json"))
    assert "can't approve" in run("registry", "approve", pending["id"], "--author", "ada", status=1)
    run("registry", "approve", pending["id"], "--author", "ben", "--reason", "read it")
    assert json.loads(run("registry", "list", "--json"))[0]["labels"] == {"production": 1}
    run("registry", "label", "prompt:greeting@1", "draft", "--author", "ada")  # no rule for it
    assert json.loads(run("registry", "moves", "--pending", "--json")) == []


def test_a_way_back_may_wait_for_nobody(legato: Legato, tmp_path: Path, files: Path) -> None:
    rule = "registry: {approvals: [{labels: [production], rollback_approvals: 0}]}\n"
    run = _runner(legato, tmp_path, CONFIG + rule)
    file = files / "greeting.yaml"
    for text in (GREETING, GREETING.replace("Greet", "Welcome")):
        file.write_text(text)
        run("registry", "save", file, "--author", "ada")
        (pending,) = json.loads(run("registry", "moves", "--pending", "--json"))
        run("registry", "approve", pending["id"], "--author", "ben")
    run("rollback", "prompt:greeting", "--author", "ada", "--reason", "too warm")
    assert json.loads(run("registry", "list", "--json"))[0]["labels"] == {"production": 1}
    asked = run("registry", "label", "prompt:greeting@2", "production", "--author", "ada")
    assert "waits for 1 to approve" in asked
