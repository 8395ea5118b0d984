"""Azure's batches by its v1 API: OpenAI's own, at another path, with a key in another header."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest
from openai import OpenAI

from legato.core.config import Provider as ProviderConfig
from legato.core.errors import ProviderUnavailable
from legato.providers.azure_openai import factory
from legato.providers.base import ProviderSettings
from legato.providers.batching import (
    BatchCall,
    Batcher,
    BatchReply,
    BatchStatus,
    Search,
    Send,
    batcher_of,
)
from wire_servers.openai_batches import KEY, OpenAIBatchServer

if TYPE_CHECKING:
    from collections.abc import Iterator

MARK = "batch_1"
CHAT = {"model": "my-batch-deployment", "messages": [{"role": "user", "content": "hi"}]}


@pytest.fixture
def azure() -> Iterator[OpenAIBatchServer]:
    with OpenAIBatchServer(root="/openai/v1") as server:
        server.slow_files = True
        yield server


def batcher(azure: OpenAIBatchServer, **options: str) -> Batcher | None:
    config = ProviderConfig(name="azure", kind="azure_openai", settings=options)
    return batcher_of(factory(ProviderSettings(config, azure.url, KEY)))


def sender(azure: OpenAIBatchServer, asked: list[str]) -> Send:
    def send(call: BatchCall) -> BatchReply:
        asked.append(call.path.decode())
        lines = call.headers.decode().splitlines()
        request = urllib.request.Request(  # noqa: S310 - of this machine
            azure.url + call.path.decode(),
            data=call.body or None,
            headers=dict(line.split(": ", 1) for line in lines),
            method=call.method.decode(),
        )
        try:
            with urllib.request.urlopen(request) as reply:  # noqa: S310 - same
                return BatchReply(reply.status, [], reply.read())
        except urllib.error.HTTPError as error:
            return BatchReply(error.code, [], error.read())

    return send


def test_a_batch_goes_all_its_way(azure: OpenAIBatchServer) -> None:
    known, asked = batcher(azure, api_version="preview"), []
    assert known is not None
    send = sender(azure, asked)
    lines = [known.line(MARK, "0", "/v1/chat/completions", json.dumps(CHAT).encode())]
    with pytest.raises(ProviderUnavailable, match="taken in"):
        known.submit(send, MARK, "/v1/chat/completions", lines)
    made = known.submit(send, MARK, "/v1/chat/completions", lines)
    assert len(azure.uploaded) == 1, "what is there is not uploaded again"
    assert known.find(send, Search(MARK, 1, 0, 0)) == made
    state = known.look(send, made)
    assert state.status is BatchStatus.COMPLETED
    assert [(one.name, one.status) for one in known.results(send, state)] == [("0", 200)]
    known.forget(send, state)
    assert not azure.files
    assert all(path.startswith("/openai/v1/") and "api-version=preview" in path for path in asked)


def test_the_vendors_client_takes_the_test_server_for_azure(azure: OpenAIBatchServer) -> None:
    with OpenAI(base_url=f"{azure.url}/openai/v1", api_key=KEY, max_retries=0) as client:
        line = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": CHAT}
        file = client.files.create(file=("a.jsonl", json.dumps(line).encode()), purpose="batch")
        assert [one.status for one in client.files.list()] == ["processed"]
        batch = client.batches.create(
            input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
        )
        assert client.batches.retrieve(batch.id).status == "completed"


def test_the_dated_api_has_no_batches_here(azure: OpenAIBatchServer) -> None:
    assert batcher(azure, api="deployments", api_version="2024-10-21") is None
