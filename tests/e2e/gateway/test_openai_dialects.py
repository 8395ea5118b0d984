"""Every preset in front of a server with its vendor's documented deviations.

The vendors' own clients judge the servers first, then Legato stands between.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import mistralai.client
import openai
import pytest
from running import CALLER, RunningLegato

from wire_servers.openai_dialects import (
    CACHED_TOKENS,
    COMPLETION_TOKENS,
    PROMPT_TOKENS,
    REASONING_TOKENS,
    TEXT,
    THOUGHT,
    VENDORS,
    DialectServers,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from openai.types.chat import ChatCompletion

TOOL = {
    "type": "function",
    "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}},
}
REPORTS_CACHE = {"together", "openrouter", "deepseek", "xai", "fireworks", "groq", "vllm"}
REPORTS_REASONING = {"xai", "openrouter", "deepseek", "groq"}
REFUSED = {
    "mistral": {"logit_bias": {"1": 2}},
    "groq": {"n": 2},
    "deepseek": {"n": 2},
    "perplexity": {"seed": 0},
    "ollama": {"tool_choice": "required"},
    "tgi": {"n": 2},
}


@pytest.fixture(scope="module")
def vendors() -> Iterator[DialectServers]:
    with DialectServers() as servers:
        yield servers


@pytest.fixture(scope="module")
def legato(
    vendors: DialectServers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningLegato]:
    lines = ["config_version: 1", "cache: {enabled: false}", "storage: {ledger_poll_s: 0.1}"]
    lines += ["retry: {attempts_max: 1}", "providers:"]
    for vendor in VENDORS:
        known = f"name: {vendor}, kind: openai_compatible, preset: {vendor}"
        place = f'base_url: "{vendors.url_of(vendor)}", api_key: {{env: VENDOR_KEY}}'
        lines.append(f"  - {{{known}, {place}}}")
    lines.append("deployments:")
    price = 'price: {input_per_mtok: "1", output_per_mtok: "2"}'
    lines += [f"  - {{name: {v}, provider: {v}, model: m-{v}, {price}}}" for v in VENDORS]
    lines.append("routes:")
    lines += [
        f"  - {{alias: any-{v}, deployments: [{v}], drop_unsupported: true}}" for v in VENDORS
    ]
    lines += ["keys:", "  - {name: ci, team: p, feature: t, secret: {env: CALLER_KEY}}", ""]
    running = RunningLegato(
        tmp_path_factory.mktemp("legato"),
        "\n".join(lines),
        variables={"VENDOR_KEY": "vendor-key"},
    )
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.log.read_text()


def client_of(url: str, key: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=url, api_key=key, max_retries=0)


def asked(question: str) -> list[Any]:
    return [{"role": "user", "content": question}]


def whole(stream: Any) -> tuple[str, str, list[str], Any]:
    """Text, reasoning, finish reasons and the last usage of a stream."""
    text = thought = ""
    finishes: list[str] = []
    usage = None
    for chunk in stream:
        usage = chunk.usage or usage
        for choice in chunk.choices:
            assert not isinstance(choice.delta.content, list)
            text += choice.delta.content or ""
            extra = choice.delta.model_extra or {}
            thought += extra.get("reasoning_content") or extra.get("reasoning") or ""
            finishes += [choice.finish_reason] if choice.finish_reason else []
    return text, thought, finishes, usage


@pytest.mark.parametrize("vendor", sorted(set(VENDORS) - {"mistral"}))
def test_openais_client_reads_the_servers(vendors: DialectServers, vendor: str) -> None:
    client = client_of(vendors.url_of(vendor), "vendor-key")
    answer: ChatCompletion = client.chat.completions.create(model="m", messages=asked("hi"))
    assert answer.choices[0].message.content == TEXT
    stream = client.chat.completions.create(model="m", messages=asked("think"), stream=True)
    assert whole(stream)[:2] == (TEXT, THOUGHT)


def test_mistrals_own_client_reads_its_server(vendors: DialectServers) -> None:
    url = vendors.url_of("mistral").removesuffix("/v1")
    with mistralai.client.Mistral(api_key="vendor-key", server_url=url) as client:
        answer = client.chat.complete(model="m", messages=asked("think"), random_seed=7)
        content: Any = answer.choices[0].message.content
        assert [part.type for part in content] == ["thinking", "text"]
        with client.chat.stream(model="m", messages=asked("think")) as stream:
            events = [event.data for event in stream]
    assert events[-1].usage.prompt_tokens == PROMPT_TOKENS
    assert events[1].choices[0].delta.content[0].type == "thinking"


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_reasoning_and_usage_reach_openais_client_and_the_ledger(
    legato: RunningLegato, vendor: str, *, streamed: bool
) -> None:
    client = client_of(f"{legato.url}/v1", CALLER)
    fields: dict[str, Any] = {"model": vendor, "messages": asked("think"), "max_tokens": 50}
    if streamed:
        raw = client.chat.completions.with_raw_response.create(**fields, stream=True)
        text, thought, finishes, _ = whole(raw.parse())
        assert len(finishes) == 1
    else:
        raw = client.chat.completions.with_raw_response.create(**fields)
        message = raw.parse().choices[0].message
        extra = message.model_extra or {}
        text, thought = message.content or "", extra.get("reasoning_content") or extra["reasoning"]
    assert (text, thought) == (TEXT, THOUGHT)
    entry = legato.entries(raw.headers["x-legato-request-id"], 1)[0]
    cached = CACHED_TOKENS if vendor in REPORTS_CACHE else 0
    reasoning = REASONING_TOKENS if vendor in REPORTS_REASONING else 0
    assert entry["usage_source"] == "provider"
    assert (entry["in_uncached"], entry["cache_read"]) == (PROMPT_TOKENS - cached, cached)
    assert (entry["out_text"], entry["reasoning"]) == (COMPLETION_TOKENS - reasoning, reasoning)


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_anthropics_dialect_in_front(legato: RunningLegato, vendor: str, *, streamed: bool) -> None:
    call = {"type": "tool_use", "id": "toolu_01ABCDEFGHIJ", "name": "weather", "input": {}}
    result = {"type": "tool_result", "tool_use_id": call["id"], "content": "12 degrees"}
    body = {
        "model": f"any-{vendor}",
        "max_tokens": 50,
        "stream": streamed,
        "messages": [
            *asked("what is it like, think"),
            {"role": "assistant", "content": [call]},
            {"role": "user", "content": [result]},
        ],
        "tools": [{"name": "weather", "input_schema": {"type": "object", "properties": {}}}],
    }
    answer = legato.post("/v1/messages", body, CALLER)
    assert answer.status == 200, answer.body
    if streamed:
        events = [
            json.loads(line[6:]) for line in answer.body.splitlines() if line.startswith(b"data: ")
        ]
        deltas = [event["delta"] for event in events if event["type"] == "content_block_delta"]
        thought = "".join(delta.get("thinking", "") for delta in deltas)
        text = "".join(delta.get("text", "") for delta in deltas)
        assert events[-1]["type"] == "message_stop"
    else:
        blocks = {block["type"]: block for block in answer.json["content"]}
        thought, text = blocks["thinking"]["thinking"], blocks["text"]["text"]
        assert answer.json["stop_reason"] == "end_turn"
    assert (thought, text) == (THOUGHT, TEXT)


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_tool_call_comes_back_and_its_answer_goes_out(
    legato: RunningLegato, vendors: DialectServers, vendor: str
) -> None:
    client = client_of(f"{legato.url}/v1", CALLER)
    tools: Any = [TOOL]
    first = client.chat.completions.create(
        model=vendor, messages=asked("use the tool"), tools=tools
    )
    call: Any = (first.choices[0].message.tool_calls or [])[0]
    assert (call.function.name, json.loads(call.function.arguments)) == ("weather", {"city": "Ulm"})
    turn: Any = {
        "role": "assistant",
        "reasoning_content": "hm",
        "content": None,
        "tool_calls": [{**call.model_dump(exclude={"index"}), "id": "call_of_another_vendor"}],
    }
    told: Any = {"role": "tool", "tool_call_id": "call_of_another_vendor", "content": "12"}
    second = client.chat.completions.create(
        model=vendor, messages=[*asked("hi"), turn, told], tools=tools
    )
    assert second.choices[0].message.content == TEXT
    sent = vendors.vendors[vendor].bodies[-1]["messages"]
    assert sent[1]["tool_calls"][0]["id"] == sent[2]["tool_call_id"]


@pytest.mark.parametrize("vendor", sorted(REFUSED))
def test_what_a_vendor_has_not_is_refused_by_name_or_dropped_by_policy(
    legato: RunningLegato, vendors: DialectServers, vendor: str
) -> None:
    ((field, value),) = REFUSED[vendor].items()
    before = len(vendors.vendors[vendor].bodies)
    refused = legato.chat(vendor, **{field: value})
    assert (refused.status, refused.error["param"]) == (400, field)
    assert len(vendors.vendors[vendor].bodies) == before
    assert legato.chat(f"any-{vendor}", **{field: value}).status == 200
    assert field not in vendors.vendors[vendor].bodies[-1]


def test_mistral_gets_its_own_names_and_none_of_openais_labels(
    legato: RunningLegato, vendors: DialectServers
) -> None:
    answer = legato.chat(
        "mistral",
        seed=7,
        max_completion_tokens=9,
        user="u",
        store=False,
        stream=True,
        stream_options={"include_usage": True},
    )
    assert answer.status == 200, answer.body
    sent = vendors.vendors["mistral"].bodies[-1]
    assert (sent["random_seed"], sent["max_tokens"]) == (7, 9)
    assert sent.keys() <= {"model", "messages", "random_seed", "max_tokens", "stream"}


def test_sources_reach_a_caller_of_perplexity(legato: RunningLegato) -> None:
    answer = legato.chat("perplexity").json
    assert answer["citations"] == ["https://example.org/a"]
    assert answer["search_results"][0]["title"] == "Rayleigh"


def test_sources_of_perplexity_reach_callers_of_other_dialects(legato: RunningLegato) -> None:
    asked = [{"role": "user", "content": "Why?"}]
    message = {"model": "perplexity", "max_tokens": 9, "messages": asked}
    (block,) = legato.post("/v1/messages", message).json["content"]
    assert (block["text"], block["citations"][0]["url"]) == (TEXT, "https://example.org/a")
    response = legato.post("/v1/responses", {"model": "perplexity", "input": "Why?"}).json
    (annotation,) = response["output"][0]["content"][0]["annotations"]
    assert (annotation["type"], annotation["title"]) == ("url_citation", "Rayleigh")
    streamed = legato.post("/v1/messages", {**message, "stream": True})
    assert streamed.body.count(b'"type":"citations_delta"') == 1


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_shape_of_error_is_read(legato: RunningLegato, vendor: str) -> None:
    answer = legato.chat(vendor, "fail")
    assert answer.status == 429, answer.body
    assert "slow down" in answer.error["message"]
    assert isinstance(answer.error["code"], str)


@pytest.mark.parametrize("vendor", ["vllm", "together"])
def test_a_rerank_passes_and_is_billed_by_tokens(
    legato: RunningLegato, vendors: DialectServers, vendor: str
) -> None:
    body = {"query": "q", "documents": ["a", "b"], "top_n": 2, "return_documents": True}
    answer = legato.post("/v1/rerank", {"model": vendor, **body})
    assert [one["index"] for one in answer.json["results"]] == [0, 1]
    assert vendors.vendors[vendor].bodies[-1] == {"model": f"m-{vendor}", **body}
    entry = legato.entries(answer.request_id, 1)[0]
    assert (entry["in_uncached"], entry["units"], entry["cost"]) == (40, 0, 40_000)
