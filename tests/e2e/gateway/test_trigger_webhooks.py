"""Webhooks of all four styles begin runs of a running Legato; what isn't signed well doesn't."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from firing import ADMIN, Firing, within

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running import Answer

OLD = "whsec_" + base64.b64encode(b"o" * 24).decode()
NEW = "whsec_" + base64.b64encode(b"n" * 24).decode()
PLAIN = "a-secret-of-a-sender"
TRIGGERS: dict[str, Any] = {
    "webhook_secrets": [
        {"name": "standard", "secrets": [{"env": "OLD_SECRET"}, {"env": "NEW_SECRET"}]},
        {"name": "plain", "secrets": [{"env": "PLAIN_SECRET"}]},
        {"name": "others", "secrets": [{"env": "PLAIN_SECRET"}], "orgs": ["other"]},
    ]
}
Signed = Callable[[bytes, str, int], dict[str, str]]


def mac(secret: bytes, signed: bytes) -> bytes:
    return hmac.new(secret, signed, hashlib.sha256).digest()


def standard(body: bytes, sent_id: str, at: int, secret: str = OLD) -> dict[str, str]:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = base64.b64encode(mac(key, f"{sent_id}.{at}.".encode() + body)).decode()
    return {
        "webhook-id": sent_id,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{signature}",
    }


def github(body: bytes, sent_id: str, _at: int) -> dict[str, str]:
    return {
        "x-hub-signature-256": "sha256=" + mac(PLAIN.encode(), body).hex(),
        "x-github-event": "push",
        "x-github-delivery": sent_id,
    }


def stripe(body: bytes, _sent_id: str, at: int) -> dict[str, str]:
    signature = mac(PLAIN.encode(), f"{at}.".encode() + body).hex()
    return {"stripe-signature": f"t={at},v1={signature}"}


def slack(body: bytes, _sent_id: str, at: int) -> dict[str, str]:
    signature = mac(PLAIN.encode(), f"v0:{at}:".encode() + body).hex()
    return {"x-slack-request-timestamp": str(at), "x-slack-signature": f"v0={signature}"}


STYLES: dict[str, tuple[Signed, str]] = {
    "standard_webhooks": (standard, "standard"),
    "github": (github, "plain"),
    "stripe": (stripe, "plain"),
    "slack": (slack, "plain"),
}


@pytest.fixture(scope="module")
def firing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firing]:
    secrets = {"OLD_SECRET": OLD, "NEW_SECRET": NEW, "PLAIN_SECRET": PLAIN}
    found = Firing(tmp_path_factory.mktemp("webhooks"), TRIGGERS, secrets, workers=2)
    for style, (_, secret) in STYLES.items():
        settings = {"style": style, "secret": secret, "body_bytes_max": 4096}
        found.save(style, {"name": "t", "kind": "webhook", "settings": settings})
    yield found
    assert found.legato.stop() == 0


def body_of(n: int) -> bytes:
    return json.dumps({"n": n, "id": f"evt_{n}", "event_id": f"Ev{n}", "type": "thing"}).encode()


def send(firing: Firing, style: str, body: bytes, headers: dict[str, str]) -> Answer:
    path = firing.trigger(style)["path"]
    content = {"content-type": "application/json"}
    return firing.legato.send("POST", path, body, content | headers)


@pytest.mark.parametrize("style", STYLES)
def test_a_signed_delivery_begins_one_run(firing: Firing, style: str) -> None:
    signed, _ = STYLES[style]
    body, now = body_of(1), int(time.time())
    headers = signed(body, "msg_1", now)
    with ThreadPoolExecutor(4) as pool:  # as its sender, or somebody who recorded it, repeats it
        answers = list(pool.map(lambda _: send(firing, style, body, headers), range(8)))
    assert {one.status for one in answers} <= {200, 202}, [one.body for one in answers]
    assert len({one.json["run_id"] for one in answers}) == 1
    firing.comes_to(style, [1])
    run = firing.runs(style)[0]
    assert (run["origin"], run["author"]) == ("trigger:t", "trigger:t")


@pytest.mark.parametrize("style", STYLES)
def test_what_is_altered_old_or_unsigned_begins_none(firing: Firing, style: str) -> None:
    signed, _ = STYLES[style]
    now, before = int(time.time()), firing.inputs(style)
    good = signed(body_of(2), "msg_2", now)
    wrong = [(body_of(3), good), (body_of(2), {})]
    wrong += [(body_of(2), {name: "0" + value[1:] for name, value in good.items()})]
    if style != "github":  # which signs no time
        wrong += [(body_of(2), signed(body_of(2), "msg_2", now + late)) for late in (-400, 400)]
    for body, headers in wrong:
        answer = send(firing, style, body, headers)
        assert answer.status == 401, (headers, answer.body)
        assert answer.error["code"] == "webhook_refused"
    assert firing.inputs(style) == before


def test_what_was_refused_is_in_the_audit_log(firing: Firing) -> None:
    send(firing, "github", b"{}", {"x-hub-signature-256": "sha256=00"})

    def told() -> list[dict[str, Any]]:
        path = "/api/v1/audit/events?action=access.refuse"
        found = firing.legato.get(path, ADMIN).json["data"]
        return [one for one in found if one["details"]["reason"] == "webhook_signature"]

    assert within(30, told)
    assert {one["subject"]["kind"] for one in told()} == {"trigger"}


def test_either_of_two_secrets_fits(firing: Firing) -> None:
    body = body_of(7)
    answer = send(firing, "standard_webhooks", body, standard(body, "m7", int(time.time()), NEW))
    assert answer.status == 202


def test_slack_gets_its_challenge_back_where_it_is_signed(firing: Firing) -> None:
    hello = json.dumps({"type": "url_verification", "challenge": "abc"}).encode()
    answer = send(firing, "slack", hello, slack(hello, "", int(time.time())))
    assert (answer.status, answer.body) == (200, b"abc")
    assert send(firing, "slack", hello, {}).status == 401
    assert all("challenge" not in one["input"] for one in firing.runs("slack"))


def test_a_long_body_is_refused_unread(firing: Firing) -> None:
    body = json.dumps({"n": 1, "x": "y" * 5_000}).encode()
    answer = send(firing, "github", body, github(body, "", 0))
    assert answer.status == 413


def test_an_address_that_is_none_is_told_as_a_bad_signature(firing: Firing) -> None:
    answer = firing.legato.send("POST", "/v1/hooks/nothing", b"{}", {})
    assert answer.status == 401


def test_what_fits_no_schema_is_kept_and_begun_again(firing: Firing) -> None:
    body = json.dumps({"id": "evt_bad", "n": "no number"}).encode()
    answer = send(firing, "stripe", body, stripe(body, "", int(time.time())))
    assert (answer.status, answer.json["result"]) == (202, "dead")
    legato = firing.legato
    letters = legato.get("/api/v1/trigger-letters?workflow=stripe", ADMIN).json["data"]
    assert [one["reason"] for one in letters] == ["invalid_request"]
    letter = legato.get(f"/api/v1/trigger-letters/{letters[0]['id']}", ADMIN).json
    assert letter["event"]["data"]["n"] == "no number"
    assert "n" in letter["message"]
    path = f"/api/v1/trigger-letters/{letter['id']}/redrive"
    assert legato.post(path, {}, ADMIN).status == 400
    begun = legato.post(path, {"event": letter["event"] | {"data": {"n": 77}}}, ADMIN)
    assert begun.status == 200, begun.body
    assert within(60, lambda: 77 in firing.inputs("stripe"))
    assert legato.post(path, {}, ADMIN).status == 409
    again = send(firing, "stripe", body, stripe(body, "", int(time.time())))
    assert again.json["result"] == "duplicate"


def test_what_a_trigger_names_must_be_there(firing: Firing) -> None:
    settings = {"style": "github", "secret": "plian"}
    trigger = {"name": "t", "kind": "webhook", "settings": settings}
    told = firing.save("wrong", trigger, status=400).error["message"]
    assert "triggers[0].settings.secret" in told
    assert "Did you mean `plain`?" in told
    foreign = {**trigger, "settings": {"style": "github", "secret": "others"}}
    assert firing.save("wrong", foreign, status=400)
    unknown = {**trigger, "settings": {"style": "gitlab", "secret": "plain"}}
    assert "style" in firing.save("wrong", unknown, status=400).error["message"]
