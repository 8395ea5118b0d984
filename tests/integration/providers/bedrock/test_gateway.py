"""Bedrock behind the running gateway: OpenAI's and Anthropic's clients ask for it."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import anthropic
import openai
import pytest
from bedrock import ACCESS_KEY, PROFILE, TEMPORARY_KEY, BedrockServer
from bedrock_converse import CALLS, INPUT, OUTPUT, READ, REDACTED, SIGNATURE, THOUGHT, WRITTEN
from running import CALLER

if TYPE_CHECKING:
    from running import RunningLegato

SCHEMA: Any = {"type": "object", "properties": {"city": {"type": "string"}}}
TOOL: Any = {"type": "function", "function": {"name": "weather", "parameters": SCHEMA}}
CLAUDES_TOOL: Any = {"name": "weather", "description": "It.", "input_schema": SCHEMA}
PNG = "iVBORw0KGgo="


class Front:
    """One dialect in front, whole or streamed; answers as text, calls, reason and usage."""

    def __init__(self, url: str, *, claude: bool, stream: bool) -> None:
        self.claude, self.stream = claude, stream
        waits: Any = {"max_retries": 0, "timeout": 20}
        self.openai = openai.OpenAI(base_url=f"{url}/v1", api_key=CALLER, **waits)
        self.anthropic = anthropic.Anthropic(base_url=url, api_key=CALLER, **waits)

    def ask(self, model: str, said: str, **fields: Any) -> Any:
        messages: Any = fields.pop("messages", [{"role": "user", "content": said}])
        if self.claude:
            fields = {"max_tokens": 50, "model": model, "messages": messages} | fields
            if not self.stream:
                return self.anthropic.messages.create(**fields)
            with self.anthropic.messages.stream(**fields) as stream:
                return stream.get_final_message()
        if not self.stream:
            return self.openai.chat.completions.create(model=model, messages=messages, **fields)
        with self.openai.chat.completions.stream(
            model=model, messages=messages, stream_options={"include_usage": True}, **fields
        ) as events:
            for _ in events:
                pass
            return events.get_final_completion()

    def text(self, answer: Any) -> str:
        if self.claude:
            return "".join(block.text for block in answer.content if block.type == "text")
        return answer.choices[0].message.content or ""

    def calls(self, answer: Any) -> list[tuple[str, Any]]:
        if self.claude:
            return [(one.id, one.input) for one in answer.content if one.type == "tool_use"]
        calls = answer.choices[0].message.tool_calls or []
        return [(one.id, json.loads(one.function.arguments)) for one in calls]

    def why(self, answer: Any) -> str:
        return answer.stop_reason if self.claude else answer.choices[0].finish_reason


@pytest.fixture(
    scope="module",
    params=[(c, s) for c in (False, True) for s in (False, True)],
    ids=["chat", "chat-stream", "messages", "messages-stream"],
)
def front(request: pytest.FixtureRequest, legato: RunningLegato) -> Front:
    claude, stream = request.param
    return Front(legato.url, claude=claude, stream=stream)


@pytest.mark.parametrize("model", ["claude", "profile", "chained", "keyed", "nova", "invoked"])
def test_text_by_every_credential(front: Front, bedrock: BedrockServer, model: str) -> None:
    before = len(bedrock.signers)
    answer = front.ask(model, "hello")
    assert front.text(answer) == "You said: hello."
    assert answer.model
    assert answer.id
    used = answer.usage
    tokens = (used.input_tokens, used.output_tokens) if front.claude else used.completion_tokens
    cached_beside = INPUT + READ if model == "invoked" else INPUT
    assert tokens == ((INPUT, OUTPUT) if front.claude else OUTPUT)
    if not front.claude:
        assert used.prompt_tokens == cached_beside
    signer = {"profile": [TEMPORARY_KEY], "keyed": []}.get(model, [ACCESS_KEY])
    assert bedrock.signers[before:] == signer


@pytest.mark.parametrize("model", ["claude", "invoked"])
def test_parallel_tools(front: Front, model: str) -> None:
    answer = front.ask(model, "weather", tools=[CLAUDES_TOOL if front.claude else TOOL])
    assert front.calls(answer) == CALLS
    assert front.why(answer) == ("tool_use" if front.claude else "tool_calls")


def test_results_of_tools_with_images_and_failures(front: Front, bedrock: BedrockServer) -> None:
    if front.claude:
        uses = [
            {"type": "tool_use", "id": one, "name": "weather", "input": given}
            for one, given in CALLS
        ]
        image = {"type": "base64", "media_type": "image/png", "data": PNG}
        content = [{"type": "text", "text": "9"}, {"type": "image", "source": image}]
        results: list[Any] = [
            {"type": "tool_result", "tool_use_id": CALLS[0][0], "content": content},
            {"type": "tool_result", "tool_use_id": CALLS[1][0], "content": "no", "is_error": True},
        ]
        turns: list[Any] = [
            {"role": "user", "content": "weather"},
            {"role": "assistant", "content": uses},
            {"role": "user", "content": results},
        ]
        answer = front.ask("claude", "", messages=turns, tools=[CLAUDES_TOOL])
        assert front.text(answer) == "Results: success 9 <image>; error no."
        return
    calls = [
        {"id": one, "type": "function", "function": {"name": "weather", "arguments": json.dumps(g)}}
        for one, g in CALLS
    ]
    turns = [
        {"role": "user", "content": "weather"},
        {"role": "assistant", "tool_calls": calls},
        *({"role": "tool", "tool_call_id": one, "content": "9"} for one, _ in CALLS),
    ]
    answer = front.ask("claude", "", messages=turns, tools=[TOOL])
    assert front.text(answer) == "Results: success 9; success 9."


def test_all_that_a_request_holds_arrives(front: Front, bedrock: BedrockServer) -> None:
    if front.claude:
        fields: dict[str, Any] = {
            "system": [
                {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}
            ],
            "tools": [CLAUDES_TOOL | {"cache_control": {"type": "ephemeral", "ttl": "1h"}}],
            "tool_choice": {"type": "tool", "name": "weather"},
            "stop_sequences": ["END"],
            "metadata": {"user_id": "user-1"},
        }
        sampling = {"temperature": 0.5, "top_k": 7}
        answer = front.ask("claude", "go", extra_body=sampling, **fields)
        sent = json.loads(bedrock.taken[-1].body)
        assert sent["system"] == [{"text": "Be brief."}, {"cachePoint": {"type": "default"}}]
        point = {"cachePoint": {"type": "default", "ttl": "1h"}}
        assert sent["toolConfig"]["tools"][1] == point
        assert sent["additionalModelRequestFields"] == {"top_k": 7}
        assert answer.usage.cache_read_input_tokens == READ
        assert answer.usage.cache_creation_input_tokens == WRITTEN
        assert answer.usage.input_tokens == INPUT
    else:
        choice: Any = {"type": "function", "function": {"name": "weather"}}
        front.ask(
            "claude",
            "",
            messages=[
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": "go"},
            ],
            temperature=0.5,
            max_completion_tokens=50,
            stop=["END"],
            tools=[TOOL],
            tool_choice=choice,
            reasoning_effort="low",
            user="user-1",
        )
        sent = json.loads(bedrock.taken[-1].body)
        assert sent["system"] == [{"text": "Be brief."}]
        assert "outputConfig" not in sent  # this Claude takes no effort, nor thinks beside these
    assert sent["inferenceConfig"] == {
        "maxTokens": 50,
        "temperature": 0.5,
        "stopSequences": ["END"],
    }
    assert sent["toolConfig"]["toolChoice"] == {"tool": {"name": "weather"}}
    assert sent["requestMetadata"] == {"user": "user-1"}


def test_images(front: Front) -> None:
    if front.claude:
        source = {"type": "base64", "media_type": "image/png", "data": PNG}
        shown: list[Any] = [{"type": "image", "source": source}]
    else:
        shown = [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}]
    turn = {"role": "user", "content": [{"type": "text", "text": "look"}, *shown]}
    assert "I see 1 image(s)." in front.text(front.ask("claude", "", messages=[turn]))
    by_url = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    if front.claude:
        by_url = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
    turn = {"role": "user", "content": [by_url]}
    with pytest.raises((openai.BadRequestError, anthropic.BadRequestError), match="by URL"):
        front.ask("claude", "", messages=[turn])


def test_structured_output(front: Front) -> None:
    if front.claude:
        config = {"format": {"type": "json_schema", "schema": SCHEMA}}
        answer = front.ask("claude", "where", extra_body={"output_config": config})
    else:
        wanted = {"name": "place", "schema": SCHEMA, "strict": True}
        form: Any = {"type": "json_schema", "json_schema": wanted}
        answer = front.ask("claude", "where", response_format=form)
    (city,) = json.loads(front.text(answer)).items()
    assert city[0] == "city"
    assert isinstance(city[1], str)


def test_claude_thinks_when_it_is_asked_to(front: Front, bedrock: BedrockServer) -> None:
    if front.claude:
        thinking: Any = {"type": "enabled", "budget_tokens": 1024}
        answer = front.ask("claude", "go", max_tokens=4096, thinking=thinking)
        assert answer.content[0].thinking == THOUGHT
    else:
        answer = front.ask("claude", "go", max_completion_tokens=2048, reasoning_effort="low")
        assert answer.choices[0].message.model_extra["reasoning_content"] == THOUGHT
    assert front.text(answer) == "You said: go."
    sent = json.loads(bedrock.taken[-1].body)
    assert sent["additionalModelRequestFields"] == {
        "thinking": {"type": "enabled", "budget_tokens": 1024}
    }


def test_a_pdf_arrives(front: Front, bedrock: BedrockServer) -> None:
    held = base64.b64encode(b"%PDF-1.7").decode()
    if front.claude:
        source = {"type": "base64", "media_type": "application/pdf", "data": held}
        part: dict[str, Any] = {"type": "document", "source": source, "title": "sky.pdf"}
    else:
        url = f"data:application/pdf;base64,{held}"
        part = {"type": "file", "file": {"filename": "sky.pdf", "file_data": url}}
    turn = {"role": "user", "content": [part, {"type": "text", "text": "look"}]}
    assert front.text(front.ask("claude", "", messages=[turn])) == "You said: look."
    sent = json.loads(bedrock.taken[-1].body)["messages"][0]["content"][0]["document"]
    assert sent == {"format": "pdf", "name": "sky pdf", "source": {"bytes": held}}


def test_reasoning_goes_there_and_back(front: Front) -> None:
    answer = front.ask("claude", "reason")
    assert front.text(answer) == "So I say it."
    if not front.claude:
        assert answer.choices[0].message.model_extra["reasoning_content"] == THOUGHT
        return
    thinking, redacted, _ = answer.content
    assert (thinking.thinking, thinking.signature) == (THOUGHT, SIGNATURE)
    assert redacted.data == REDACTED
    turns = [
        {"role": "user", "content": "reason"},
        {"role": "assistant", "content": [block.model_dump() for block in answer.content]},
        {"role": "user", "content": "and now"},
    ]
    assert front.text(front.ask("claude", "", messages=turns)) == "You said: and now."


@pytest.mark.parametrize(
    ("said", "whys"),
    [
        ("guardrail", ("content_filter", "refusal")),
        ("filtered", ("content_filter", "refusal")),
        ("long", ("length", "max_tokens")),
    ],
)
def test_reasons_to_stop(front: Front, said: str, whys: tuple[str, str]) -> None:
    try:
        assert front.why(front.ask("claude", said)) == whys[front.claude]
    except (openai.LengthFinishReasonError, openai.ContentFilterFinishReasonError):
        assert whys[0] in {"length", "content_filter"}  # how this client says it of a stream


def test_a_stop_sequence_is_named(front: Front) -> None:
    if front.claude:
        answer = front.ask("claude", "stop", stop_sequences=["END"])
        assert (answer.stop_reason, answer.stop_sequence) == ("stop_sequence", "END")
    else:
        assert front.why(front.ask("claude", "stop", stop=["END"])) == "stop"
    assert front.text(front.ask("claude", "cite")) == "It is so."


def test_what_can_not_be_carried_is_named_or_dropped(front: Front) -> None:
    if front.claude:
        choice = {"type": "auto", "disable_parallel_tool_use": True}
        fields: dict[str, Any] = {"tools": [CLAUDES_TOOL], "tool_choice": choice}
        named = "parallel_tool_calls"
    else:
        fields, named = {"seed": 7}, "seed"
    with pytest.raises((openai.BadRequestError, anthropic.BadRequestError), match=named):
        front.ask("claude", "hello", **fields)
    assert front.ask("lenient", "hello", **fields)


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ("throttle", 429),
        ("quota", 429),
        ("not ready", 503),
        ("model error", 503),
        ("model timeout", 504),
        ("denied", 502),
        ("server error", 503),
        ("unavailable", 503),
    ],
)
def test_errors_have_their_status(front: Front, said: str, status: int) -> None:
    with pytest.raises((openai.APIStatusError, anthropic.APIStatusError)) as failed:
        front.ask("claude", said)
    assert failed.value.status_code == status


def test_the_callers_mistakes_are_told_as_bedrock_tells_them(front: Front) -> None:
    with pytest.raises((openai.BadRequestError, anthropic.BadRequestError), match="identifier"):
        front.ask("wrong", "hello")


@pytest.mark.parametrize("model", ["claude", "invoked"])
@pytest.mark.parametrize(
    "said", ["throttled midway", "error midway", "error at once", "cut", "ends early", "corrupt"]
)
def test_a_broken_stream_is_never_whole(legato: RunningLegato, model: str, said: str) -> None:
    for path in ("/v1/chat/completions", "/v1/messages"):
        body = {"model": model, "max_tokens": 9, "stream": True}
        body |= {"messages": [{"role": "user", "content": said}]}
        answer = legato.post(path, body)
        assert b"[DONE]" not in answer.body
        assert b"message_stop" not in answer.body
        assert b'"error"' in answer.body
        (entry,) = legato.entries(answer.request_id)
        assert entry["kind"] == "retry"


def test_without_credentials_nothing_is_sent_and_the_next_one_answers(
    legato: RunningLegato, bedrock: BedrockServer
) -> None:
    before = len(bedrock.taken)
    answer = legato.chat("falls-back", "hello")
    assert answer.status == 200
    assert len(bedrock.taken) - before == 1
    (entry,) = legato.entries(answer.request_id)
    assert entry["deployment"] == "claude"
    assert (entry["in_uncached"], entry["out_text"]) == (INPUT, OUTPUT)
    refused = legato.chat("lost", "hello")
    assert refused.status == 503
    assert "AWS credentials" in refused.error["message"]


def test_an_arn_is_quoted_in_the_path(legato: RunningLegato, bedrock: BedrockServer) -> None:
    assert legato.chat("profile", "hello").status == 200
    target = bedrock.taken[-1].target
    assert target == f"/model/{PROFILE.replace(':', '%3A').replace('/', '%2F')}/converse"


def test_embeddings(legato: RunningLegato) -> None:
    with openai.OpenAI(base_url=f"{legato.url}/v1", api_key=CALLER, max_retries=0) as client:
        titan = client.embeddings.create(model="titan", input="one", dimensions=256)
        assert titan.data[0].embedding == [3.0] * 256
        assert titan.usage.prompt_tokens == 7
        cohere = client.embeddings.create(model="cohere", input=["one", "three"])
        assert [one.embedding for one in cohere.data] == [[3.0] * 3, [5.0] * 3]
        with pytest.raises(openai.BadRequestError, match="one text a call"):
            client.embeddings.create(model="titan", input=["one", "two"])
