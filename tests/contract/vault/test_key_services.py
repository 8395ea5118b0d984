"""Every key service keeps the same promises: Vault's transit engine, AWS KMS, a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.session import Session
from moto.server import ThreadedMotoServer

from legato.core.errors import ConfigInvalid
from legato.vault.key_service import KEY_BYTES, KeyService, VaultUnusable
from legato.vault.services import aws, directory, hashicorp
from legato.vault.services.settings import KeyServiceSettings
from openbao_server import MISSING, PROGRAM, ROOT, OpenBaoServer
from wire_servers.hashicorp_vault import JWT, ROLE_ID, SECRET_ID, TOKEN, VaultServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

KEY, CONTEXT = b"k" * KEY_BYTES, b"legato data key\x00id\x00org\x001"
AWS_KEYS = {"access_key_id": "AKIATESTS", "secret_access_key": "secret-of-these-tests"}
ALIAS = "alias/legato"


@pytest.fixture(scope="module")
def kms_url() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def vault() -> Iterator[VaultServer]:
    with VaultServer() as server:
        yield server


def of_vault(server: VaultServer | OpenBaoServer, **changes: Any) -> KeyService:
    secrets = changes.pop("secrets", {"token": TOKEN})
    settings = {"url": server.url, "key": "legato", **changes}
    return hashicorp.factory(KeyServiceSettings(settings, secrets))


def of_aws(url: str, **changes: Any) -> KeyService:
    settings = {"key_id": ALIAS, "region": "eu-central-1", "endpoint_url": url, **changes}
    return aws.factory(KeyServiceSettings(settings, AWS_KEYS))


def kms_client(url: str) -> Any:
    return Session().create_client(
        "kms",
        region_name="eu-central-1",
        endpoint_url=url,
        aws_access_key_id="AKIATESTS",
        aws_secret_access_key="secret-of-these-tests",
    )


@pytest.fixture(scope="module")
def openbao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenBaoServer]:
    if PROGRAM is None:
        pytest.skip(MISSING)
    with OpenBaoServer(tmp_path_factory.mktemp("openbao")) as server:
        server.client.sys.enable_secrets_engine("transit")
        server.client.secrets.transit.create_key("legato")
        yield server


@pytest.fixture(params=["directory", "hashicorp", "openbao", "aws"])
def subject(
    request: pytest.FixtureRequest, tmp_path: Path, vault: VaultServer
) -> tuple[KeyService, Callable[[], None]]:
    """A key service, and how its master key is rotated."""
    if request.param == "hashicorp":
        return of_vault(vault), lambda: vault.rotate("legato")
    if request.param == "openbao":
        server = request.getfixturevalue("openbao")
        service = of_vault(server, secrets={"token": ROOT})
        return service, lambda: void(server.client.secrets.transit.rotate_key("legato"))
    if request.param == "aws":
        url = request.getfixturevalue("kms_url")
        client = kms_client(url)

        def renewed() -> str:
            return str(client.create_key()["KeyMetadata"]["KeyId"])

        named = [one["AliasName"] for one in client.list_aliases()["Aliases"]]
        point = client.update_alias if ALIAS in named else client.create_alias
        point(AliasName=ALIAS, TargetKeyId=renewed())
        return of_aws(url), lambda: client.update_alias(AliasName=ALIAS, TargetKeyId=renewed())
    (tmp_path / "2026-08.key").write_text("aa" * KEY_BYTES)
    service = directory.factory(KeyServiceSettings({"path": str(tmp_path)}))
    return service, lambda: void((tmp_path / "2026-11.key").write_text("bb" * KEY_BYTES))


def void(_: object) -> None:
    """Drop a result."""


def test_a_key_is_unwrapped_as_it_was(subject: tuple[KeyService, Any]) -> None:
    service, _ = subject
    wrapped = service.wrap(KEY, CONTEXT)
    assert KEY not in wrapped
    assert service.wrap(KEY, CONTEXT) != wrapped
    assert service.unwrap(service.current_id, wrapped, CONTEXT) == KEY


def test_a_wrapped_key_opens_nowhere_else(subject: tuple[KeyService, Any]) -> None:
    service, _ = subject
    wrapped = service.wrap(KEY, CONTEXT)
    altered = wrapped[:-1] + bytes([wrapped[-1] ^ 1])
    for data, context in ((wrapped, b"another"), (altered, CONTEXT)):
        with pytest.raises(VaultUnusable) as caught:
            service.unwrap(service.current_id, data, context)
        assert KEY.decode() not in caught.value.message


def test_what_was_wrapped_before_a_rotation_opens_after_it(
    subject: tuple[KeyService, Callable[[], None]],
) -> None:
    service, rotate = subject
    before, wrapped = service.current_id, service.wrap(KEY, CONTEXT)
    rotate()
    assert service.current_id != before
    assert service.unwrap(before, wrapped, CONTEXT) == KEY
    after = service.wrap(KEY, CONTEXT)
    assert service.unwrap(service.current_id, after, CONTEXT) == KEY


def test_a_token_that_has_ended_is_renewed_by_signing_in_again(vault: VaultServer) -> None:
    service = of_vault(
        vault,
        auth="approle",
        namespace="platform",
        secrets={"role_id": ROLE_ID, "secret_id": SECRET_ID},
    )
    wrapped = service.wrap(KEY, CONTEXT)
    vault.tokens.clear()
    assert service.unwrap("", wrapped, CONTEXT) == KEY
    assert vault.logins == 2
    assert vault.namespaces == {"platform"}


def test_a_pod_signs_in_with_its_service_account(vault: VaultServer, tmp_path: Path) -> None:
    (tmp_path / "jwt").write_text(f"{JWT}\n")
    service = of_vault(
        vault, auth="kubernetes", role="legato", jwt_file=str(tmp_path / "jwt"), secrets={}
    )
    assert service.current_id == "transit/legato/v1"


def test_what_vault_refuses_is_told_with_a_remedy_and_no_secret(vault: VaultServer) -> None:
    with pytest.raises(VaultUnusable, match="policy must allow") as caught:
        of_vault(vault, secrets={"token": "hvs.wrong"}).wrap(KEY, CONTEXT)
    assert "hvs.wrong" not in str(caught.value)
    with pytest.raises(VaultUnusable, match=r"sign in by approle.*secrets"):
        of_vault(vault, auth="approle", secrets={"role_id": ROLE_ID, "secret_id": "x"}).wrap(
            KEY, b""
        )
    with pytest.raises(VaultUnusable, match="no key transit/other"):
        assert of_vault(vault, key="other").current_id
    vault.sealed = True
    with pytest.raises(VaultUnusable, match="unseal"):
        of_vault(vault).wrap(KEY, CONTEXT)


def test_a_vault_that_is_away_is_told(vault: VaultServer) -> None:
    service = of_vault(vault, url="http://127.0.0.1:9")
    with pytest.raises(VaultUnusable, match="can't be reached"):
        service.wrap(KEY, CONTEXT)


def test_what_kms_refuses_is_told_by_its_code(kms_url: str) -> None:
    with pytest.raises(VaultUnusable, match=r"NotFoundException.*no such key"):
        of_aws(kms_url, key_id="alias/none").wrap(KEY, CONTEXT)
    with pytest.raises(VaultUnusable, match="can't be asked"):
        of_aws("http://127.0.0.1:9").wrap(KEY, CONTEXT)


@pytest.mark.parametrize(
    ("build", "settings", "secrets", "named"),
    [
        (hashicorp, {"url": "ftp://x", "key": "k"}, {"token": "t"}, r"settings: .*\$\.url"),
        (hashicorp, {"url": "https://x", "key": "a/b"}, {"token": "t"}, r"\$\.key"),
        (hashicorp, {"url": "https://x", "key": "k"}, {}, "secrets: auth token takes token"),
        (hashicorp, {"url": "https://x", "key": "k"}, {"tok": "t"}, "'tok' is not known"),
        (
            hashicorp,
            {"url": "https://x", "key": "k", "auth": "kubernetes"},
            {},
            "settings.role: auth kubernetes needs one",
        ),
        (aws, {"key_id": "k"}, {}, "missing required field `region`"),
        (aws, {"key_id": "k", "region": "r"}, {"access_key_id": "a"}, "go together"),
        (aws, {"key_id": "k", "region": "r", "profile": "p"}, AWS_KEYS, "exclude"),
        (directory, {"path": "p", "more": 1}, {}, "more"),
        (directory, {"path": "p"}, {"token": "t"}, "known: none"),
    ],
)
def test_wrong_settings_are_refused_by_name(
    build: Any, settings: dict[str, Any], secrets: dict[str, str], named: str
) -> None:
    with pytest.raises(ConfigInvalid, match=named):
        build.factory(KeyServiceSettings(settings, secrets))


def test_settings_never_show_their_secrets() -> None:
    shown = repr(KeyServiceSettings({"url": "u"}, {"token": "hvs.secret"}))
    assert "hvs.secret" not in shown
