"""A person decides a task by the link in their mail, at a running server, once."""

from __future__ import annotations

import json
import re
import secrets
from html import unescape
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
from running import ADMIN, Answer, RunningLegato, within
from tests.receivers import MailServer

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
accounts: {external_url: "http://legato.test"}
notifications:
  look_s: 0.2
  retry_s: 0.2
  channels:
    - {name: ann, person: ann@example.org, email: {host: 127.0.0.1, port: MAIL, tls: none, sender: l@example.org, to: [ann@example.org]}}
    - {name: ben, person: ben@example.org, email: {host: 127.0.0.1, port: MAIL, tls: none, sender: l@example.org, to: [ben@example.org]}}
    - {name: all, email: {host: 127.0.0.1, port: MAIL, tls: none, sender: l@example.org, to: [all@example.org]}}
  routes:
    - {channels: [all], events: ["workflow.*"]}
"""  # noqa: E501 - lines of a configuration
PAGE = "/api/v1/task-links/"
FORM = {"content-type": "application/x-www-form-urlencoded", "origin": "http://legato.test"}
SUBJECT = "Refund <b>40</b> to Erika Mustermann"
WAIT_S = 30.0


@pytest.fixture(scope="module")
def mail() -> Iterator[MailServer]:
    server = MailServer()
    yield server
    server.close()


@pytest.fixture(scope="module")
def legato(mail: MailServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    config = CONFIG.replace("MAIL", str(mail.port))
    running = RunningLegato(tmp_path_factory.mktemp("links"), config)
    for login in ("ann@example.org", "ben@example.org"):
        joined(running, login)
    yield running
    tokens = {token for one in mail.messages for token in re.findall(r"lgl-[\w-]+", str(one))}
    written = [(path, data) for path, data in running.stored()] + [
        (running.log, running.log.read_bytes())
    ]
    assert running.stop() == 0
    assert tokens
    for path, data in written:
        assert not any(token.encode() in data for token in tokens), path
        assert b"Mustermann" not in data, path


def joined(legato: RunningLegato, login: str) -> None:
    """Let somebody have an account that may decide tasks."""
    body = {"org": "default", "email": login}
    made = legato.post("/api/v1/accounts", body, ADMIN).json["account"]
    wish = {"subject_kind": "account", "subject_id": made["id"], "role": "approver",
            "org": "default"}  # fmt: skip
    assert legato.post("/api/v1/role-bindings", wish, ADMIN).status == 201
    invited = legato.post(f"/api/v1/accounts/{made['id']}/invite", {}, ADMIN).json["invitation"]
    chosen = {"token": invited, "password": secrets.token_hex(12)}
    body = json.dumps(chosen).encode()
    kind = {"content-type": "application/json"}
    assert legato.send("POST", "/api/v1/login/invitation", body, kind).status == 200


def started(legato: RunningLegato, **fields: Any) -> str:
    """Begin a run that asks; return its task's id."""
    node = {"kind": "human", "id": "ok", "subject": SUBJECT, **fields}
    body = {"workflow": "refund", "definition": {"nodes": [node]}, "input": None}
    run_id = legato.post("/api/v1/workflow-runs", body, ADMIN).json["id"]
    tasks = within(WAIT_S, lambda: legato.get(f"/api/v1/tasks?run={run_id}", ADMIN).json["data"])
    found: str = tasks[0]["id"]
    return found


def token_for(mail: MailServer, login: str, task_id: str) -> str:
    """Return the token of the newest link that somebody was sent to a task."""

    def sent() -> str:
        for message, to in zip(reversed(mail.messages), reversed(mail.recipients), strict=True):
            text = message.get_content()
            if to == [login] and task_id in text and (found := re.search(r"lgl-[\w-]+", text)):
                return found.group()
        return ""

    token: str = within(WAIT_S, sent)
    assert token, f"no link for {login}"
    return token


def look(legato: RunningLegato, token: str, method: str = "GET") -> Answer:
    return legato.send(method, PAGE + token, None, {})


def say(legato: RunningLegato, token: str, **fields: str) -> Answer:
    return legato.send("POST", PAGE + token, urlencode(fields), FORM)


def state(legato: RunningLegato, task_id: str) -> str:
    found: str = legato.get(f"/api/v1/tasks/{task_id}", ADMIN).json["head"]["state"]
    return found


def test_a_link_shows_inert_text_and_decides_once(legato: RunningLegato, mail: MailServer) -> None:
    task_id = started(legato, body="Line 1 <script>", assignees={"accounts": ["ann@example.org"]})
    token = token_for(mail, "ann@example.org", task_id)
    for method in ("GET", "HEAD", "GET"):
        assert look(legato, token, method).status == 200
    assert state(legato, task_id) == "open", "looking decides nothing"
    page = look(legato, token)
    text = page.body.decode()
    assert "<script" not in text
    assert "<b>" not in text
    assert SUBJECT in unescape(text)
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy
    said = say(legato, token, verdict="approve", comment="fine")
    assert (said.status, "decided: approved" in said.body.decode()) == (200, True)
    assert say(legato, token, verdict="reject").status == 404
    assert look(legato, token).status == 404
    opinions = legato.get(f"/api/v1/tasks/{task_id}", ADMIN).json["opinions"]
    assert [(one["via"], one["comment"]) for one in opinions] == [("link", "fine")]
    (event,) = [
        one
        for one in legato.get("/api/v1/audit/events?action=task.decide", ADMIN).json["data"]
        if one["subject"]["id"] == task_id
    ]
    assert event["actor"]["kind"] == "account"
    assert not [one for one in mail.messages if task_id in str(one) and "ben@" in str(one["to"])]
    (shared,) = [
        one for one, to in zip(mail.messages, mail.recipients, strict=True)
        if to == ["all@example.org"] and task_id in one.get_content()
    ]  # fmt: skip
    assert "lgl-" not in shared.get_content(), "what many read holds no link"


def test_two_people_decide_by_a_link_each_and_nobody_twice(
    legato: RunningLegato, mail: MailServer
) -> None:
    task_id = started(legato, approvals_needed=2, remind_s=1, deadline_s=3600)
    first = token_for(mail, "ann@example.org", task_id)
    newer = within(
        WAIT_S, lambda: (t := token_for(mail, "ann@example.org", task_id)) != first and t
    )
    assert newer, "a reminder brings a link of its own"
    assert "waits for more people" in say(legato, first, verdict="approve").body.decode()
    assert say(legato, newer, verdict="approve").status == 404, "each person's links end together"
    other = token_for(mail, "ben@example.org", task_id)
    assert "decided: approved" in say(legato, other, verdict="approve").body.decode()


def test_a_form_says_what_is_wrong_and_uses_nothing_up(
    legato: RunningLegato, mail: MailServer
) -> None:
    form = {"type": "object", "required": ["iban"], "properties": {
        "iban": {"type": "string", "minLength": 15}, "cents": {"type": "integer"},
        "urgent": {"type": "boolean"}}}  # fmt: skip
    asked = {"accounts": ["ben@example.org"]}
    task_id = started(legato, ask="form", form=form, assignees=asked)
    token = token_for(mail, "ben@example.org", task_id)
    wrong = say(legato, token, **{"verdict": "fill", "field.iban": "short"})
    assert (wrong.status, "data.iban" in wrong.body.decode()) == (422, True)
    filled = {"field.iban": "DE02120300000000202051", "field.cents": "4000", "field.urgent": "on"}
    assert say(legato, token, verdict="fill", **filled).status == 200
    (opinion,) = legato.get(f"/api/v1/tasks/{task_id}", ADMIN).json["opinions"]
    assert opinion["data"] == {"iban": "DE02120300000000202051", "cents": 4000, "urgent": True}


def test_links_end_with_the_deadline_the_account_and_the_run(
    legato: RunningLegato, mail: MailServer
) -> None:
    soon = started(legato, deadline_s=4)
    token = token_for(mail, "ann@example.org", soon)
    assert look(legato, token).status == 200
    assert within(WAIT_S, lambda: look(legato, token).status == 404)
    task_id = started(legato, ask="choose", choices=[{"port": "repair"}, {"port": "replace"}])
    ann, ben = (token_for(mail, f"{who}@example.org", task_id) for who in ("ann", "ben"))
    assert look(legato, ann).status == 200
    foreign = {**FORM, "origin": "http://evil.test"}
    refused = legato.send("POST", PAGE + ann, urlencode({"verdict": "choose"}), foreign)
    assert refused.status == 403, "only its own page posts"
    accounts = legato.get("/api/v1/accounts", ADMIN).json["data"]
    (ann_id,) = [one["id"] for one in accounts if one["email"] == "ann@example.org"]
    assert legato.post(f"/api/v1/accounts/{ann_id}/disable", {}, ADMIN).status == 200
    assert say(legato, ann, verdict="choose", port="repair").status == 404
    run_id = legato.get(f"/api/v1/tasks/{task_id}", ADMIN).json["head"]["run_id"]
    assert legato.post(f"/api/v1/workflow-runs/{run_id}/cancel", {}, ADMIN).status == 200
    assert say(legato, ben, verdict="choose", port="repair").status == 409
    assert state(legato, task_id) == "withdrawn"
