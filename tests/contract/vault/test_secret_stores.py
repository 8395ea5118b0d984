"""Secrets of the configuration that OpenBao (Vault's interface) and AWS Secrets Manager keep."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.session import Session
from moto.server import ThreadedMotoServer

from legato.app.checks.configuration import load, no_secret, storage_secret
from legato.app.config.problems import ConfigProblems
from legato.app.config.shown_config import shown_values
from legato.app.config.stored_secrets import reread
from legato.core.config_parts import HashicorpSecret, SecretRef
from openbao_server import MISSING, PROGRAM, ROOT, OpenBaoServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

needs_openbao = pytest.mark.skipif(PROGRAM is None, reason=MISSING)
SECRET = "sk-canary-of-a-store"
AWS = {"AWS_ACCESS_KEY_ID": "AKIATESTS", "AWS_SECRET_ACCESS_KEY": "secret-of-these-tests"}
BODY = """
providers:
  - {name: up, kind: openai_compatible, base_url: "http://127.0.0.1:9/v1", api_key: REF}
accounts:
  external_url: "https://legato.example.com"
  oidc:
    - name: idp
      issuer: "https://idp.example.com"
      client_id: legato
      client_secret: OTHER
      role_mapping: MAPPED
notifications:
  channels: [{name: hook, webhook: {url: "https://hooks.example.com/x", secret: REF}}]
"""
MAPPED = "[{claim: groups, value: ops, role: admin}]"
OPENAI = "{hashicorp: {path: legato/openai, key: api_key}}"
OIDC = "{hashicorp: {path: legato/oidc, key: client_secret}}"


@pytest.fixture(scope="module")
def openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBaoServer]:
    with OpenBaoServer(tmp_path_factory.mktemp("openbao")) as server:
        server.write("legato/openai", api_key=SECRET, number=5, empty="")
        server.write("legato/oidc", client_secret="oidc-canary")
        yield server


@pytest.fixture(scope="module")
def aws() -> Iterator[tuple[str, Any]]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    client = Session().create_client(
        "secretsmanager",
        region_name="eu-central-1",
        endpoint_url=url,
        aws_access_key_id="AKIATESTS",
        aws_secret_access_key="secret-of-these-tests",
    )
    client.create_secret(Name="legato/openai", SecretString=json.dumps({"api_key": SECRET}))
    client.create_secret(Name="legato/plain", SecretString="plain-canary")
    client.create_secret(Name="legato/binary", SecretBinary=b"\x00\x01")
    yield url, client
    server.stop()


def written(folder: Path, stores: str, reference: str = OPENAI, other: str = OIDC) -> Path:
    file = folder / "legato.yaml"
    body = BODY.replace("REF", reference).replace("OTHER", other).replace("MAPPED", MAPPED)
    file.write_text(f"config_version: 1\nsecret_stores: {stores}\n{body}")
    return file


def of_openbao(server: OpenBaoServer, secrets: str = "{token: {env: TOKEN}}") -> str:
    return f'{{hashicorp: {{url: "{server.url}", secrets: {secrets}}}}}'


def of_aws(url: str) -> str:
    return f'{{aws: {{region: eu-central-1, endpoint_url: "{url}"}}}}'


def problems(file: Path, environment: dict[str, str]) -> list[str]:
    with pytest.raises(ConfigProblems) as caught:
        load(file, environment)
    assert SECRET not in str(caught.value)
    return [str(one) for one in caught.value.problems]


@needs_openbao
def test_any_secret_may_be_in_a_vault(openbao: OpenBaoServer, tmp_path: Path) -> None:
    loaded = load(written(tmp_path, of_openbao(openbao)), {"TOKEN": ROOT})
    config = loaded.config
    webhook = config.notifications.channels[0].webhook
    assert webhook is not None
    assert loaded.secret(config.providers[0].api_key) == SECRET
    assert loaded.secret(webhook.secret) == SECRET
    assert loaded.secret(config.accounts.oidc[0].client_secret) == "oidc-canary"
    assert SECRET not in repr(loaded)
    shown = {one.path: one.value for one in shown_values(loaded)}
    assert shown["providers[0].api_key"] == {
        "hashicorp": {"path": "legato/openai", "key": "api_key"}
    }


@needs_openbao
def test_an_app_role_reads_what_its_policy_allows(openbao: OpenBaoServer, tmp_path: Path) -> None:
    role_id, secret_id = openbao.app_role("secret/data/legato/openai")
    signs_in = "{role_id: {env: ROLE}, secret_id: {env: SECRET_ID}}"
    stores = of_openbao(openbao, signs_in).replace("secrets:", "auth: approle, secrets:")
    environment = {"ROLE": role_id, "SECRET_ID": secret_id}
    (told,) = problems(written(tmp_path, stores), environment)
    assert "accounts.oidc[0].client_secret: Vault at" in told
    assert "its policy must allow read of secret/data/legato/oidc" in told
    file = written(tmp_path, stores, other=OPENAI)
    loaded = load(file, environment)
    assert loaded.secret(loaded.config.providers[0].api_key) == SECRET
    (first, *_) = problems(file, environment | {"SECRET_ID": "wrong"})
    assert "refused to sign in by approle: look at secret_stores.hashicorp.secrets" in first


@needs_openbao
@pytest.mark.parametrize(
    ("reference", "named"),
    [
        ("{hashicorp: {path: legato/none, key: k}}", "there is no secret secret/legato/none"),
        ("{hashicorp: {path: legato/openai, key: k}}", "It has: api_key, empty, number."),
        ("{hashicorp: {path: legato/openai, key: number}}", "there is no text"),
        ("{hashicorp: {path: legato/openai, key: empty}}", "there is empty"),
    ],
)
def test_what_a_vault_lacks_is_told_at_its_place(
    openbao: OpenBaoServer, tmp_path: Path, reference: str, named: str
) -> None:
    told = problems(written(tmp_path, of_openbao(openbao), reference), {"TOKEN": ROOT})
    assert len(told) == 2
    assert "legato.yaml:5:" in told[0]
    assert "providers[0].api_key: " in told[0]
    assert named in told[0]


@needs_openbao
def test_a_deleted_version_is_no_secret(openbao: OpenBaoServer, tmp_path: Path) -> None:
    openbao.write("legato/gone", k="v")
    openbao.client.secrets.kv.v2.delete_latest_version_of_secret("legato/gone")
    reference = "{hashicorp: {path: legato/gone, key: k}}"
    (first, _) = problems(written(tmp_path, of_openbao(openbao), reference), {"TOKEN": ROOT})
    assert "or its newest version was deleted" in first


def test_a_vault_that_is_away_is_told_and_asked_once(tmp_path: Path) -> None:
    stores = '{hashicorp: {url: "http://127.0.0.1:9", secrets: {token: {env: TOKEN}}}}'
    told = problems(written(tmp_path, stores), {"TOKEN": "hvs.canary"})
    assert len(told) == 3
    assert all("Vault at http://127.0.0.1:9 can't be reached" in one for one in told)
    assert "hvs.canary" not in "".join(told)


@needs_openbao
def test_what_changes_in_the_store_is_read_again(openbao: OpenBaoServer, tmp_path: Path) -> None:
    openbao.write("legato/turning", k="first")
    reference = SecretRef(hashicorp=HashicorpSecret(path="legato/turning", key="k"))
    file = written(
        tmp_path, of_openbao(openbao), "{hashicorp: {path: legato/turning, key: k}}", OPENAI
    )
    loaded = load(file, {"TOKEN": ROOT})
    assert reread(loaded, [reference], {}) == ({}, "")
    openbao.write("legato/turning", k="second")
    assert reread(loaded, [reference], {}) == ({reference: "second"}, "")
    assert loaded.secret(reference) == "second"
    openbao.client.secrets.kv.v2.delete_latest_version_of_secret("legato/turning")
    changed, told = reread(loaded, [reference], {})
    assert not changed
    assert "there is no secret" in told
    assert loaded.secret(reference) == "second", "the last one stays"


def test_secrets_manager_gives_texts_and_fields(aws: tuple[str, Any], tmp_path: Path) -> None:
    url, client = aws
    field, text = (
        "{aws_secret: {id: legato/openai, key: api_key}}",
        "{aws_secret: {id: legato/plain}}",
    )
    loaded = load(written(tmp_path, of_aws(url), field, text), AWS)
    assert loaded.secret(loaded.config.providers[0].api_key) == SECRET
    assert loaded.secret(loaded.config.accounts.oidc[0].client_secret) == "plain-canary"
    arn = client.describe_secret(SecretId="legato/plain")["ARN"]
    loaded = load(written(tmp_path, of_aws(url), f'{{aws_secret: {{id: "{arn}"}}}}', text), AWS)
    assert loaded.secret(loaded.config.providers[0].api_key) == "plain-canary"


@pytest.mark.parametrize(
    ("reference", "named"),
    [
        ("{aws_secret: {id: legato/none}}", "ResourceNotFoundException"),
        ("{aws_secret: {id: legato/plain, key: k}}", "is no JSON object"),
        ("{aws_secret: {id: legato/openai, key: k}}", "It has: api_key."),
        ("{aws_secret: {id: legato/binary}}", "there is no text"),
    ],
)
def test_what_secrets_manager_lacks_is_told(
    aws: tuple[str, Any], tmp_path: Path, reference: str, named: str
) -> None:
    (first, _) = problems(
        written(tmp_path, of_aws(aws[0]), reference, "{aws_secret: {id: legato/plain}}"), AWS
    )
    assert named in first


@pytest.mark.parametrize(
    ("stores", "reference", "named"),
    [
        ("{}", OPENAI, "secret_stores.hashicorp, which isn't configured"),
        (
            '{hashicorp: {url: "http://a", secrets: {token: {hashicorp: {path: a, key: b}}}}}',
            OPENAI,
            "secret_stores.hashicorp.secrets.token: a secret names exactly one of env and file",
        ),
        ('{hashicorp: {url: "http://127.0.0.1:9"}}', OPENAI, "auth token takes token"),
        (
            '{hashicorp: {url: "http://127.0.0.1:9", auth: kubernetes}}',
            OPENAI,
            "secret_stores.hashicorp.role: auth kubernetes needs one",
        ),
        ("{aws: {region: r, secrets: {access_key_id: {env: A}}}}", OPENAI, "go together"),
        ("{aws: {region: r, secrets: {key: {env: A}}}}", OPENAI, "'key' is not known"),
        ("{}", "{hashicorp: {path: ../etc, key: k}}", "path"),
        ("{}", "{env: A, hashicorp: {path: a, key: k}}", "exactly one of"),
    ],
)
def test_stores_that_contradict_themselves_are_refused(
    tmp_path: Path, stores: str, reference: str, named: str
) -> None:
    with pytest.raises(ConfigProblems) as caught:
        load(written(tmp_path, stores, reference), {"A": "x"}, secrets=no_secret)
    assert named in str(caught.value)


def test_a_store_is_asked_only_for_what_is_wanted(tmp_path: Path) -> None:
    stores = '{hashicorp: {url: "http://127.0.0.1:9", secrets: {token: {env: TOKEN}}}}'
    load(written(tmp_path, stores), {}, secrets=storage_secret)
