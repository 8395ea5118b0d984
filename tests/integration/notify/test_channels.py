"""Channels to real receivers, each held to the rules on egress."""

import hmac
import json
import socket
import ssl
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
import trustme
from tests.receivers import BucketServer, MailServer, WebServer

from legato.app.config.loaded import LoadedConfig, Secret
from legato.app.desks.notifying import channel_of
from legato.core.config import Config, EgressRules
from legato.core.config_audit import ObjectStoreCopy
from legato.core.config_notifications import (
    AppriseChannel,
    Channel,
    EmailChannel,
    WebhookChannel,
)
from legato.core.config_parts import SecretRef
from legato.core.notification import Attachment, Notification, Severity
from legato.notify.channel import SendFailed

REF = SecretRef(env="THE_SECRET")
OPEN = EgressRules()
SHUT = EgressRules(private="refuse")
SAID = Notification(
    id="0123456789abcdef0123456789abcdef",
    kind="budget.blocked",
    severity=Severity.CRITICAL,
    title="The budget x is used up",
    text="Used: $5.00 of $5.00.",
    html="<p>Used: <b>$5.00</b></p>",
    at_ns=1_700_000_000_000_000_000,
    once="x",
    org="acme",
)


def send(said: Channel, secret: str = "s", egress: EgressRules = OPEN) -> None:
    loaded = LoadedConfig(Config(egress=egress), {REF: Secret(secret)}, {}, "")
    channel_of(said, loaded).send(SAID)


@pytest.fixture
def web() -> Iterator[WebServer]:
    server = WebServer()
    yield server
    server.close()


@pytest.fixture
def mail() -> Iterator[MailServer]:
    server = MailServer()
    yield server
    server.close()


def hook(web: WebServer) -> Channel:
    url = f"http://127.0.0.1:{web.port}/hooks?team=a"
    return Channel(name="hook", webhook=WebhookChannel(url=url, secret=REF))


def email(mail: MailServer, **terms: object) -> Channel:
    given = {
        "host": "127.0.0.1", "port": mail.port, "tls": "none",
        "sender": "legato@example.org", "to": ["a@example.org", "b@example.org"],
    } | terms  # fmt: skip
    return Channel(name="mail", email=msgspec.convert(given, EmailChannel))


def apprise() -> Channel:
    return Channel(name="app", apprise=AppriseChannel(url=REF))


def test_a_webhook_is_signed_over_what_it_says(web: WebServer) -> None:
    send(hook(web), "the-secret")
    ((path, headers, body),) = web.posts
    assert path == "/hooks?team=a"
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    mac = b64encode(hmac.new(b"the-secret", signed, sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{mac}"
    assert headers["webhook-id"] == SAID.id
    assert json.loads(body)["data"]["title"] == SAID.title


def test_a_webhook_follows_no_redirect(web: WebServer) -> None:
    web.status, web.location = 307, f"http://127.0.0.1:{web.port}/elsewhere"
    with pytest.raises(SendFailed, match="answered 307"):
        send(hook(web))
    assert len(web.posts) == 1


def test_what_egress_forbids_isnt_called(web: WebServer, mail: MailServer) -> None:
    for said in (hook(web), email(mail)):
        with pytest.raises(SendFailed, match="private address"):
            send(said, egress=SHUT)
    assert web.posts == []
    assert mail.messages == []


def test_mail_has_text_and_html_and_an_id(mail: MailServer) -> None:
    send(email(mail))
    (message,) = mail.messages
    assert mail.recipients == [["a@example.org", "b@example.org"]]
    assert message["subject"] == SAID.title
    assert message["message-id"] == f"<{SAID.id}@example.org>"
    kinds = [part.get_content_type() for part in message.walk()]
    assert kinds == ["multipart/alternative", "text/plain", "text/html"]
    assert "$5.00 of $5.00" in str(message.get_body(("plain",)))


def test_a_mail_server_that_refuses_says_so_by_its_number(mail: MailServer) -> None:
    mail.answer = "554 no, and a secret"
    with pytest.raises(SendFailed, match=r"^the mail server answered 554$"):
        send(email(mail))


def test_a_bucket_takes_what_is_signed_by_its_key() -> None:
    store = BucketServer()
    said = ObjectStoreCopy(
        endpoint=store.url,
        bucket=store.bucket,
        access_key_id=SecretRef(env="THE_KEY"),
        secret_access_key=REF,
        prefix="legato/prod",
        region=store.region,
    )
    told = msgspec.structs.replace(SAID, attachment=Attachment("a report/2026.pdf", "", b"%PDF"))

    def sent(secret: str) -> None:
        secrets = {REF: Secret(secret), SecretRef(env="THE_KEY"): Secret(store.key_id)}
        channel_of(Channel(name="store", s3=said), LoadedConfig(Config(), secrets, {}, "")).send(
            told
        )

    try:
        refused = r"the bucket answered 403: (?s:.)*SignatureDoesNotMatch"
        with pytest.raises(SendFailed, match=refused):
            sent("another-secret")
        assert store.objects() == {}
        for _ in range(2):  # again under the same names
            sent(store.secret)
        kept = store.objects()
    finally:
        store.close()
    place = f"legato/prod/acme/{SAID.id}"
    assert kept.keys() == {f"{place}.json", f"{place}-a_report_2026.pdf"}
    assert kept[f"{place}-a_report_2026.pdf"] == b"%PDF"
    assert json.loads(kept[f"{place}.json"])["data"]["title"] == SAID.title


def test_starttls_and_a_password(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    seen: list[tuple[bytes, bytes]] = []

    def authenticator(_s: object, _session: object, _envelope: object, _how: str, data: object):  # type: ignore[no-untyped-def] # noqa: ANN202
        from aiosmtpd.smtp import AuthResult

        seen.append((data.login, data.password))  # type: ignore[attr-defined]
        return AuthResult(success=data.password == b"hunter22", handled=False)  # type: ignore[attr-defined]

    server = MailServer(tls_context=context, require_starttls=True, authenticator=authenticator)
    terms = {"tls": "starttls", "user": "legato", "password": {"env": "THE_SECRET"}}
    try:
        said = email(server, **terms, ca_file=str(tmp_path / "ca.pem"))
        send(said, "hunter22")
        with pytest.raises(SendFailed, match="answered 535"):
            send(said, "another")
        with pytest.raises(SendFailed, match=r"the mail server 127\.0\.0\.1: "):
            send(email(server, **terms))  # its authority isn't known
    finally:
        server.close()
    assert set(seen) == {(b"legato", b"hunter22"), (b"legato", b"another")}
    assert len(server.messages) == 1


def test_apprise_sends_and_says_nothing_of_its_url(web: WebServer) -> None:
    send(apprise(), f"json://user:hunter22@127.0.0.1:{web.port}/some-token")
    ((path, _, body),) = web.posts
    assert path == "/some-token"
    told = json.loads(body)
    assert told["title"] == SAID.title
    assert SAID.id in told["message"]
    web.status = 500
    with pytest.raises(SendFailed) as failed:
        send(apprise(), f"json://user:hunter22@127.0.0.1:{web.port}/some-token")
    assert "hunter22" not in str(failed.value)
    assert "some-token" not in str(failed.value)


def test_apprise_calls_no_address_that_egress_forbids(web: WebServer) -> None:
    url = f"json://localhost:{web.port}/x"
    with pytest.raises(SendFailed, match="private address"):
        send(apprise(), url, SHUT)
    assert web.posts == []
    send(apprise(), url, EgressRules(private="refuse", allow=["localhost"]))
    assert len(web.posts) == 1


def test_apprise_follows_no_redirect(web: WebServer) -> None:
    web.status, web.location = 307, f"http://127.0.0.1:{web.port}/elsewhere"
    with pytest.raises(SendFailed):
        send(apprise(), f"json://127.0.0.1:{web.port}/x")
    assert [path for path, _, _ in web.posts] == ["/x"]


def test_apprise_reaches_for_nothing_of_this_machine() -> None:
    with pytest.raises(SendFailed, match=r"syslog\..*, which no channel may"):
        send(apprise(), "syslog://")
    with pytest.raises(SendFailed, match="none that apprise knows"):
        send(apprise(), "no-such-service://x")


def test_nobody_there_is_told_without_secrets() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/token-in-path"
    said = Channel(name="h", webhook=WebhookChannel(url=url, secret=REF))
    with pytest.raises(SendFailed, match="can't be reached"):
        send(said)
