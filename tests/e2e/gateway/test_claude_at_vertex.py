"""Claude at Vertex AI behind either dialect: the official clients in front."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anthropic
import openai
import pytest

sys.path.append(str(Path(__file__).parents[2] / "wire_servers"))
from gemini import LOCATION, PROJECT, GeminiServer
from running import CALLER, RunningLegato
from vertex_claude import TOKENS

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = f"""
config_version: 1
providers:
  - name: claude
    kind: vertex
    base_url: UPSTREAM
    api_key: {{env: VERTEX_ACCOUNT}}
    settings: {{project: {PROJECT}, location: {LOCATION}, publisher: anthropic}}
deployments:
  - {{name: sonnet, provider: claude, model: claude-sonnet-4-5@20250929,
     price: {{input_per_mtok: "3", output_per_mtok: "15"}}}}
routes: [{{alias: once, deployments: [sonnet], retry: {{attempts_max: 1}}}}]
keys: [{{name: ci, team: platform, feature: tests, secret: {{env: CALLER_KEY}}}}]
"""
ASKED: Any = [{"role": "user", "content": "hello"}]
TEXT = "You said: hello."


@pytest.fixture(scope="module")
def google() -> Iterator[GeminiServer]:
    with GeminiServer() as server:
        yield server


@pytest.fixture(scope="module")
def gateway(
    google: GeminiServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningLegato]:
    config = CONFIG.replace("UPSTREAM", google.url)
    variables = {"VERTEX_ACCOUNT": google.account}
    running = RunningLegato(tmp_path_factory.mktemp("legato"), config, variables=variables)
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.log.read_text()


def test_in_front_of_anthropic(gateway: RunningLegato, google: GeminiServer) -> None:
    with anthropic.Anthropic(base_url=gateway.url, api_key=CALLER, max_retries=0) as client:
        whole = client.messages.create(model="once", max_tokens=64, messages=ASKED)
        with client.messages.stream(model="once", max_tokens=64, messages=ASKED) as stream:
            assert "".join(stream.text_stream) == TEXT
            streamed = stream.get_final_message()
        assert whole.content[0].text == TEXT  # type: ignore[union-attr]
        assert whole.usage.input_tokens == streamed.usage.input_tokens
        assert google.bodies[-1]["anthropic_version"] == "vertex-2023-10-16"
        counted = client.messages.count_tokens(model="once", messages=ASKED)
        assert counted.input_tokens == TOKENS
        refused: Any = [{"role": "user", "content": "exhausted"}]
        with pytest.raises(anthropic.RateLimitError):
            client.messages.create(model="once", max_tokens=64, messages=refused)


def test_in_front_of_openai(gateway: RunningLegato) -> None:
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=CALLER, max_retries=0) as client:
        whole = client.chat.completions.create(model="once", messages=ASKED, reasoning_effort="low")
        assert whole.choices[0].message.content == TEXT
        assert whole.choices[0].message.to_dict()["reasoning_content"]
        chunks = client.chat.completions.create(model="once", messages=ASKED, stream=True)
        told = "".join(c.delta.content or "" for chunk in chunks for c in chunk.choices)
        assert told == TEXT
