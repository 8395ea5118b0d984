"""Azure's batches with a token of Entra, in a running gateway."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from entra import CLIENT, CLIENT_SECRET, TENANT, EntraServer
from openai import OpenAI
from running import CALLER, RunningLegato, within

from wire_servers.openai_batches import OpenAIBatchServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
providers:
  - name: azure
    kind: azure_openai
    base_url: "AZURE"
    api_key: {env: AZURE_CLIENT_SECRET}
    settings: {credential: client_secret, ENTRA}
deployments:
  - name: batches
    provider: azure
    model: my-batch-deployment
    price: {input_per_mtok: "1", output_per_mtok: "2"}
    batch: {lane: native, price_factor: "0.5"}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""
ENDED = {"completed", "failed", "expired", "cancelled"}
WAIT_S = 60.0


@pytest.fixture
def entra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EntraServer]:
    """Of this test alone: others count the tokens of theirs."""
    with EntraServer(tmp_path_factory.mktemp("own")) as server:
        yield server


@pytest.fixture
def azure(entra: EntraServer) -> Iterator[OpenAIBatchServer]:
    with OpenAIBatchServer(root="/openai/v1", tokens=entra.tokens) as server:
        yield server


def test_a_batch_runs_by_token(
    azure: OpenAIBatchServer, entra: EntraServer, tmp_path: Path
) -> None:
    options = {
        "tenant_id": TENANT,
        "client_id": CLIENT,
        "authority": entra.url,
        "authority_ca_file": entra.ca_file,
        "authority_discovery": "false",
    }
    settings = ", ".join(f'{name}: "{value}"' for name, value in options.items())
    settings = settings.replace('"false"', "false")
    legato = RunningLegato(
        tmp_path,
        CONFIG.replace('AZURE"', f'{azure.url}"').replace("ENTRA", settings),
        variables={"AZURE_CLIENT_SECRET": CLIENT_SECRET},
    )
    body = {"model": "batches", "messages": [{"role": "user", "content": "one"}]}
    line = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": body}
    try:
        with OpenAI(base_url=f"{legato.url}/v1", api_key=CALLER, max_retries=0) as client:
            content = json.dumps(line).encode()
            file = client.files.create(file=("calls.jsonl", content), purpose="batch")
            made = client.batches.create(
                input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
            )
            retrieve = client.batches.retrieve
            batch = within(WAIT_S, lambda: (b := retrieve(made.id)).status in ENDED and b)
            assert batch.status == "completed", batch
            answer = json.loads(client.files.content(batch.output_file_id).text)
        assert answer["response"]["body"]["choices"][0]["message"]["content"] == "re: one"
        assert len(entra.tokens) == 1, "one token does for all exchanges"
        assert not azure.files
        for token in entra.tokens:
            assert token not in legato.log.read_text()
    finally:
        assert legato.stop() == 0
