"""Wire servers, and one running Legato in front of them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

sys.path.append(str(Path(__file__).parents[3] / "wire_servers"))
sys.path.append(str(Path(__file__).parents[3] / "e2e" / "gateway"))
from azure_openai import CHAT_DEPLOYMENT, EMBEDDING_DEPLOYMENT, KEY, AzureServer
from entra import CLIENT, CLIENT_SECRET, TENANT, EntraServer
from running import RunningLegato

CONFIG = """\
config_version: 1
storage: {{ledger_poll_s: 0.1}}
cache: {{enabled: false}}
retry: {{attempts_max: 2, backoff_base_s: 0.01, backoff_max_s: 0.02, retry_after_max_s: 2}}
providers:
  - {{name: azure, kind: azure_openai, base_url: "{azure}", api_key: {{env: AZURE_KEY}}}}
  - name: dated
    kind: azure_openai
    base_url: "{azure}"
    api_key: {{env: AZURE_KEY}}
    settings: {{api: deployments, api_version: "2024-10-21"}}
  - name: by_token
    kind: azure_openai
    base_url: "{azure}/openai/v1"
    api_key: {{env: AZURE_CLIENT_SECRET}}
    settings: {{credential: client_secret, {entra}}}
  - name: locked_out
    kind: azure_openai
    base_url: "{azure}"
    api_key: {{env: CALLER_KEY}}
    settings: {{credential: client_secret, {entra}}}
deployments:
  - {{name: chat, provider: azure, model: "{chat}"}}
  - {{name: chat-dated, provider: dated, model: "{chat}"}}
  - {{name: chat-by-token, provider: by_token, model: "{chat}"}}
  - {{name: chat-locked-out, provider: locked_out, model: "{chat}"}}
  - {{name: nowhere, provider: azure, model: gone}}
  - {{name: embed, provider: azure, model: "{embedding}"}}
  - {{name: embed-dated, provider: dated, model: "{embedding}"}}
routes:
  - {{alias: falls-back, deployments: [chat-locked-out, chat]}}
keys:
  - {{name: ci, team: platform, feature: tests, secret: {{env: CALLER_KEY}}}}
"""


@pytest.fixture(scope="session")
def entra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EntraServer]:
    with EntraServer(tmp_path_factory.mktemp("entra")) as server:
        yield server


@pytest.fixture(scope="session")
def azure(entra: EntraServer) -> Iterator[AzureServer]:
    with AzureServer(entra.tokens) as server:
        yield server


@pytest.fixture(scope="session")
def legato(
    azure: AzureServer, entra: EntraServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningLegato]:
    options = {
        "tenant_id": TENANT,
        "client_id": CLIENT,
        "authority": entra.url,
        "authority_ca_file": entra.ca_file,
        "authority_discovery": "false",
    }
    config = CONFIG.format(
        azure=azure.url,
        chat=CHAT_DEPLOYMENT,
        embedding=EMBEDDING_DEPLOYMENT,
        entra=", ".join(
            f"{k}: {v if v == 'false' else f'{chr(34)}{v}{chr(34)}'}" for k, v in options.items()
        ),
    )
    running = RunningLegato(
        tmp_path_factory.mktemp("legato"),
        config,
        variables={"AZURE_KEY": KEY, "AZURE_CLIENT_SECRET": CLIENT_SECRET},
    )
    yield running
    assert running.stop() == 0
    log = running.log.read_text()
    assert "Traceback" not in log
    assert not any(secret in log for secret in (KEY, CLIENT_SECRET, "entra-token-"))
