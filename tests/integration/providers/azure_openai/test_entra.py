"""Each kind of credential, by azure-identity itself, against a token endpoint on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from entra import ASSERTION, CLIENT, CLIENT_SECRET, TENANT, EntraServer
from plain_server import Reply, Request, WireServer, as_json

from legato.core.errors import ProviderRefusesCredentials, ProviderUnavailable
from legato.providers.azure_openai.entra import TokenSource
from legato.providers.azure_openai.settings import AzureSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def entra(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EntraServer]:
    with EntraServer(tmp_path_factory.mktemp("own")) as server:
        yield server


def by_secret(entra: EntraServer) -> AzureSettings:
    return AzureSettings(
        credential="client_secret",
        tenant_id=TENANT,
        client_id=CLIENT,
        authority=entra.url,
        authority_ca_file=str(entra.ca_file),
        authority_discovery=False,
    )


def test_a_client_secret(entra: EntraServer) -> None:
    lease = TokenSource(by_secret(entra), CLIENT_SECRET)()
    assert lease.value in entra.tokens
    assert lease.renew_s == lease.end_s - 270


def test_a_wrong_secret_is_refused_without_a_word_of_it(entra: EntraServer) -> None:
    with pytest.raises(ProviderRefusesCredentials, match="AADSTS7000215") as refused:
        TokenSource(by_secret(entra), "a-wrong-secret")()
    assert "a-wrong-secret" not in refused.value.message


def test_a_workload_identity(entra: EntraServer, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(ASSERTION)
    options = msgspec.structs.replace(
        by_secret(entra), credential="workload_identity", token_file=str(file)
    )
    assert TokenSource(options, None)().value in entra.tokens


def test_a_certificate_of_another_ca_is_not_trusted(entra: EntraServer) -> None:
    options = msgspec.structs.replace(by_secret(entra), authority_ca_file=None)
    with pytest.raises(ProviderUnavailable, match="gives no token"):
        TokenSource(options, CLIENT_SECRET)()


class AppService(WireServer):
    """The managed identity endpoint of App Service, api-version 2019-08-01."""

    def answer(self, request: Request) -> Reply:
        asked = {name: values[0] for name, values in request.query.items()}
        if request.headers.get("x-identity-header") != "the-header":
            return as_json(401, {"message": "no header"})
        expected = {"api-version": "2019-08-01", "resource": "https://cognitiveservices.azure.com"}
        assert {name: asked[name] for name in expected} == expected
        assert asked.get("client_id") == CLIENT
        return as_json(
            200, {"access_token": "managed", "expires_on": "4102444800", "token_type": "Bearer"}
        )


@pytest.mark.parametrize("credential", ["managed_identity", "default"])
def test_a_managed_identity(monkeypatch: pytest.MonkeyPatch, credential: str) -> None:
    for name in ("AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    with AppService() as service:
        monkeypatch.setenv("IDENTITY_ENDPOINT", service.url)
        monkeypatch.setenv("IDENTITY_HEADER", "the-header")
        options = msgspec.convert(
            {"credential": credential, "client_id": CLIENT, "tenant_id": TENANT}, AzureSettings
        )
        lease = TokenSource(options, None)()
    assert lease.value == "managed"
    assert lease.end_s == 4102444800 - 30


def test_without_any_credential_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("IDENTITY_HEADER", "the-header")
    options = AzureSettings(credential="managed_identity")
    with pytest.raises(ProviderUnavailable, match="Entra gives no token"):
        TokenSource(options, None)()
