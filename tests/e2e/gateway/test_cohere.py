"""Cohere behind every surface that can have it, in front of a server its own client reads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import cohere
import httpx
import openai
import pytest
from running import CALLER, RunningLegato

from wire_servers.cohere import CALLS, KEY, PLAN, TEXT, THOUGHT, CohereServer

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """\
config_version: 1
cache: {enabled: false}
storage: {ledger_poll_s: 0.1}
retry: {attempts_max: 1}
providers:
  - {name: cohere, kind: cohere, base_url: "URL", api_key: {env: VENDOR_KEY}}
deployments:
  - {name: chat, provider: cohere, model: command-x, price: {input_per_mtok: "1", output_per_mtok: "2"}}
  - {name: embed, provider: cohere, model: embed-x, price: {input_per_mtok: "1"}}
  - {name: rank, provider: cohere, model: rerank-x, price: {search_usd: "0.002"}}
routes:
  - {alias: any, deployments: [chat], drop_unsupported: true}
keys:
  - {name: ci, team: p, feature: t, secret: {env: CALLER_KEY}}
  - name: held
    team: p
    feature: t
    secret: {env: HELD_KEY}
    budget: {usd: "0.001", window: day}
"""  # noqa: E501 - one deployment a line
HELD = "lg-a-key-with-a-small-budget"
TOOLS: Any = [
    {
        "type": "function",
        "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}},
    }
]
TEXTS = ["The sky is blue", "Cats purr", "Why is the sky blue at noon"]
QUERY = "Why is the sky blue"


@pytest.fixture(scope="module")
def vendor() -> Iterator[CohereServer]:
    with CohereServer() as server:
        yield server


@pytest.fixture(scope="module")
def legato(
    vendor: CohereServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningLegato]:
    running = RunningLegato(
        tmp_path_factory.mktemp("legato"),
        CONFIG.replace("URL", vendor.url),
        variables={"VENDOR_KEY": KEY, "HELD_KEY": HELD},
    )
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.log.read_text()


@pytest.fixture(scope="module")
def client(legato: RunningLegato) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{legato.url}/v1", api_key=CALLER, max_retries=0)


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with httpx.Client() as client:
        yield client


def client_of(http: httpx.Client, key: str, url: str) -> cohere.ClientV2:
    return cohere.ClientV2(api_key=key, base_url=url, httpx_client=http)


def asked(question: str) -> list[Any]:
    return [{"role": "user", "content": question}]


def test_coheres_own_client_reads_the_server(vendor: CohereServer, http: httpx.Client) -> None:
    own = client_of(http, KEY, vendor.url)
    answer = own.chat(model="m", messages=asked("THINK"))
    assert [block.type for block in answer.message.content or ()] == ["thinking", "text"]
    assert answer.usage is not None
    events = list(own.chat_stream(model="m", messages=asked("CALL")))
    kinds = [event.type for event in events]
    assert kinds[0] == "message-start"
    assert kinds[-1] == "message-end"
    assert kinds.count("tool-call-start") == 2
    embedded = own.embed(model="m", texts=["a"], input_type="search_query")
    assert embedded.embeddings.float_ == [[0.125] * 4]
    assert own.rerank(model="m", query=QUERY, documents=TEXTS).results[0].index == 2
    with pytest.raises(cohere.errors.UnauthorizedError):
        client_of(http, "other", vendor.url).chat(model="m", messages=asked("x"))


def test_a_whole_answer_with_its_reasoning_and_the_bill(
    legato: RunningLegato, client: openai.OpenAI
) -> None:
    raw = client.chat.completions.with_raw_response.create(model="chat", messages=asked("THINK"))
    answer: Any = raw.parse()
    message = answer.choices[0].message
    assert (message.content, message.reasoning_content) == (TEXT, THOUGHT)
    (cited,) = message.citations
    assert cited == {"start_index": 0, "end_index": 4, "document": "doc:0", "title": "Rayleigh"}
    assert (answer.choices[0].finish_reason, answer.model) == ("stop", "command-x")
    entry = legato.entries(raw.headers["x-legato-request-id"], 1)[0]
    assert (entry["in_uncached"], entry["cache_read"], entry["out_text"]) == (20, 10, 7)
    assert entry["cost"] == 30 * 1_000 + 7 * 2_000


def test_a_stream_with_its_reasoning_and_the_bill(
    legato: RunningLegato, client: openai.OpenAI
) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model="chat",
        messages=asked("THINK"),
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks: list[Any] = list(raw.parse())
    deltas = [chunk.choices[0].delta for chunk in chunks if chunk.choices]
    assert "".join(delta.content or "" for delta in deltas) == TEXT
    assert "".join(getattr(delta, "reasoning_content", "") for delta in deltas) == THOUGHT
    assert {chunk.model for chunk in chunks} == {"command-x"}
    assert (chunks[-1].usage.prompt_tokens, chunks[-1].usage.completion_tokens) == (30, 7)
    assert legato.entries(raw.headers["x-legato-request-id"], 1)[0]["out_text"] == 7


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_parallel_tool_calls_and_their_results(
    vendor: CohereServer, client: openai.OpenAI, *, streamed: bool
) -> None:
    fields: Any = {"model": "chat", "tools": TOOLS, "tool_choice": "required"}
    calls: dict[int, list[str]] = {}
    if streamed:
        for chunk in client.chat.completions.create(messages=asked("CALL"), stream=True, **fields):
            for call in chunk.choices[0].delta.tool_calls or ():
                seen = calls.setdefault(call.index, [call.id, call.function.name, ""])
                seen[2] += call.function.arguments or ""
    else:
        answer = client.chat.completions.create(messages=asked("CALL"), **fields)
        assert answer.choices[0].finish_reason == "tool_calls"
        for index, call in enumerate(answer.choices[0].message.tool_calls or ()):
            calls[index] = [call.id, call.function.name, call.function.arguments]
    assert [tuple(call[1:]) for call in calls.values()] == CALLS
    assert vendor.bodies[-1]["tool_choice"] == "REQUIRED"
    turn: Any = {
        "role": "assistant",
        "content": None,
        "reasoning_content": PLAN,
        "tool_calls": [
            {"id": i, "type": "function", "function": {"name": n, "arguments": a}}
            for i, n, a in calls.values()
        ],
    }
    results: Any = [
        {"role": "tool", "tool_call_id": call[0], "content": "12"} for call in calls.values()
    ]
    second = client.chat.completions.create(
        model="chat", messages=[*asked("hi"), turn, *results], tools=TOOLS
    )
    assert second.choices[0].message.content == TEXT
    sent = vendor.bodies[-1]["messages"]
    assert sent[1]["tool_plan"] == PLAN
    assert [message["tool_call_id"] for message in sent[2:]] == ["weather_0", "weather_1"]


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_anthropics_messages_in_front(legato: RunningLegato, *, streamed: bool) -> None:
    body = {
        "model": "chat",
        "max_tokens": 50,
        "stream": streamed,
        "system": "be short",
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "messages": asked("THINK"),
    }
    answer = legato.post("/v1/messages", body, CALLER)
    assert answer.status == 200, answer.body
    if not streamed:
        thinking, cited, rest = answer.json["content"]  # what is cited is a block of its own
        assert (thinking["thinking"], cited["text"] + rest["text"]) == (THOUGHT, TEXT)
        assert [one["source"] for one in cited["citations"]] == ["doc:0"]
        assert answer.json["usage"]["output_tokens"] == 7
        return
    lines = [line[6:] for line in answer.body.splitlines() if line.startswith(b"data: ")]
    deltas = [json.loads(line).get("delta", {}) for line in lines]
    assert "".join(delta.get("text", "") for delta in deltas) == TEXT
    assert "".join(delta.get("thinking", "") for delta in deltas) == THOUGHT


def test_what_goes_out_is_coheres(legato: RunningLegato, vendor: CohereServer) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    image = {
        "type": "image_url",
        "image_url": {"url": "data:image/png;base64,AA==", "detail": "low"},
    }
    answer = legato.chat(
        "chat",
        messages=[
            {"role": "developer", "content": "be short"},
            {"role": "user", "content": [{"type": "text", "text": "what?"}, image]},
        ],
        response_format={"type": "json_schema", "json_schema": {"name": "a", "schema": schema}},
        top_p=1,
        stop="\n",
        seed=3,
        max_completion_tokens=9,
        reasoning_effort="none",
        user="u",
    )
    assert answer.status == 200, answer.body
    assert vendor.bodies[-1] == {
        "model": "command-x",
        "messages": [
            {"role": "system", "content": "be short"},
            {"role": "user", "content": [{"type": "text", "text": "what?"}, image]},
        ],
        "response_format": {"type": "json_object", "json_schema": schema},
        "stop_sequences": ["\n"],
        "seed": 3,
        "max_tokens": 9,
        "thinking": {"type": "disabled"},
    }


@pytest.mark.parametrize(
    ("field", "value"), [("n", 2), ("top_logprobs", 3), ("temperature", 1.5), ("verbosity", "low")]
)
def test_what_cohere_has_not_is_refused_by_name_or_dropped(
    legato: RunningLegato, field: str, value: Any
) -> None:
    refused = legato.chat("chat", **{field: value})
    assert (refused.status, refused.error["param"]) == (400, field)
    assert legato.chat("any", **{field: value}).status == 200


def test_errors(legato: RunningLegato) -> None:
    limited = legato.chat("chat", "FAIL")
    assert limited.status == 429
    assert "past the per minute request limit" in limited.error["message"]
    broken = legato.chat("chat", "BREAK")
    assert broken.status == 503
    streamed = legato.chat("chat", "BREAK", stream=True)
    assert b"generation failed" in streamed.body
    assert b"[DONE]" not in streamed.body


def test_embeddings(legato: RunningLegato, client: openai.OpenAI, vendor: CohereServer) -> None:
    raw = client.embeddings.with_raw_response.create(model="embed", input=["ab", "abcd"])
    answer = raw.parse()
    assert [one.embedding for one in answer.data] == [[0.25] * 4, [0.5] * 4]
    assert vendor.bodies[-1]["input_type"] == "search_document"
    assert legato.entries(raw.headers["x-legato-request-id"], 1)[0]["cost"] == 6_000


def test_coheres_client_reranks_through_the_gateway(
    legato: RunningLegato, http: httpx.Client
) -> None:
    own = client_of(http, CALLER, legato.url)
    answer = own.rerank(model="rank", query=QUERY, documents=TEXTS, top_n=2)
    assert [one.index for one in answer.results] == [2, 0]
    assert answer.meta is not None
    assert answer.meta.billed_units is not None
    assert answer.meta.billed_units.search_units == 1


def test_a_rerank_costs_its_searches(legato: RunningLegato) -> None:
    body = {
        "model": "rank",
        "query": QUERY,
        "documents": [TEXTS[0], {"text": TEXTS[2], "page": 7}],
        "return_documents": True,
    }
    answer = legato.post("/v1/rerank", body)
    assert answer.status == 200, answer.body
    assert answer.json["results"][0]["document"] == {"text": TEXTS[2], "page": 7}
    assert answer.headers["x-legato-cost-usd"] == "0.002000000"
    entry = legato.entries(answer.request_id, 1)[0]
    assert (entry["units"], entry["cost"], entry["usage_source"]) == (1, 2_000_000, "provider")
    held = legato.post("/v1/rerank", body, HELD)
    assert held.status == 429, held.body


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"query": "", "documents": ["a"]}, "query"),
        ({"query": "q", "documents": []}, "documents"),
        ({"query": "q", "documents": [1]}, "documents.0"),
        ({"query": "q", "documents": ["a"], "top_n": 0}, "top_n"),
        ({"query": "q", "documents": ["a"], "rank_fields": ["x"]}, "rank_fields"),
    ],
)
def test_a_rerank_that_cannot_be_served_is_refused_by_name(
    legato: RunningLegato, body: dict[str, Any], param: str
) -> None:
    answer = legato.post("/v1/rerank", {"model": "rank", **body})
    assert (answer.status, answer.error["param"]) == (400, param)
