"""`legato local` as a user runs it."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from legato.cli.local import local

RUN = "from legato.cli.local import local; local()"


def test_the_list_says_what_is_here(local_data: Path, tmp_path: Path) -> None:
    for data, here in ((local_data, True), (tmp_path, False)):
        said = CliRunner().invoke(local, ["list", "--json", "--data", str(data)])
        entry, minilm = json.loads(said.stdout)
        assert (minilm["name"], minilm["stored"]) == ("minilm", False)
        assert (entry["name"], entry["stored"]) == ("smollm2-135m", here)
        assert entry["licence"] == "Apache-2.0"
    table = CliRunner().invoke(local, ["list", "--data", str(tmp_path)])
    assert "smollm2-135m" in table.stdout
    assert "minilm" in table.stdout


def test_a_pull_prints_where_the_weights_lie(local_data: Path) -> None:
    said = CliRunner().invoke(local, ["pull", "smollm2-135m", "--data", str(local_data)])
    assert said.exit_code == 0
    path, rest = said.stdout.splitlines()
    assert Path(path).is_file()
    assert rest.endswith("from: data directory")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["pull", "gpt-9"], "it holds: smollm2-135m"),
        (["pull", "smollm2-135m", "--from", __file__], "nothing was kept"),
        (["bench", "smollm2-135m"], "run `legato local pull smollm2-135m`"),
        (["serve", "smollm2-135m"], "run `legato local pull smollm2-135m`"),
    ],
)
def test_an_error_is_one_plain_line(arguments: list[str], said: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(local, [*arguments, "--data", str(tmp_path)])
    assert result.exit_code == 1
    assert said in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.slow
def test_the_bench_prints_its_figures(local_data: Path) -> None:
    arguments = ["bench", "smollm2-135m", "--data", str(local_data), "--rounds", "1", "--json"]
    result = json.loads(CliRunner().invoke(local, arguments).stdout)
    assert result["generation_per_s"] > 0
    assert result["generated_tokens"] == 64


def test_serve_says_its_address_and_ends_on_ctrl_c(local_data: Path) -> None:
    command = [sys.executable, "-c", RUN, "serve", "smollm2-135m", "--data", str(local_data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        assert said["base_url"].startswith("http://127.0.0.1:")
        assert len(said["api_key"]) >= 32
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 0
    assert (local_data / "logs" / "local-model.log").is_file()


def test_help_needs_nothing_heavy() -> None:
    check = "import sys, legato.cli.local; print({'rich', 'asyncio', 'msgspec'} & set(sys.modules))"
    said = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, check=True
    ).stdout
    assert said.strip() == "set()"
