"""The signature of Standard Webhooks."""

import base64

import msgspec
import pytest

from legato.core.notification import Notification, Severity
from legato.notify.channel import SendFailed
from legato.notify.webhook import Webhook, signed, signing_key

SAID = Notification(
    id="abc",
    kind="budget.warn",
    severity=Severity.WARNING,
    title="T",
    text="X",
    at_ns=1_700_000_000_000_000_000,
    once="o",
    org="acme",
    facts={"used": 5},
)


def test_the_example_of_the_specification() -> None:
    """https://github.com/standard-webhooks/standard-webhooks, the vector of its libraries."""
    key = signing_key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = signed("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}', key)
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_secret_may_be_any_text_but_no_broken_base64() -> None:
    assert signing_key("plain") == b"plain"
    assert signing_key("whsec_" + base64.b64encode(b"key").decode()) == b"key"
    with pytest.raises(ValueError, match="no base64"):
        signing_key("whsec_!")


def test_the_body_tells_what_happened() -> None:
    got: list[tuple[dict[str, str], bytes]] = []

    def post(headers: dict[str, str], body: bytes) -> int:
        got.append((headers, body))
        return 204

    Webhook(post, "plain", lambda: 1_700_000_005_000_000_000).send(SAID)
    headers, body = got[0]
    assert headers["webhook-id"] == "abc"
    assert headers["webhook-timestamp"] == "1700000005"
    told = msgspec.json.decode(body)
    assert told["type"] == "budget.warn"
    assert told["timestamp"] == "2023-11-14T22:13:20Z"
    assert told["data"]["facts"] == {"used": 5}


@pytest.mark.parametrize(
    ("status", "hopeless"), [(301, False), (400, False), (500, False), (410, True)]
)
def test_what_is_no_success_failed(status: int, *, hopeless: bool) -> None:
    with pytest.raises(SendFailed) as failed:
        Webhook(lambda _headers, _body: status, "plain", lambda: 0).send(SAID)
    assert failed.value.hopeless is hopeless
