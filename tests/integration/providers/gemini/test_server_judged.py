"""Google's own SDK against the test server: it judges the server before the server judges us."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING, Any

import pytest
from gemini import KEY, LOCATION, PROJECT
from gemini_answers import TEXT, THOUGHT
from gemini_requests import SIGNATURE

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it warns about the Python of tomorrow
    from google import genai
    from google.genai import errors, types
    from google.oauth2 import service_account

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gemini import GeminiServer

WEATHER = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(
            name="weather",
            description="The weather of a city.",
            parameters_json_schema={"type": "object", "properties": {"city": {"type": "string"}}},
        )
    ]
)
MODEL = "gemini-3-flash"


@pytest.fixture(params=["studio", "vertex"])
def client(request: pytest.FixtureRequest, google: GeminiServer) -> Iterator[Any]:
    if request.param == "studio":
        options = types.HttpOptions(base_url=google.url)
        client = genai.Client(api_key=KEY, vertexai=False, http_options=options)
    else:
        account = json.loads(google.account)
        scopes = ["https://www.googleapis.com/auth/cloud-platform"]
        credentials = service_account.Credentials.from_service_account_info(account, scopes=scopes)
        client = genai.Client(
            vertexai=True,
            project=PROJECT,
            location=LOCATION,
            credentials=credentials,
            http_options=types.HttpOptions(base_url=google.url, api_version="v1"),
        )
    yield client
    client.close()


def test_text_whole_and_streamed(client: Any) -> None:
    whole = client.models.generate_content(model=MODEL, contents="hi")
    assert whole.text == "".join(TEXT)
    assert whole.usage_metadata.total_token_count == 49
    events = list(client.models.generate_content_stream(model=MODEL, contents="hi"))
    assert "".join(event.text or "" for event in events) == whole.text
    assert events[-1].candidates[0].finish_reason is types.FinishReason.STOP


def test_thoughts_signatures_and_tools(client: Any) -> None:
    config = types.GenerateContentConfig(
        tools=[WEATHER],
        thinking_config=types.ThinkingConfig(include_thoughts=True, thinking_level="low"),
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
    )
    contents = [types.UserContent("please call")]
    first = client.models.generate_content(model=MODEL, contents=contents, config=config)
    thought, call = first.candidates[0].content.parts
    assert (thought.text, thought.thought) == (THOUGHT, True)
    assert call.function_call.args == {"city": "Wien", "days": 2}
    assert call.thought_signature is not None
    result = types.Part.from_function_response(name="weather", response={"output": "sunny"})
    contents += [first.candidates[0].content, types.UserContent([result])]
    assert client.models.generate_content(model=MODEL, contents=contents, config=config).text


def test_schema_logprobs_and_candidates(client: Any) -> None:
    config = types.GenerateContentConfig(
        response_mime_type="application/json",
        response_json_schema={"type": "object"},
        candidate_count=2,
        response_logprobs=True,
        logprobs=2,
        seed=7,
        stop_sequences=["END"],
    )
    answer = client.models.generate_content(model=MODEL, contents="json", config=config)
    assert json.loads(answer.candidates[0].content.parts[0].text) == {"city": "Wien"}
    assert len(answer.candidates) == 2
    assert answer.candidates[0].logprobs_result.chosen_candidates[0].log_probability == -0.25


def test_blocked_prompts_and_answers(client: Any) -> None:
    blocked = client.models.generate_content(model=MODEL, contents="block")
    assert blocked.prompt_feedback.block_reason is types.BlockedReason.PROHIBITED_CONTENT
    unsafe = client.models.generate_content(model=MODEL, contents="unsafe")
    assert unsafe.candidates[0].finish_reason is types.FinishReason.SAFETY


def test_counts_and_embeddings(client: Any) -> None:
    assert client.models.count_tokens(model=MODEL, contents="hi").total_tokens == 31
    embedded = client.models.embed_content(
        model="text-embedding-005",
        contents=["a", "bb"],
        config=types.EmbedContentConfig(output_dimensionality=2),
    )
    assert [item.values for item in embedded.embeddings] == [[1.0, 1.125], [2.0, 2.125]]


def test_errors(client: Any) -> None:
    with pytest.raises(errors.ClientError) as limited:
        client.models.generate_content(model=MODEL, contents="exhausted")
    assert (limited.value.code, limited.value.status) == (429, "RESOURCE_EXHAUSTED")
    with pytest.raises(errors.ServerError):
        client.models.generate_content(model=MODEL, contents="overloaded")
    unsigned = types.Part.from_function_call(name="weather", args={})
    with pytest.raises(errors.ClientError, match="thought_signature"):
        client.models.generate_content(
            model=MODEL, contents=[types.UserContent("hi"), types.ModelContent([unsigned])]
        )
    assert SIGNATURE


def test_a_wrong_key_is_refused(google: GeminiServer) -> None:
    options = types.HttpOptions(base_url=google.url)
    with (
        genai.Client(api_key="AIza-wrong", vertexai=False, http_options=options) as client,
        pytest.raises(errors.ClientError, match="API key not valid"),
    ):
        client.models.generate_content(model=MODEL, contents="hi")
