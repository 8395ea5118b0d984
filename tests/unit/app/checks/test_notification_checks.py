"""What can be wrong with notifications is told at its place."""

import msgspec
import pytest

from legato.app.checks.notification_checks import problems_of_notifications
from legato.core.config import Config

HOOK = {"name": "hook", "webhook": {"url": "https://hooks.test/x", "secret": {"env": "S"}}}
MAIL = {
    "name": "mail",
    "email": {"host": "mail.test", "sender": "a@example.org", "to": ["b@example.org"]},
}


def problems(notifications: dict[str, object], **more: object) -> list[tuple[str, str]]:
    config = msgspec.convert({"notifications": notifications, **more}, Config)
    return [
        (".".join(map(str, place)), told) for place, told, _ in problems_of_notifications(config)
    ]


def test_what_is_well_said_has_none() -> None:
    route = {"channels": ["hook", "mail"], "events": ["budget.*"], "org": "a", "team": "t"}
    assert problems({"channels": [HOOK, MAIL], "routes": [route]}) == []


@pytest.mark.parametrize(
    ("channel", "place", "told"),
    [
        ({"name": "x"}, "channels.0.name", "exactly one"),
        ({**HOOK, **MAIL}, "channels.0.name", "exactly one"),
        (
            {"name": "x", "webhook": {"url": "ftp://h/x", "secret": {"env": "S"}}},
            "channels.0.webhook.url",
            "not an address",
        ),
        (
            {"name": "x", "webhook": {"url": "https://u:p@h/x", "secret": {"env": "S"}}},
            "channels.0.webhook.url",
            "not an address",
        ),
        (
            {"name": "x", "webhook": {"url": "http://169.254.169.254/", "secret": {"env": "S"}}},
            "channels.0.webhook.url",
            "link-local",
        ),
        (
            {"name": "x", "email": {**MAIL["email"], "user": "u"}},  # type: ignore[dict-item]
            "channels.0.email.user",
            "go together",
        ),
        (
            {
                "name": "x",
                "email": {**MAIL["email"], "user": "u", "password": {"env": "P"}, "tls": "none"},  # type: ignore[dict-item]
            },
            "channels.0.email.tls",
            "in the clear",
        ),
    ],
)
def test_a_channel_that_cant_be(channel: dict[str, object], place: str, told: str) -> None:
    ((at, why),) = problems({"channels": [channel]})
    assert at == place
    assert told in why


@pytest.mark.parametrize(
    ("route", "place"),
    [
        ({"channels": ["hok"]}, "routes.0.channels.0"),
        ({"channels": ["hook"], "events": ["budgets.*"]}, "routes.0.events.0"),
        ({"channels": ["hook"], "team": "t"}, "routes.0.team"),
        ({"channels": ["hook"], "org": "a", "feature": "f"}, "routes.0.feature"),
    ],
)
def test_a_route_that_leads_nowhere(route: dict[str, object], place: str) -> None:
    ((at, _),) = problems({"channels": [HOOK], "routes": [route]})
    assert at == place


def test_names_are_told_apart() -> None:
    ((at, _),) = problems({"channels": [HOOK, HOOK]})
    assert at == "channels.1.name"
