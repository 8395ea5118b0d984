"""Azure behind the running gateway: the other dialect, credentials, failures."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import anthropic
import pytest
from azure_openai import CACHED_TOKENS, CHAT_DEPLOYMENT, PROMPT_TOKENS, REASONING_TOKENS
from running import CALLER

if TYPE_CHECKING:
    from azure_openai import AzureServer
    from entra import EntraServer
    from running import RunningLegato

TOOL: Any = {
    "name": "weather",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
}


@pytest.fixture(scope="module")
def client(legato: RunningLegato) -> anthropic.Anthropic:
    return anthropic.Anthropic(base_url=legato.url, api_key=CALLER, max_retries=0, timeout=20)


def ask(client: anthropic.Anthropic, said: str, **fields: Any) -> Any:
    """Ask by a stream, so that both halves of the answer's way are used."""
    messages: Any = fields.pop("messages", [{"role": "user", "content": said}])
    with client.messages.stream(
        model="chat", max_tokens=100, messages=messages, **fields
    ) as stream:
        return stream.get_final_message()


@pytest.mark.parametrize("stream", [False, True])
def test_messages_are_translated(client: anthropic.Anthropic, *, stream: bool) -> None:
    said: Any = [{"role": "user", "content": "reason"}]
    answer = (
        ask(client, "reason")
        if stream
        else client.messages.create(model="chat", max_tokens=100, messages=said)
    )
    assert answer.id == "chatcmpl-azure1"
    assert answer.model == "gpt-4.1-2025-04-14"
    assert answer.content[0].text == "You said: reason."
    assert answer.usage.input_tokens == PROMPT_TOKENS - CACHED_TOKENS
    assert answer.usage.cache_read_input_tokens == CACHED_TOKENS
    assert answer.usage.output_tokens == 10 + REASONING_TOKENS


def test_parallel_tools_are_translated(client: anthropic.Anthropic) -> None:
    answer = ask(client, "weather", tools=[TOOL])
    calls = [block for block in answer.content if block.type == "tool_use"]
    assert [call.input for call in calls] == [{"city": "Oslo"}, {"city": "Rome"}]
    assert answer.stop_reason == "tool_use"
    results = [{"type": "tool_result", "tool_use_id": one.id, "content": "9"} for one in calls]
    turns = [
        {"role": "user", "content": "weather"},
        {"role": "assistant", "content": [call.model_dump() for call in calls]},
        {"role": "user", "content": results},
    ]
    answer = ask(client, "", messages=turns, tools=[TOOL])
    assert answer.content[0].text == "Results: 9; 9."


def test_a_filtered_prompt_is_the_callers_and_says_why(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.BadRequestError, match="content management policy"):
        ask(client, "filtered prompt")
    assert ask(client, "filtered answer").stop_reason == "refusal"


def test_a_retry_waits_for_the_milliseconds_azure_names(
    legato: RunningLegato, azure: AzureServer
) -> None:
    before, began_s = len(azure.taken), time.monotonic()
    answer = legato.chat("chat", "throttle")
    waited_s = time.monotonic() - began_s
    assert answer.status == 429
    assert len(azure.taken) - before == 2
    assert 0.3 <= waited_s < 1.0


def test_a_token_is_fetched_once_and_sent_instead_of_a_key(
    legato: RunningLegato, azure: AzureServer, entra: EntraServer
) -> None:
    for number in range(3):
        assert legato.chat("chat-by-token", f"hello {number}").status == 200
    sent = [one.headers for one in azure.taken[-3:]]
    assert len({one["authorization"] for one in sent}) == 1
    assert all("api-key" not in one for one in sent)
    good = [one for one in entra.asked_for_tokens() if one["client_secret"] != [CALLER]]
    assert len(good) == 1
    assert azure.taken[-1].target == "/openai/v1/chat/completions"


def test_without_a_token_nothing_is_sent_and_the_next_one_answers(
    legato: RunningLegato, azure: AzureServer
) -> None:
    before = len(azure.taken)
    answer = legato.chat("falls-back", "hello")
    assert answer.status == 200
    assert len(azure.taken) - before == 1
    (entry,) = legato.entries(answer.request_id)
    assert entry["deployment"] == "chat"
    voided = legato.query(
        "SELECT attempt FROM voided_attempt WHERE request_id = ?", answer.request_id
    )
    assert [row["attempt"] for row in voided] == [1]
    refused = legato.chat("chat-locked-out", "hello")
    assert refused.status == 502
    assert "Entra gives no token (AADSTS7000215)" in refused.error["message"]
    assert CALLER not in refused.error["message"]


def test_a_deployment_that_is_not_there_is_told(legato: RunningLegato) -> None:
    answer = legato.chat("nowhere", "hello")
    assert answer.status == 404
    assert answer.error["code"] == "DeploymentNotFound"


def test_the_deployments_name_is_quoted_in_the_path(
    legato: RunningLegato, azure: AzureServer
) -> None:
    assert legato.chat("chat-dated", "hello").status == 200
    target = azure.taken[-1].target
    assert CHAT_DEPLOYMENT == "gpt main/2"
    assert target == ("/openai/deployments/gpt%20main%2F2/chat/completions?api-version=2024-10-21")
