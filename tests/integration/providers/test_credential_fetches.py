"""Credentials are fetched the way the provider's calls go: its proxy, its certificates."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

sys.path.append(str(Path(__file__).parents[2] / "wire_servers"))
from entra import ASSERTION, CLIENT, CLIENT_SECRET, TENANT, EntraServer
from plain_server import Reply, Request, WireServer, as_json
from private_ca import server_tls

from legato.core.config import Provider as ProviderConfig
from legato.core.errors import UpstreamError
from legato.core.wire import WireRequest
from legato.providers.azure_openai import factory as azure_factory
from legato.providers.base import Provider, ProviderSettings, authorizer_of
from legato.providers.bedrock import factory as bedrock_factory
from legato.providers.vertex import factory as vertex_factory
from wire_servers.forward_proxy import ForwardProxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

REQUEST = WireRequest(b"/x", b"content-type: application/json\r\n", b"{}")
SIGNED_IN = """<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>AKIATEMPORARY</AccessKeyId>
<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>
<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult>
<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></AssumeRoleWithWebIdentityResponse>"""


class TokenServer(WireServer):
    """AWS's STS and Google's token endpoint, over TLS with a certificate of a private CA."""

    def __init__(self, folder: Path) -> None:
        self.ca_file = folder / "ca.pem"
        super().__init__(server_tls(folder, self.ca_file))

    def answer(self, request: Request) -> Reply:
        if request.path == "/token":
            return as_json(200, {"access_token": "ya29.x", "expires_in": 3600})
        return Reply(200, {"content-type": "text/xml"}, SIGNED_IN.encode())


@pytest.fixture
async def proxy() -> AsyncIterator[ForwardProxy]:
    async with ForwardProxy("team", "proxy-password") as running:
        yield running


@pytest.fixture(scope="module")
def entra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EntraServer]:
    with EntraServer(tmp_path_factory.mktemp("entra")) as server:
        yield server


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TokenServer]:
    with TokenServer(tmp_path_factory.mktemp("tokens")) as server:
        yield server


def azure(entra: EntraServer, folder: Path, credential: str, **way: Any) -> Provider:
    (folder / "assertion").write_text(ASSERTION)
    settings = {
        "credential": credential,
        "tenant_id": TENANT,
        "client_id": CLIENT,
        "authority": entra.url,
        "authority_discovery": False,
    }
    if credential == "workload_identity":
        settings["token_file"] = str(folder / "assertion")
    config = ProviderConfig(name="p", kind="azure_openai", settings=settings, **way)
    secret = CLIENT_SECRET if credential == "client_secret" else None
    return azure_factory(ProviderSettings(config, "https://res.openai.azure.com", secret))


def bedrock(
    tokens: TokenServer, folder: Path, monkeypatch: pytest.MonkeyPatch, **way: Any
) -> Provider:
    """By the token of a cluster's service account, which STS takes."""
    (folder / "token").write_text("web-identity")
    given = {
        "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/r",
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(folder / "token"),
        "AWS_ENDPOINT_URL_STS": tokens.url,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": str(folder / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "none"),
        "AWS_DEFAULT_REGION": "eu-central-1",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings = {"region": "eu-central-1"}
    config = ProviderConfig(name="p", kind="bedrock", settings=settings, **way)
    return bedrock_factory(ProviderSettings(config, ""))


def vertex(tokens: TokenServer, **way: Any) -> Provider:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    account = {
        "type": "service_account",
        "client_email": "a@p.iam.gserviceaccount.com",
        "private_key": key.decode(),
        "token_uri": f"{tokens.url}/token",
    }
    config = ProviderConfig(name="p", kind="vertex", settings={"project": "p"}, **way)
    return vertex_factory(ProviderSettings(config, "", json.dumps(account)))


def way(proxy: ForwardProxy, ca_file: Path) -> dict[str, str]:
    return {
        "proxy": f"http://team:proxy-password@127.0.0.1:{proxy.port}",
        "ca_file": str(ca_file),
    }


def tunnels(proxy: ForwardProxy) -> set[str]:
    """Where it was asked to lead."""
    lines = [line.decode().split() for line in proxy.seen]
    assert {method for method, _, _ in lines} <= {"CONNECT"}
    return {target for _, target, _ in lines}


async def authorized(provider: Provider) -> bytes:
    authorize = authorizer_of(provider)
    assert authorize is not None
    async with asyncio.timeout(30):
        return (await authorize(REQUEST)).headers


@pytest.fixture(params=["client_secret", "workload_identity", "default"])
def credential(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "default":
        monkeypatch.setenv("AZURE_TENANT_ID", TENANT)
        monkeypatch.setenv("AZURE_CLIENT_ID", CLIENT)
        monkeypatch.setenv("AZURE_CLIENT_SECRET", CLIENT_SECRET)
    return str(request.param)


async def test_entra_is_asked_through_the_providers_proxy(
    entra: EntraServer, proxy: ForwardProxy, tmp_path: Path, credential: str
) -> None:
    provider = azure(entra, tmp_path, credential, **way(proxy, entra.ca_file))
    assert b"authorization: Bearer entra-token-" in await authorized(provider)
    assert tunnels(proxy) == {f"127.0.0.1:{entra.port}"}


async def test_aws_is_asked_through_the_providers_proxy(
    tokens: TokenServer, proxy: ForwardProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = bedrock(tokens, tmp_path, monkeypatch, **way(proxy, tokens.ca_file))
    assert b"AKIATEMPORARY/" in await authorized(provider)
    assert tunnels(proxy) == {f"127.0.0.1:{tokens.port}"}


async def test_google_is_asked_through_the_providers_proxy(
    tokens: TokenServer, proxy: ForwardProxy
) -> None:
    provider = vertex(tokens, **way(proxy, tokens.ca_file))
    assert b"Bearer ya29.x" in await authorized(provider)
    assert tunnels(proxy) == {f"127.0.0.1:{tokens.port}"}


async def test_without_them_the_private_ca_is_not_trusted(
    entra: EntraServer, tokens: TokenServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for provider in (
        azure(entra, tmp_path, "client_secret"),
        bedrock(tokens, tmp_path, monkeypatch),
        vertex(tokens),
    ):
        with pytest.raises(UpstreamError):
            await authorized(provider)


class MetadataServer(WireServer):
    """Google's metadata server: plain HTTP on the machine itself."""

    def answer(self, request: Request) -> Reply:
        flavour = {"metadata-flavor": "Google"}
        if request.path.endswith("/token"):
            token = {"access_token": "ya29.of-the-machine", "expires_in": 3600}
            return as_json(200, token | {"token_type": "Bearer"}, metadata_flavor="Google")
        if "service-accounts" in request.path:
            account = {"email": "m@p.iam.gserviceaccount.com", "scopes": ["x"], "aliases": []}
            return as_json(200, account, metadata_flavor="Google")
        return Reply(200, flavour | {"content-type": "text/plain"}, b"a-project")


async def test_what_this_machine_says_itself_is_asked_without_a_proxy(
    proxy: ForwardProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with MetadataServer() as metadata:
        host = metadata.url.removeprefix("http://")
        monkeypatch.setenv("GCE_METADATA_HOST", host)
        monkeypatch.setenv("GCE_METADATA_IP", host)
        monkeypatch.setenv("GCE_METADATA_ROOT", host)
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
        monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
        through = f"http://team:proxy-password@127.0.0.1:{proxy.port}"
        settings = {"project": "p"}
        config = ProviderConfig(name="p", kind="vertex", settings=settings, proxy=through)
        provider = vertex_factory(ProviderSettings(config, ""))
        assert b"Bearer ya29.of-the-machine" in await authorized(provider)
    assert proxy.seen == []
