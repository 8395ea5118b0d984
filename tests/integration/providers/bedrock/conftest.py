"""The wire server, and one running Legato in front of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

sys.path.append(str(Path(__file__).parents[3] / "wire_servers"))
sys.path.append(str(Path(__file__).parents[3] / "e2e" / "gateway"))
import bedrock as wire
from running import CALLER, RunningLegato

CONFIG = """\
config_version: 1
storage: {{ledger_poll_s: 0.1}}
cache: {{enabled: false}}
retry: {{attempts_max: 1}}
breaker: {{failures: 62, failure_share: 1.0, window_calls: 62}}
providers:
  - name: signed
    kind: bedrock
    base_url: "{url}"
    secrets: {{access_key_id: {{env: ACCESS_KEY}}, secret_access_key: {{env: SECRET_KEY}}}}
    settings: {{region: us-east-1}}
  - name: temporary
    kind: bedrock
    base_url: "{url}"
    secrets:
      access_key_id: {{env: TEMPORARY_KEY}}
      secret_access_key: {{env: TEMPORARY_SECRET}}
      session_token: {{env: SESSION_TOKEN}}
    settings: {{region: us-east-1}}
  - {{name: chain, kind: bedrock, base_url: "{url}", settings: {{region: us-east-1, profile: ours}}}}
  - {{name: bearer, kind: bedrock, base_url: "{url}", api_key: {{env: API_KEY}}, settings: {{region: us-east-1}}}}
  - {{name: lost, kind: bedrock, base_url: "{url}", settings: {{region: us-east-1, profile: theirs}}}}
  - name: invoke
    kind: bedrock
    base_url: "{url}"
    secrets: {{access_key_id: {{env: ACCESS_KEY}}, secret_access_key: {{env: SECRET_KEY}}}}
    settings: {{region: us-east-1, api: invoke_anthropic}}
deployments:
  - {{name: claude, provider: signed, model: "{claude}"}}
  - {{name: profile, provider: temporary, model: "{profile}"}}
  - {{name: chained, provider: chain, model: "{claude}"}}
  - {{name: keyed, provider: bearer, model: "{claude}"}}
  - {{name: nova, provider: signed, model: "{nova}"}}
  - {{name: invoked, provider: invoke, model: "{profile}"}}
  - {{name: lost, provider: lost, model: "{claude}"}}
  - {{name: wrong, provider: signed, model: "no.such-model"}}
  - {{name: titan, provider: signed, model: "{titan}"}}
  - {{name: cohere, provider: signed, model: "{cohere}"}}
routes:
  - {{alias: falls-back, deployments: [lost, claude]}}
  - {{alias: lenient, deployments: [claude], drop_unsupported: true}}
keys:
  - {{name: ci, team: platform, feature: tests, secret: {{env: CALLER_KEY}}}}
"""  # noqa: E501 - one entry a line


@pytest.fixture(scope="session")
def bedrock() -> Iterator[wire.BedrockServer]:
    with wire.BedrockServer() as server:
        yield server


@pytest.fixture(scope="session")
def legato(
    bedrock: wire.BedrockServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningLegato]:
    config = CONFIG.format(
        url=bedrock.url,
        claude=wire.CLAUDE,
        profile=wire.PROFILE,
        nova=wire.NOVA,
        titan=wire.TITAN,
        cohere=wire.COHERE,
    )
    folder = tmp_path_factory.mktemp("legato")
    shared = folder / "aws-credentials"
    shared.write_text(
        f"[ours]\naws_access_key_id = {wire.ACCESS_KEY}\n"
        f"aws_secret_access_key = {wire.SECRET_KEY}\n"
        "[theirs]\naws_access_key_id = incomplete\n"
    )
    secrets = {
        "ACCESS_KEY": wire.ACCESS_KEY,
        "SECRET_KEY": wire.SECRET_KEY,
        "TEMPORARY_KEY": wire.TEMPORARY_KEY,
        "TEMPORARY_SECRET": wire.TEMPORARY_SECRET,
        "SESSION_TOKEN": wire.TOKEN,
        "API_KEY": wire.API_KEY,
    }
    surroundings = {
        "AWS_SHARED_CREDENTIALS_FILE": str(shared),
        "AWS_CONFIG_FILE": str(folder / "none"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    running = RunningLegato(folder, config, variables=secrets | surroundings)
    yield running
    assert running.stop() == 0
    log = running.log.read_text()
    assert "Traceback" not in log
    assert not any(secret in log for secret in [*secrets.values(), CALLER])
