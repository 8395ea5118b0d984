"""The page on prompts, followed from the file to the answers of both vendors' clients."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from running import CALLER, RunningLegato, within

sys.path.append(str(Path(__file__).parents[2]))
from kept_prompts import Recorder

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (Path(__file__).parents[3] / "docs/how-to/prompts.md").read_text()
ADDRESS = "http://127.0.0.1:8790"
CONFIG = """\
config_version: 1
providers: [{name: open, kind: openai_compatible, base_url: "RECORDER/v1"}]
deployments:
  - {name: small, provider: open, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
routes: [{alias: chat, deployments: [small], cache: {enabled: false}}]
keys: [{name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}]
"""


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    with Recorder() as recorder:
        yield recorder


@pytest.fixture(scope="module")
def legato(recorder: Recorder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    folder = tmp_path_factory.mktemp("legato")
    running = RunningLegato(folder, CONFIG.replace("RECORDER", recorder.url))
    (folder / "prompts").mkdir()
    (folder / "prompts/refund-reply.yaml").write_text(blocks("yaml")[0])
    (apply,) = (block for block in blocks("sh") if "legato apply" in block)
    shell(running, f"{apply.strip()} --config legato.yaml --data data")
    yield running
    assert running.stop() == 0


def shell(legato: RunningLegato, command: str) -> str:
    """Run what the page shows, in the folder of the configuration."""
    programs = f"{Path(sys.executable).parent}:{legato.environment['PATH']}"
    done = subprocess.run(
        ["bash", "-euc", command.replace(ADDRESS, legato.url)],
        cwd=legato.config.parent,
        env=legato.environment | {"PATH": programs, "LEGATO_KEY": CALLER},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def called(legato: RunningLegato) -> bool:
    body = {"model": "prompt:refund-reply", "metadata": {"variables": {"question": "?"}}}
    return legato.post("/v1/chat/completions", body).status == 200


def test_what_the_page_shows_runs(legato: RunningLegato, recorder: Recorder) -> None:
    assert within(2, lambda: called(legato))
    programs = blocks("python")
    for program in programs:
        (legato.config.parent / "call.py").write_text(program.replace(ADDRESS, legato.url))
        assert "answer" in shell(legato, "python call.py")
    system, user = recorder.last["messages"]
    assert system["content"] == ("You answer for Acme. Be kind and brief.\n- order 7: shipped\n")
    assert [part["text"] for part in user["content"]] == ["Where is it?", "In English, please."]
    (call,) = (block for block in blocks("sh") if "curl" in block)
    answer = shell(legato, call)
    assert "HTTP/1.1 200" in answer
    assert re.search(r"x-legato-versions: prompt/refund-reply@[0-9a-f]{12}", answer)
    said = recorder.last["messages"][0]["content"]
    assert said.endswith("The customer has no orders.\n")
    assert recorder.last["temperature"] == 0.2
