"""What can be wrong with the channels, routes and digests of notifications."""

from collections.abc import Iterator
from importlib.util import find_spec
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from legato.app.checks.egress import egress_of
from legato.core.config import Config
from legato.core.config_notifications import Channel, Notifications
from legato.notify.routing import known

Problem = tuple[tuple[str | int, ...], str, str]
"""Where, what, and the remedy."""
_KINDS = ("webhook", "email", "apprise", "folder", "s3")


def problems_of_notifications(config: Config) -> Iterator[Problem]:
    """Yield what is wrong with `notifications`."""
    said = config.notifications
    names: set[str] = set()
    for index, one in enumerate(said.channels):
        place = ("channels", index)
        if one.name in names:
            yield (*place, "name"), f"`{one.name}` is taken", "Give each its own name."
        names.add(one.name)
        if one.person is not None and config.accounts.external_url is None:
            remedy = "Set accounts.external_url: links in messages lead there."
            yield (*place, "person"), "a link would lead nowhere", remedy
        for where, told, remedy in _channel(one, config):
            yield (*place, *where), told, remedy
    yield from _routes(said, names)
    yield from _digests(said, names)


def _channel(one: Channel, config: Config) -> Iterator[Problem]:
    if len([kind for kind in _KINDS if getattr(one, kind) is not None]) != 1:
        told = "exactly one of `webhook`, `email`, `apprise`, `folder` and `s3` is needed"
        yield ("name",), told, "Name one."
        return
    if one.webhook is not None:
        yield from _address(("webhook", "url"), one.webhook.url, config)
    if one.s3 is not None:
        yield from _address(("s3", "endpoint"), one.s3.endpoint, config)
    if one.email is not None:
        if told := _host(one.email.host, config):
            yield ("email", "host"), told, "Name a host that egress lets us call."
        if (one.email.user is None) != (one.email.password is None):
            yield ("email", "user"), "a user and a password go together", "Say both, or neither."
        if one.email.user is not None and one.email.tls == "none":
            told = "a password would go over the network in the clear"
            yield ("email", "tls"), told, "Take starttls or implicit."
    if one.apprise is not None and find_spec("apprise") is None:
        yield ("apprise",), "apprise isn't installed", "Run: pip install 'legato[notify]'"


def _address(place: tuple[str, ...], url: str, config: Config) -> Iterator[Problem]:
    parts = urlsplit(url)
    if parts.scheme not in {"https", "http"} or not parts.hostname or parts.username:
        remedy = "Write https://HOST/PATH without a user in it."
        yield place, "not an address of https or http", remedy
    elif told := _host(parts.hostname, config):
        yield place, told, "Name a host that egress lets us call."


def _routes(said: Notifications, names: set[str]) -> Iterator[Problem]:
    for index, route in enumerate(said.routes):
        for place, event in enumerate(route.events):
            if not known(event):
                remedy = "Take one of docs/reference/notifications.md, or `budget.*`."
                yield ("routes", index, "events", place), f"no event is called `{event}`", remedy
        yield from _channels(("routes", index), route.channels, names)
        if route.feature is not None and route.team is None:
            told = "a feature belongs to a team"
            yield ("routes", index, "feature"), told, "Name its team."
        if route.team is not None and route.org is None:
            told = "a team belongs to an organisation"
            yield ("routes", index, "team"), told, "Name its org."


def _digests(said: Notifications, names: set[str]) -> Iterator[Problem]:
    zones = available_timezones() if said.digests else set()
    seen: set[tuple[str, str | None]] = set()
    for index, digest in enumerate(said.digests):
        yield from _channels(("digests", index), digest.channels, names)
        if digest.time_zone not in zones:
            told = f"no time zone is called `{digest.time_zone}`"
            yield ("digests", index, "time_zone"), told, "Write one as Europe/Vienna."
        if (digest.org, digest.team) in seen:
            told = "a team has one digest"
            yield ("digests", index, "team"), told, "List all its channels in one."
        seen.add((digest.org, digest.team))


def _channels(
    place: tuple[str | int, ...], wanted: list[str], names: set[str]
) -> Iterator[Problem]:
    for index, name in enumerate(wanted):
        if name not in names:
            remedy = f"Known are {', '.join(sorted(names)) or 'none'}."
            yield (*place, "channels", index), f"there is no channel `{name}`", remedy


def _host(host: str, config: Config) -> str:
    try:
        return egress_of(config).refusal_of_host(host)
    except ValueError:
        return ""  # the rules themselves are wrong, which is told at their place
