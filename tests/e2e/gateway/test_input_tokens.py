"""What a request of responses would read, counted: by the official SDK, earlier turns included."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
import pytest
from openai import OpenAI
from running import CALLER, RunningLegato

if TYPE_CHECKING:
    from collections.abc import Iterator

    from legato.providers.simulated.child import SimulatedChild

STRANGE = "lg-a-key-of-another-organisation"
VARIABLES = {"STRANGE_KEY": STRANGE}
CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
retry: {attempts_max: 1}
providers:
  - {name: open, kind: openai_compatible, base_url: "UPSTREAM/v1"}
  - {name: other, kind: anthropic, base_url: "UPSTREAM"}
deployments:
  - {name: small, provider: open, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
  - {name: claude, provider: other, model: m, price: {input_per_mtok: "3", output_per_mtok: "15"}}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
  - {name: strange, org: elsewhere, team: x, feature: y, secret: {env: STRANGE_KEY}}
"""
PATH = "/v1/responses/input_tokens"
WEATHER: Any = {
    "type": "function",
    "name": "weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    "strict": False,
}


@pytest.fixture
def client(legato: RunningLegato, upstream: SimulatedChild) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{legato.url}/v1", api_key=CALLER, max_retries=0) as client:
        yield client


def test_the_provider_counts_what_it_would_bill(client: OpenAI, legato: RunningLegato) -> None:
    asked: dict[str, Any] = {
        "model": "claude",
        "instructions": "Be brief.",
        "input": "What is the weather in Wien?",
        "tools": [WEATHER],
    }
    counted = client.responses.input_tokens.count(**asked)
    answered = client.responses.create(**asked)
    assert answered.usage is not None
    assert counted.to_dict() == {
        "object": "response.input_tokens",
        "input_tokens": answered.usage.input_tokens,
    }


def test_earlier_turns_are_counted_with_it(client: OpenAI) -> None:
    first = client.responses.create(model="claude", input="My name is Alice. " * 20)
    alone = client.responses.input_tokens.count(model="claude", input="Who am I?")
    following: dict[str, Any] = {"input": "Who am I?", "previous_response_id": first.id}
    counted = client.responses.input_tokens.count(model="claude", **following)
    second = client.responses.create(model="claude", **following)
    assert second.usage is not None
    assert counted.input_tokens == second.usage.input_tokens > alone.input_tokens + 20
    guessed = client.responses.input_tokens.count(model="small", **following)
    assert guessed.input_tokens > alone.input_tokens + 20


def test_an_estimate_says_so_and_leaves_nothing_behind(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    answer = legato.post(PATH, {"model": "small", "input": "x" * 4_000})
    assert answer.status == 200
    assert answer.json.keys() == {"object", "input_tokens", "estimated"}
    assert answer.json["estimated"] is True
    assert 1_000 <= answer.json["input_tokens"] <= 1_020
    assert upstream.calls(0) == []
    assert legato.trace(answer.request_id)["surface"] == "input_tokens"
    assert legato.query("SELECT * FROM ledger_entry WHERE request_id = ?", answer.request_id) == []
    kept = legato.query("SELECT count(*) AS n FROM stored_response")[0]["n"]
    assert legato.post(PATH, {"model": "claude", "input": "hi", "store": True}).status == 200
    assert legato.query("SELECT count(*) AS n FROM stored_response")[0]["n"] == kept


def test_what_cannot_be_counted_is_refused_by_name(legato: RunningLegato, client: OpenAI) -> None:
    for body, param in (
        ({"input": "hi"}, "model"),
        ({"model": "claude"}, "input"),
        ({"model": "claude", "input": "hi", "conversation": "conv_1"}, "conversation"),
        ({"model": "claude", "input": "hi", "truncation": "auto"}, "truncation"),
    ):
        answer = legato.post(PATH, body)
        assert (answer.status, answer.error["param"]) == (400, param), answer.body
    answer = legato.post(PATH, {"model": "claude", "input": "hi", "stream": True})
    assert answer.json["object"] == "response.input_tokens"


def test_a_conversation_of_others_is_not_found(legato: RunningLegato, client: OpenAI) -> None:
    first = client.responses.create(model="claude", input="My name is Alice.")
    with (
        OpenAI(base_url=f"{legato.url}/v1", api_key=STRANGE, max_retries=0) as stranger,
        pytest.raises(openai.NotFoundError) as refused,
    ):
        stranger.responses.input_tokens.count(
            model="claude", input="Who am I?", previous_response_id=first.id
        )
    assert refused.value.code == "previous_response_not_found"
