"""Google behind either dialect, at AI Studio and Vertex AI: the official clients in front."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anthropic
import openai
import pytest

sys.path.append(str(Path(__file__).parents[2] / "wire_servers"))
from gemini import KEY, LOCATION, PROJECT, GeminiServer
from gemini_answers import TEXT, THOUGHT
from gemini_requests import SIGNATURE
from running import CALLER, RunningLegato

if TYPE_CHECKING:
    from collections.abc import Iterator

GREETING = "".join(TEXT)
CONFIG = f"""
config_version: 1
providers:
  - name: studio
    kind: gemini
    base_url: UPSTREAM
    api_key: {{env: GEMINI_KEY}}
    settings:
      safety_settings: [{{category: HARM_CATEGORY_HARASSMENT, threshold: BLOCK_NONE}}]
  - {{name: wrong, kind: gemini, base_url: UPSTREAM, api_key: {{env: WRONG_KEY}}}}
  - name: vertex
    kind: vertex
    base_url: UPSTREAM
    api_key: {{env: VERTEX_ACCOUNT}}
    settings: {{project: {PROJECT}, location: {LOCATION}}}
deployments:
  - {{name: studio-3, provider: studio, model: gemini-3-flash, price: &p {{input_per_mtok: "1",
     output_per_mtok: "2"}}}}
  - {{name: studio-2, provider: studio, model: gemini-2.5-flash, price: *p}}
  - {{name: vertex-3, provider: vertex, model: gemini-3-flash, price: *p}}
  - {{name: studio-embed, provider: studio, model: gemini-embedding-001, price: *p}}
  - {{name: vertex-embed, provider: vertex, model: text-embedding-005, price: *p}}
  - {{name: missing, provider: studio, model: missing, price: *p}}
  - {{name: injected, provider: studio, model: "x/../../v1/evil?y=#z", price: *p}}
  # Each with a breaker of its own: the failures of one test must not open another's.
  - {{name: fails-1, provider: studio, model: gemini-3-flash, price: *p}}
  - {{name: fails-2, provider: studio, model: gemini-3-flash, price: *p}}
  - {{name: breaks, provider: studio, model: gemini-3-flash, price: *p}}
  - {{name: wrong-key, provider: wrong, model: gemini-3-flash, price: *p}}
routes:
  - {{alias: fails-one, deployments: [fails-1], retry: {{attempts_max: 1}}}}
  - {{alias: fails-two, deployments: [fails-2], retry: {{attempts_max: 1}}}}
  - {{alias: breaks-midway, deployments: [breaks], retry: {{attempts_max: 1}}}}
  - {{alias: studio, deployments: [studio-3], retry: &once {{attempts_max: 1}}}}
  - {{alias: older, deployments: [studio-2], retry: *once}}
  - {{alias: vertex, deployments: [vertex-3], retry: *once}}
  - {{alias: lenient, deployments: [studio-3], retry: *once, drop_unsupported: true}}
  - {{alias: embed-studio, deployments: [studio-embed]}}
  - {{alias: embed-vertex, deployments: [vertex-embed]}}
  - {{alias: falls-back, deployments: [wrong-key, studio-3], retry: *once}}
keys: [{{name: ci, team: platform, feature: tests, secret: {{env: CALLER_KEY}}}}]
"""
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS: Any = [
    {"type": "function", "function": {"name": "weather", "parameters": SCHEMA}},
    {"type": "function", "function": {"name": "time", "description": "What time it is."}},
]
PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
PLACES = ("studio", "vertex")


@pytest.fixture(scope="module")
def google() -> Iterator[GeminiServer]:
    with GeminiServer() as server:
        yield server


@pytest.fixture(scope="module")
def gateway(
    google: GeminiServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningLegato]:
    keys = {"GEMINI_KEY": KEY, "WRONG_KEY": "AIza-wrong", "VERTEX_ACCOUNT": google.account}
    config = CONFIG.replace("UPSTREAM", google.url)
    running = RunningLegato(tmp_path_factory.mktemp("legato"), config, variables=keys)
    yield running
    assert running.stop() == 0
    log = running.log.read_text()
    assert "Traceback" not in log
    assert KEY not in log


@pytest.fixture(scope="module")
def openai_client(gateway: RunningLegato) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{gateway.url}/v1", api_key=CALLER, max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def anthropic_client(gateway: RunningLegato) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=gateway.url, api_key=CALLER, max_retries=0) as client:
        yield client


def ask(client: openai.OpenAI, model: str, question: Any, **fields: Any) -> Any:
    messages = question if isinstance(question, list) else [{"role": "user", "content": question}]
    return client.chat.completions.create(model=model, messages=messages, **fields)


def said(client: anthropic.Anthropic, model: str, question: Any, **fields: Any) -> Any:
    messages = question if isinstance(question, list) else [{"role": "user", "content": question}]
    fields = {"max_tokens": 2048} | fields
    with client.messages.stream(model=model, messages=messages, **fields) as stream:
        for _ in stream:
            pass
        streamed = stream.get_final_message()
    whole = client.messages.create(model=model, messages=messages, **fields)
    for one in (streamed, whole):
        assert one.stop_reason == whole.stop_reason
        assert [block.type for block in one.content] == [block.type for block in whole.content]
    assert streamed.usage.input_tokens == whole.usage.input_tokens
    assert streamed.usage.output_tokens == whole.usage.output_tokens
    return whole


@pytest.mark.parametrize("place", PLACES)
def test_text_in_front_of_openai(openai_client: openai.OpenAI, place: str) -> None:
    answer = ask(openai_client, place, "hi", stop=["END"], seed=3, temperature=0.5, user="u")
    assert answer.choices[0].message.content == GREETING
    assert answer.choices[0].finish_reason == "stop"
    assert answer.model == "gemini-3-flash-001"
    assert answer.usage.prompt_tokens == 40
    assert answer.usage.prompt_tokens_details.cached_tokens == 8
    assert answer.usage.completion_tokens == 9
    options: Any = {"include_usage": True}
    chunks = list(ask(openai_client, place, "hi", stream=True, stream_options=options))
    text = "".join(c.delta.content or "" for chunk in chunks for c in chunk.choices)
    assert text == GREETING
    assert chunks[-1].usage == answer.usage
    assert chunks[-2].choices[0].finish_reason == "stop"


@pytest.mark.parametrize("place", PLACES)
def test_text_in_front_of_anthropic(anthropic_client: anthropic.Anthropic, place: str) -> None:
    answer = said(anthropic_client, place, "hi", system="Be brief.", stop_sequences=["END"])
    assert [block.text for block in answer.content] == [GREETING]
    assert answer.stop_reason == "end_turn"
    assert (answer.usage.input_tokens, answer.usage.cache_read_input_tokens) == (32, 8)


def test_a_picture_that_gemini_paints(openai_client: openai.OpenAI, google: GeminiServer) -> None:
    wanted = {"modalities": ["image", "text"]}
    message = ask(openai_client, "studio", "paint", extra_body=wanted).choices[0].message.to_dict()
    assert google.bodies[-1]["generationConfig"]["responseModalities"] == ["IMAGE", "TEXT"]
    url = message["images"][0]["image_url"]["url"]
    assert url.startswith("data:image/png;base64,")
    after = ask(openai_client, "studio", [{"role": "user", "content": "paint"}, message, {
        "role": "user", "content": "hi"}])  # fmt: skip
    assert after.choices[0].message.content == GREETING


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("stream", [False, True])
def test_a_loop_of_parallel_tools_at_openai(
    openai_client: openai.OpenAI, google: GeminiServer, place: str, *, stream: bool
) -> None:
    question = [{"role": "user", "content": "both"}]
    fields: Any = {"tools": TOOLS, "reasoning_effort": "low"}
    if stream:
        message = gathered(ask(openai_client, place, question, stream=True, **fields))
    else:
        answer = ask(openai_client, place, question, **fields)
        assert answer.choices[0].finish_reason == "tool_calls"
        assert answer.usage.completion_tokens_details.reasoning_tokens == 6
        assert answer.usage.completion_tokens == 15
        message = answer.choices[0].message.to_dict()
    assert message["reasoning_content"] == THOUGHT
    first, second = message["tool_calls"]
    assert json.loads(first["function"]["arguments"]) == {"city": "Wien", "days": 2}
    assert first["extra_content"]["google"]["thought_signature"] == SIGNATURE
    assert first["id"] != second["id"]
    results = [
        {"role": "tool", "tool_call_id": call["id"], "content": text}
        for call, text in ((second, "noon"), (first, "sunny"))  # out of order on purpose
    ]
    after = ask(openai_client, place, [*question, message, *results], **fields)
    assert after.choices[0].message.content == GREETING
    _, model, user = google.bodies[-1]["contents"]
    assert [part.get("thoughtSignature") for part in model["parts"]] == [SIGNATURE, None]
    answers = [part["functionResponse"] for part in user["parts"]]
    assert [(one["name"], one["response"]) for one in answers] == [
        ("weather", {"output": "sunny"}),
        ("time", {"output": "noon"}),
    ]


def gathered(chunks: Any) -> dict[str, Any]:
    """A message from a stream, as a careful client keeps it."""
    message: dict[str, Any] = {"role": "assistant", "content": None, "reasoning_content": ""}
    calls: dict[int, Any] = {}
    for chunk in chunks:
        for choice in chunk.choices:
            delta = choice.delta.to_dict()
            message["reasoning_content"] += delta.get("reasoning_content", "")
            for call in delta.get("tool_calls", ()):
                known = calls.setdefault(call["index"], call)
                if known is not call:
                    known["function"]["arguments"] += call["function"]["arguments"]
    return message | {"tool_calls": [calls[index] for index in sorted(calls)]}


@pytest.mark.parametrize("place", PLACES)
def test_a_loop_of_tools_at_anthropic(
    anthropic_client: anthropic.Anthropic, google: GeminiServer, place: str
) -> None:
    tools = [{"name": "weather", "input_schema": SCHEMA}, {"name": "time", "input_schema": SCHEMA}]
    fields: Any = {"tools": tools, "thinking": {"type": "enabled", "budget_tokens": 1024}}
    answer = said(anthropic_client, place, "both", **fields)
    thinking, first, second = answer.content
    assert thinking.thinking == THOUGHT
    assert answer.stop_reason == "tool_use"
    results = [
        {"type": "tool_result", "tool_use_id": first.id, "content": "sunny"},
        {"type": "tool_result", "tool_use_id": second.id, "content": "late", "is_error": True},
    ]
    turns = [
        {"role": "user", "content": "both"},
        {"role": "assistant", "content": [block.to_dict() for block in answer.content]},
        {"role": "user", "content": results},
    ]
    assert said(anthropic_client, place, turns, **fields).content[-1].text == GREETING
    _, model, user = google.bodies[-1]["contents"]
    assert [part.get("thoughtSignature") for part in model["parts"]] == [SIGNATURE, None]
    assert user["parts"][1]["functionResponse"]["response"] == {"error": "late"}


def test_calls_that_lost_their_signature_are_sent_all_the_same(
    openai_client: openai.OpenAI,
) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    turns = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "sunny"},
    ]
    answer = ask(openai_client, "studio", turns, tools=TOOLS)
    assert answer.choices[0].message.content == GREETING


def test_signatures_of_texts_come_back(
    anthropic_client: anthropic.Anthropic, openai_client: openai.OpenAI, google: GeminiServer
) -> None:
    answer = said(anthropic_client, "studio", "think")
    turns = [
        {"role": "user", "content": "think"},
        {"role": "assistant", "content": [block.to_dict() for block in answer.content]},
        {"role": "user", "content": "hi"},
    ]
    said(anthropic_client, "studio", turns)
    (model,) = [c for c in google.bodies[-1]["contents"] if c["role"] == "model"]
    assert model["parts"] == [{"text": GREETING, "thoughtSignature": SIGNATURE}]
    message = ask(openai_client, "studio", "think").choices[0].message.to_dict()
    ask(openai_client, "studio", [turns[0], message, turns[2]])
    (model,) = [c for c in google.bodies[-1]["contents"] if c["role"] == "model"]
    assert SIGNATURE in [part.get("thoughtSignature") for part in model["parts"]]


@pytest.mark.parametrize("choice", ["auto", "none", "required", "weather"])
def test_tool_choices(openai_client: openai.OpenAI, google: GeminiServer, choice: str) -> None:
    given: Any = choice
    if choice == "weather":
        given = {"type": "function", "function": {"name": choice}}
    ask(openai_client, "studio", "hi", tools=TOOLS, tool_choice=given)
    calling = google.bodies[-1]["toolConfig"]["functionCallingConfig"]
    modes = {"auto": "AUTO", "none": "NONE", "required": "ANY", "weather": "ANY"}
    assert calling["mode"] == modes[choice]
    assert calling.get("allowedFunctionNames") == (["weather"] if choice == "weather" else None)


def test_images_are_read_and_counted_apart(openai_client: openai.OpenAI) -> None:
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}
    content = [{"type": "text", "text": "what is it?"}, image]
    answer = ask(openai_client, "studio", [{"role": "user", "content": content}])
    assert answer.usage.prompt_tokens == 52
    assert answer.usage.prompt_tokens_details.to_dict()["image_tokens"] == 12


@pytest.mark.parametrize(
    ("place", "url", "status"),
    [
        ("studio", "https://pictures.example/a.png", 200),
        ("studio", "https://pictures.example/a", 200),
        ("vertex", "https://pictures.example/a.png", 200),
        ("vertex", "https://pictures.example/a", 400),
        ("studio", "http://pictures.example/a.png", 400),
        ("studio", "ftp://pictures.example/a.png", 400),
    ],
)
def test_images_by_url(gateway: RunningLegato, place: str, url: str, status: int) -> None:
    content = [{"type": "image_url", "image_url": {"url": url}}]
    body = {"model": place, "messages": [{"role": "user", "content": content}]}
    answer = gateway.post("/v1/chat/completions", body)
    assert answer.status == status, answer.body
    if status == 400:
        assert "image_url" in answer.error["param"]


def test_images_in_tool_results(
    anthropic_client: anthropic.Anthropic, google: GeminiServer
) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    result = {
        "type": "tool_result",
        "tool_use_id": "c",
        "content": [{"type": "text", "text": "see"}, {"type": "image", "source": source}],
    }
    call = {"type": "tool_use", "id": "c", "name": "look", "input": {}}
    turns = [
        {"role": "user", "content": "look"},
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [result]},
    ]
    for model in ("studio", "older"):
        said(anthropic_client, model, turns)
        parts = google.bodies[-1]["contents"][-1]["parts"]
        assert ("inlineData" in parts[-1]) == (model == "older")
        assert ("parts" in parts[0]["functionResponse"]) == (model == "studio")


def test_structured_output(openai_client: openai.OpenAI, google: GeminiServer) -> None:
    form: Any = {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}}
    answer = ask(openai_client, "studio", "json", response_format=form)
    assert json.loads(answer.choices[0].message.content) == {"city": "Wien"}
    assert google.bodies[-1]["generationConfig"]["responseJsonSchema"] == SCHEMA
    ask(openai_client, "studio", "json", response_format={"type": "json_object"})
    assert google.bodies[-1]["generationConfig"] == {"responseMimeType": "application/json"}


@pytest.mark.parametrize(
    ("model", "effort", "config"),
    [
        ("studio", "high", {"thinkingLevel": "high", "includeThoughts": True}),
        ("older", "medium", {"thinkingBudget": 8192, "includeThoughts": True}),
        ("older", "none", {"thinkingBudget": 0}),
    ],
)
def test_effort(  # noqa: PLR0917 -- the columns of its table
    openai_client: openai.OpenAI, google: GeminiServer, model: str, effort: Any, config: Any
) -> None:
    ask(openai_client, model, "hi", reasoning_effort=effort)
    assert google.bodies[-1]["generationConfig"]["thinkingConfig"] == config


def test_safety_settings_ride_along(openai_client: openai.OpenAI, google: GeminiServer) -> None:
    ask(openai_client, "studio", "hi")
    wanted = [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]
    assert google.bodies[-1]["safetySettings"] == wanted


@pytest.mark.parametrize("stream", [False, True])
def test_two_choices_with_log_probabilities(openai_client: openai.OpenAI, *, stream: bool) -> None:
    fields: Any = {"n": 2, "logprobs": True, "top_logprobs": 2}
    if stream:
        chunks = list(ask(openai_client, "studio", "hi", stream=True, **fields))
        scored = [c for chunk in chunks for c in chunk.choices if c.logprobs]
        assert {choice.index for choice in scored} == {0, 1}
        tokens = [choice.logprobs.content[0].token for choice in scored if choice.index == 1]
        assert tokens == TEXT
        return
    first, second = ask(openai_client, "studio", "hi", **fields).choices
    assert first.message.content == second.message.content == GREETING
    assert second.logprobs.content[0].top_logprobs[1].token == "Hi"


@pytest.mark.parametrize(
    ("question", "openai_says", "anthropic_says"),
    [
        ("block", "content_filter", "refusal"),
        ("unsafe", "content_filter", "refusal"),
        ("recite", "content_filter", "refusal"),
        ("long", "length", "max_tokens"),
    ],
)
def test_finish_reasons(  # noqa: PLR0917 -- the columns of its table
    openai_client: openai.OpenAI,
    anthropic_client: anthropic.Anthropic,
    question: str,
    openai_says: str,
    anthropic_says: str,
) -> None:
    assert ask(openai_client, "studio", question).choices[0].finish_reason == openai_says
    chunks = list(ask(openai_client, "studio", question, stream=True))
    finishes = [c.finish_reason for chunk in chunks for c in chunk.choices if c.finish_reason]
    assert finishes == [openai_says]
    assert said(anthropic_client, "studio", question).stop_reason == anthropic_says


@pytest.mark.parametrize(
    ("model", "question", "status", "code"),
    [
        ("fails-one", "spoil", 502, "all_attempts_failed"),
        ("fails-one", "exhausted", 429, "all_attempts_failed"),
        ("fails-two", "overloaded", 503, "all_attempts_failed"),
        ("fails-two", "unpaid", 502, "all_attempts_failed"),
        ("wrong-key", "hi", 502, "all_attempts_failed"),
        ("missing", "hi", 404, "NOT_FOUND"),
        ("injected", "hi", 400, "invalid_request"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_failures(  # noqa: PLR0917 -- the columns of its table
    gateway: RunningLegato, model: str, question: str, status: int, code: str, *, stream: bool
) -> None:
    body = {
        "model": model,
        "messages": [{"role": "user", "content": question}],
        "stream": stream,
    }
    answer = gateway.post("/v1/chat/completions", body)
    assert (answer.status, answer.error["code"]) == (status, code), answer.body
    assert b"AIza" not in answer.body
    if question == "exhausted":
        assert answer.headers["retry-after"] == "35"


def test_a_wrong_key_falls_back(openai_client: openai.OpenAI) -> None:
    assert ask(openai_client, "falls-back", "hi").choices[0].message.content == GREETING


@pytest.mark.parametrize("question", ["break", "cut"])
def test_streams_that_fail_midway_end_with_an_error(
    openai_client: openai.OpenAI, question: str
) -> None:
    with pytest.raises(openai.APIError):
        list(ask(openai_client, "breaks-midway", question, stream=True))


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": TOOLS, "parallel_tool_calls": False}, "parallel_tool_calls"),
        ({"stop": list("abcdef")}, "stop"),
        ({"seed": 2**40}, "seed"),
        ({"reasoning_effort": "enormous"}, "reasoning_effort"),
    ],
)
def test_what_cannot_be_carried_is_named_or_dropped(
    gateway: RunningLegato, fields: dict[str, Any], param: str
) -> None:
    refused = gateway.chat("studio", **fields)
    assert (refused.status, refused.error["param"]) == (400, param)
    assert gateway.chat("lenient", **fields).status == 200


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_embeddings(openai_client: openai.OpenAI, place: str, encoding: Any) -> None:
    answer = openai_client.embeddings.create(
        model=f"embed-{place}", input=["a", "bb"], dimensions=2, encoding_format=encoding
    )
    vectors: list[Any] = [item.embedding for item in answer.data]
    if encoding == "float":
        assert vectors == [[1.0, 1.125], [2.0, 2.125]]
    assert answer.usage.prompt_tokens == 10


@pytest.mark.parametrize("place", PLACES)
def test_tokens_are_counted_by_google(anthropic_client: anthropic.Anthropic, place: str) -> None:
    counted = anthropic_client.messages.count_tokens(
        model=place,
        system="Be brief.",
        messages=[{"role": "user", "content": "hi"}],
        tools=[{"name": "weather", "input_schema": SCHEMA}],
    )
    assert counted.to_dict() == {"input_tokens": 31}


def test_one_token_serves_many_calls(google: GeminiServer, openai_client: openai.OpenAI) -> None:
    ask(openai_client, "vertex", "hi")
    before = len(google.tokens)
    for _ in range(3):
        ask(openai_client, "vertex", "hi")
    assert len(google.tokens) == before
