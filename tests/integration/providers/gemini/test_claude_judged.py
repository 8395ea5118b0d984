"""Anthropic's own client for Vertex AI against the test server, which then judges us."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anthropic
import pytest
from gemini import LOCATION, PROJECT
from vertex_claude import TOKENS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gemini import GeminiServer

MODEL = "claude-sonnet-4-5@20250929"


@pytest.fixture
def client(google: GeminiServer) -> Iterator[anthropic.AnthropicVertex]:
    google.tokens.append("a-token-of-the-client")
    with anthropic.AnthropicVertex(
        region=LOCATION,
        project_id=PROJECT,
        access_token=google.tokens[-1],
        base_url=f"{google.url}/v1",
        max_retries=0,
    ) as client:
        yield client


def test_whole_and_streamed(client: anthropic.AnthropicVertex) -> None:
    asked: list[anthropic.types.MessageParam] = [{"role": "user", "content": "hello"}]
    whole = client.messages.create(model=MODEL, max_tokens=64, messages=asked)
    with client.messages.stream(model=MODEL, max_tokens=64, messages=asked) as stream:
        text = "".join(stream.text_stream)
        streamed = stream.get_final_message()
    assert text == whole.content[0].text == "You said: hello."  # type: ignore[union-attr]
    assert (streamed.stop_reason, streamed.usage.output_tokens) == ("end_turn", 20)
    assert whole.usage.input_tokens == streamed.usage.input_tokens


def test_counting(client: anthropic.AnthropicVertex) -> None:
    counted = client.messages.count_tokens(
        model=MODEL, messages=[{"role": "user", "content": "hello"}]
    )
    assert counted.input_tokens == TOKENS


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("exhausted", anthropic.RateLimitError),
        ("denied", anthropic.PermissionDeniedError),
        ("reject", anthropic.BadRequestError),
    ],
)
def test_refusals(client: anthropic.AnthropicVertex, said: str, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        client.messages.create(
            model=MODEL, max_tokens=64, messages=[{"role": "user", "content": said}]
        )


def test_another_token_is_refused(google: GeminiServer) -> None:
    stranger = anthropic.AnthropicVertex(
        region=LOCATION, project_id=PROJECT, access_token="none", base_url=f"{google.url}/v1",
        max_retries=0,
    )  # fmt: skip
    with stranger, pytest.raises(anthropic.AuthenticationError):
        stranger.messages.create(
            model=MODEL, max_tokens=64, messages=[{"role": "user", "content": "hello"}]
        )
