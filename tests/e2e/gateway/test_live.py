"""Pages that stay open hear of what changes: within reach, resumable, bounded."""

from __future__ import annotations

import contextlib
import json
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from running import ADMIN, CALLER, within

if TYPE_CHECKING:
    import http.client
    from collections.abc import Iterator

    from running import RunningLegato

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
providers:
  - {name: vendor, kind: openai_compatible, base_url: "UPSTREAM/v1"}
deployments:
  - {name: small, provider: vendor, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
keys:
  - {name: ci, org: acme, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""
LIVE = "/api/v1/live"


class Told(NamedTuple):
    id: str
    name: str
    data: dict[str, Any]


class Listener:
    """One stream, read event by event."""

    def __init__(self, connection: http.client.HTTPConnection) -> None:
        self._connection = connection
        self.answer = connection.getresponse()

    def next(self) -> Told:
        """The next event; comments are passed over."""
        fields: dict[str, str] = {}
        while True:
            line = self.answer.readline().decode().rstrip("\n")
            name, _, value = line.partition(": ")
            if not line and "event" in fields:
                return Told(fields["id"], fields["event"], json.loads(fields["data"]))
            if name:
                fields[name] = value

    def until(self, topic: str) -> Told:
        """The event that names a topic."""
        until_s = time.monotonic() + 20
        while time.monotonic() < until_s:
            told = self.next()
            if topic in told.data.get("topics", ()) and told.name == "changed":
                return told
        raise AssertionError(topic)


@contextlib.contextmanager
def listening(
    legato: RunningLegato, key: str = ADMIN, query: str = "", after: str = ""
) -> Iterator[Listener]:
    with contextlib.closing(legato.connection()) as connection:
        headers = {"authorization": f"Bearer {key}", "accept": "text/event-stream"}
        headers |= {"last-event-id": after} if after else {}
        connection.request("GET", LIVE + query, None, headers)
        yield Listener(connection)


def bind(legato: RunningLegato, org: str, name: str) -> dict[str, str]:
    return legato.create_key("--org", org, "--feature", name, "--org-admin")


def make_budget(legato: RunningLegato, org: str, name: str) -> None:
    body = {"name": name, "org": org, "usd": "1"}
    made = legato.post("/api/v1/budgets", body, ADMIN)
    assert made.status == 201, made.body


def test_a_call_and_an_act_are_told(legato: RunningLegato) -> None:
    with listening(legato) as listener:
        hello = listener.next()
        assert listener.answer.getheader("content-type", "").startswith("text/event-stream")
        assert hello.name == "hello"
        assert {"spend", "requests", "audit", "budgets"} <= set(hello.data["topics"])
        assert legato.chat("small", "hi").status == 200
        listener.until("spend")
        make_budget(legato, "acme", "told")
        assert "audit" in listener.until("budgets").data["topics"]


def test_nothing_of_another_organisation_is_told(legato: RunningLegato) -> None:
    own = bind(legato, "acme", "one")["secret"]
    other = bind(legato, "other", "two")["secret"]
    with listening(legato, own) as mine, listening(legato, other) as theirs:
        assert mine.next().name == theirs.next().name == "hello"
        make_budget(legato, "acme", "of-acme")
        mine.until("budgets")
        bind(legato, "other", "marker")
        told = theirs.next()
        while "keys" not in told.data["topics"]:
            assert "budgets" not in told.data["topics"]
            told = theirs.next()
        assert "budgets" not in told.data["topics"]
        foreign = legato.get(f"{LIVE}?org=acme", other)
        assert foreign.status == 404


def test_only_what_one_may_read_is_told(legato: RunningLegato) -> None:
    with listening(legato, CALLER) as listener:
        assert listener.next().data["topics"] == []


def test_whoever_comes_back_is_told_what_was_missed(legato: RunningLegato) -> None:
    with listening(legato) as listener:
        place = listener.next().id
    make_budget(legato, "acme", "missed")
    with listening(legato, after=place) as again:
        assert again.next().name == "hello"
        assert "budgets" in again.until("budgets").data["topics"]
    with listening(legato, after="0badc0de-7") as lost:
        hello = lost.next()
        assert lost.next().data["topics"] == hello.data["topics"], "all may have changed"


def test_whoever_does_not_ask_for_a_stream_is_told_once(legato: RunningLegato) -> None:
    told = legato.get(LIVE, ADMIN)
    assert told.status == 200
    assert told.body.count(b"event: ") == told.body.count(b"event: hello") == 1


def test_topics_can_be_asked_for(legato: RunningLegato) -> None:
    with listening(legato, query="?topics=budgets,tasks") as listener:
        assert listener.next().data["topics"] == ["budgets", "tasks"]
    wrong = legato.get(f"{LIVE}?topics=gossip", ADMIN)
    assert wrong.status == 400
    assert wrong.json["error"]["field"] == "topics"
    assert "budgets" in wrong.json["error"]["message"]


def test_nobody_listens_too_often(legato: RunningLegato) -> None:
    with contextlib.ExitStack() as open_streams:
        for _ in range(6):
            listener = open_streams.enter_context(listening(legato))
            assert listener.next().name == "hello"
        refused = legato.get(LIVE, ADMIN)
        assert refused.status == 429
        assert refused.json["error"]["code"] == "rate_limit_exceeded"

    # those who left make room
    def admitted() -> bool:
        with listening(legato) as listener:
            return listener.answer.status == 200

    assert within(10, admitted)


@pytest.mark.slow
def test_a_key_that_is_revoked_hears_no_more(legato: RunningLegato) -> None:
    key = bind(legato, "acme", "leaving")
    with listening(legato, key["secret"]) as listener:
        assert listener.next().name == "hello"
        assert legato.post(f"/api/v1/keys/{key['id']}/revoke", {}, ADMIN).status == 200
        told = listener.next()
        while told.name == "changed":
            told = listener.next()
        assert (told.name, told.data) == ("end", {"reason": "invalid_api_key"})
        assert listener.answer.read() == b""


def test_without_a_key_nothing_is_told(legato: RunningLegato) -> None:
    assert legato.send("GET", LIVE, None, {}).status == 401
