"""Who is told."""

import pytest

from legato.core.config_notifications import NotificationRoute
from legato.core.notification import Notification, Severity
from legato.notify.routing import channels_for, known


def said(kind: str = "budget.warn", **terms: object) -> Notification:
    given = {"severity": Severity.WARNING, "org": "acme", "team": "search"} | terms
    return Notification(id="1", kind=kind, title="", text="", at_ns=0, once="1", **given)  # type: ignore[arg-type]


def test_every_route_that_fits_is_taken_and_each_channel_once() -> None:
    routes = [
        NotificationRoute(channels=["a", "b"]),
        NotificationRoute(channels=["b", "c"], events=["budget.*"]),
        NotificationRoute(channels=["d"], events=["budget.blocked"]),
    ]
    assert channels_for(routes, said()) == ("a", "b", "c")


@pytest.mark.parametrize(
    ("route", "fits"),
    [
        ({"severity": Severity.INFO}, True),
        ({"severity": Severity.WARNING}, True),
        ({"severity": Severity.CRITICAL}, False),
        ({"org": "acme"}, True),
        ({"org": "other"}, False),
        ({"org": "acme", "team": "search"}, True),
        ({"org": "acme", "team": "sales"}, False),
        ({"org": "acme", "team": "search", "feature": "x"}, False),
        ({"events": ["audit.*", "budget.warn"]}, True),
        ({"events": ["budget"]}, False),
    ],
)
def test_all_that_a_route_says_must_hold(route: dict[str, object], *, fits: bool) -> None:
    routes = [NotificationRoute(channels=["a"], **route)]  # type: ignore[arg-type]
    assert channels_for(routes, said()) == (("a",) if fits else ())


def test_a_test_goes_by_its_channel_alone() -> None:
    routes = [NotificationRoute(channels=["a"])]
    assert channels_for(routes, said("test", channels=("b",))) == ("b",)


def test_events_that_there_are_none_of_are_known_for_it() -> None:
    assert known("budget.*")
    assert known("key.expiring")
    assert not known("budgets.*")
    assert not known("*")
