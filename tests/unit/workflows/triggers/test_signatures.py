"""Signatures, over what the senders' own documents and libraries give."""

import hashlib
import hmac
import time

import pytest

from legato.workflows.triggers.signatures import Refused, Style, key_of, verify

NOW = 1_614_265_330
BODY = b'{"test": 2432232314}'
# the example of the Standard Webhooks specification's reference libraries
STANDARD = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
# GitHub's own test values ("Validating webhook deliveries")
GITHUB_BODY = b"Hello, World!"
GITHUB_SECRET = "It's a Secret to Everybody"
GITHUB = {
    "x-hub-signature-256":
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
    "x-github-event": "push",
}  # fmt: skip
# the example of Slack's "Verifying requests from Slack"
SLACK_SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
SLACK_AT = 1_531_420_618
SLACK_BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow"
    b"&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner"
    b"&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands"
    b"%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
SLACK = {
    "x-slack-request-timestamp": str(SLACK_AT),
    "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
}


def stripe(secret: str, body: bytes, at: int) -> dict[str, str]:
    signed = hmac.new(secret.encode(), b"%d.%s" % (at, body), hashlib.sha256).hexdigest()
    return {"stripe-signature": f"t={at},v0=old,v1={'0' * 64},v1={signed}"}


def keys(style: Style, *secrets: str) -> list[bytes]:
    return [key_of(style, one) for one in secrets]


def test_the_senders_own_examples_are_good() -> None:
    good = verify("standard_webhooks", keys("standard_webhooks", SECRET), STANDARD, BODY, now_s=NOW)
    assert good.id == "msg_p5jXN8AQM9LWM0D4loKWxJek"
    pushed = verify("github", keys("github", GITHUB_SECRET), GITHUB, GITHUB_BODY, now_s=NOW)
    assert pushed.type == "push"
    assert verify("slack", keys("slack", SLACK_SECRET), SLACK, SLACK_BODY, now_s=SLACK_AT).id
    event = b'{"id": "evt_1", "type": "charge.failed"}'
    charged = verify(
        "stripe", keys("stripe", "whsec_x"), stripe("whsec_x", event, NOW), event, now_s=NOW
    )
    assert (charged.id, charged.type) == ("evt_1", "charge.failed")


def test_either_of_two_secrets_fits_while_one_is_changed() -> None:
    both = keys("github", "new", GITHUB_SECRET)
    assert verify("github", both, GITHUB, GITHUB_BODY, now_s=NOW).id
    with pytest.raises(Refused, match="fits none"):
        verify("github", keys("github", "new"), GITHUB, GITHUB_BODY, now_s=NOW)


@pytest.mark.parametrize("seconds", [-301, 301])
def test_what_is_too_old_or_not_yet_is_refused(seconds: int) -> None:
    with pytest.raises(Refused, match="300 s"):
        verify(
            "standard_webhooks", keys("standard_webhooks", SECRET), STANDARD, BODY,
            now_s=NOW + seconds,
        )  # fmt: skip
    with pytest.raises(Refused, match="300 s"):
        verify("slack", keys("slack", SLACK_SECRET), SLACK, SLACK_BODY, now_s=SLACK_AT + seconds)


@pytest.mark.parametrize(
    ("style", "headers"),
    [
        ("standard_webhooks", STANDARD | {"webhook-id": "msg_other"}),
        ("standard_webhooks", STANDARD | {"webhook-signature": "v1,"}),
        ("standard_webhooks", STANDARD | {"webhook-signature": "v1,ü"}),
        ("standard_webhooks", STANDARD | {"webhook-timestamp": "1614265331"}),
        ("standard_webhooks", STANDARD | {"webhook-timestamp": "1e9"}),
        ("standard_webhooks", {}), ("github", {}), ("stripe", {}), ("slack", {}),
        ("stripe", {"stripe-signature": "v1=00"}),
    ],
)  # fmt: skip
def test_whatever_is_changed_is_refused(style: Style, headers: dict[str, str]) -> None:
    with pytest.raises(Refused):
        verify(style, keys(style, SECRET), headers, BODY, now_s=NOW)


def test_a_recorded_delivery_of_github_is_the_same_under_another_id() -> None:
    secrets = keys("github", GITHUB_SECRET)
    first = verify("github", secrets, GITHUB | {"x-github-delivery": "1"}, GITHUB_BODY, now_s=NOW)
    again = verify("github", secrets, GITHUB | {"x-github-delivery": "2"}, GITHUB_BODY, now_s=NOW)
    assert first.id == again.id


def test_a_secret_of_standard_webhooks_must_be_base64() -> None:
    with pytest.raises(ValueError, match="base64"):
        key_of("standard_webhooks", "whsec_***")


def test_many_signatures_cost_little() -> None:
    headers = STANDARD | {"webhook-signature": "v1,AAAA " * 100_000}
    begun = time.perf_counter()
    with pytest.raises(Refused):
        verify("standard_webhooks", keys("standard_webhooks", SECRET), headers, BODY, now_s=NOW)
    assert time.perf_counter() - begun < 1
