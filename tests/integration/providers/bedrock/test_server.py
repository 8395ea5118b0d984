"""boto3, AWS's own client, judges the wire server."""

from __future__ import annotations

import json
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from bedrock import (
    ACCESS_KEY,
    API_KEY,
    CLAUDE,
    COHERE,
    PROFILE,
    REGION,
    SECRET_KEY,
    TEMPORARY_KEY,
    TEMPORARY_SECRET,
    TITAN,
    TOKEN,
    BedrockServer,
)
from bedrock_converse import CALLS, INPUT, READ, SIGNATURE, WRITTEN
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError
from private_ca import server_tls

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEYS = {"aws_access_key_id": ACCESS_KEY, "aws_secret_access_key": SECRET_KEY}
TEMPORARY = {
    "aws_access_key_id": TEMPORARY_KEY,
    "aws_secret_access_key": TEMPORARY_SECRET,
    "aws_session_token": TOKEN,
}
TOOL = {"toolSpec": {"name": "weather", "inputSchema": {"json": {"type": "object"}}}}
PNG = b"\x89PNG\r\n\x1a\n"


@contextmanager
def client_of(server: BedrockServer, **keys: str) -> Iterator[Any]:
    plain = Config(retries={"total_max_attempts": 1}, read_timeout=10, proxies={})
    client = boto3.client(
        "bedrock-runtime", region_name=REGION, endpoint_url=server.url, config=plain, **keys
    )
    with closing(client):
        yield client


@pytest.fixture(scope="module")
def client(bedrock: BedrockServer) -> Iterator[Any]:
    with client_of(bedrock, **KEYS) as client:
        yield client


def said(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [{"text": text}]}]


@pytest.mark.parametrize("keys", [KEYS, TEMPORARY])
@pytest.mark.parametrize("model", [CLAUDE, PROFILE])
def test_signed_calls_of_ids_and_arns(
    bedrock: BedrockServer, keys: dict[str, str], model: str
) -> None:
    with client_of(bedrock, **keys) as client:
        answer = client.converse(modelId=model, messages=said("hello"))
    assert answer["output"]["message"]["content"] == [{"text": "You said: hello."}]
    assert answer["usage"]["inputTokens"] == INPUT
    assert bedrock.signers[-1] == keys["aws_access_key_id"]


def test_a_bearer_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", API_KEY)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    ca_file = tmp_path / "ca.pem"
    with (
        BedrockServer(server_tls(tmp_path, ca_file)) as server,
        client_of(server, verify=str(ca_file)) as client,
    ):
        answer = client.converse(modelId=CLAUDE, messages=said("hello"))
        assert answer["stopReason"] == "end_turn"
        assert server.taken[-1].headers["authorization"] == f"Bearer {API_KEY}"


def test_a_wrong_secret_or_token_is_refused(bedrock: BedrockServer) -> None:
    for keys, code in (
        (KEYS | {"aws_secret_access_key": "wrong"}, "InvalidSignatureException"),
        (TEMPORARY | {"aws_session_token": "other"}, "UnrecognizedClientException"),
    ):
        with client_of(bedrock, **keys) as wrong, pytest.raises(ClientError, match=code):
            wrong.converse(modelId=CLAUDE, messages=said("hello"))


def streamed(client: Any, **request: Any) -> list[dict[str, Any]]:
    with closing(client.converse_stream(modelId=CLAUDE, **request)["stream"]) as stream:
        return list(stream)


def test_a_stream_with_tools(client: Any) -> None:
    events = streamed(client, messages=said("weather"), toolConfig={"tools": [TOOL]})
    starts = [one["contentBlockStart"]["start"] for one in events if "contentBlockStart" in one]
    assert [one["toolUse"]["toolUseId"] for one in starts] == [one for one, _ in CALLS]
    deltas = [one["contentBlockDelta"]["delta"] for one in events if "contentBlockDelta" in one]
    written = "".join(one["toolUse"]["input"] for one in deltas if "toolUse" in one)
    assert written == "".join(json.dumps(given) for _, given in CALLS)
    assert events[-2]["messageStop"]["stopReason"] == "tool_use"
    assert events[-1]["metadata"]["usage"]["totalTokens"] == 120


def test_reasoning_and_the_cache(client: Any) -> None:
    system = [{"text": "Be brief."}, {"cachePoint": {"type": "default", "ttl": "1h"}}]
    answer = client.converse(modelId=CLAUDE, messages=said("reason"), system=system)
    first, second, _ = answer["output"]["message"]["content"]
    assert first["reasoningContent"]["reasoningText"]["signature"] == SIGNATURE
    assert second["reasoningContent"]["redactedContent"] == b"encrypted thoughts"
    assert answer["usage"]["cacheReadInputTokens"] == READ
    assert answer["usage"]["cacheDetails"] == [{"ttl": "1h", "inputTokens": WRITTEN}]
    turns = [*said("reason"), answer["output"]["message"], *said("and now")]
    again = client.converse(modelId=CLAUDE, messages=turns)
    assert again["output"]["message"]["content"] == [{"text": "You said: and now."}]


def test_images_and_results(client: Any) -> None:
    image = {"image": {"format": "png", "source": {"bytes": PNG}}}
    turns = [{"role": "user", "content": [image, {"text": "look"}]}]
    answer = client.converse(modelId=CLAUDE, messages=turns)
    assert "1 image(s)" in answer["output"]["message"]["content"][0]["text"]


def test_errors_have_their_class(client: Any) -> None:
    for text, name in {
        "throttle": "ThrottlingException",
        "not ready": "ModelNotReadyException",
        "denied": "AccessDeniedException",
        "model error": "ModelErrorException",
        " ": "ValidationException",
    }.items():
        with pytest.raises(getattr(client.exceptions, name)):
            client.converse(modelId=CLAUDE, messages=said(text))


def test_errors_in_a_stream_and_damage(client: Any) -> None:
    with pytest.raises(EventStreamError, match="throttlingException"):
        streamed(client, messages=said("throttled midway"))
    with pytest.raises(Exception, match=r"[Cc]hecksum"):
        streamed(client, messages=said("corrupt"))


def test_bodies_of_the_models_own(client: Any) -> None:
    body = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9}
    body |= {"messages": [{"role": "user", "content": "hello"}]}
    answer = client.invoke_model(modelId=CLAUDE, body=json.dumps(body))
    assert json.loads(answer["body"].read())["content"][0]["text"] == "You said: hello."
    answer = client.invoke_model_with_response_stream(modelId=CLAUDE, body=json.dumps(body))
    with closing(answer["body"]) as stream:
        kinds = [json.loads(one["chunk"]["bytes"])["type"] for one in stream]
    assert (kinds[0], kinds[-1]) == ("message_start", "message_stop")
    titan = client.invoke_model(modelId=TITAN, body=json.dumps({"inputText": "one"}))
    assert json.loads(titan["body"].read())["inputTextTokenCount"] == 7
    asked = {"texts": ["one"], "input_type": "search_query"}
    cohere = client.invoke_model(modelId=COHERE, body=json.dumps(asked))
    assert json.loads(cohere["body"].read())["embeddings"] == [[3.0] * 3]
