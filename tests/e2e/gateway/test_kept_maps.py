"""Redacted values that a policy keeps: sealed, read by who may and with a reason, erased."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from belongings import V1, made
from echo import PLACEHOLDER, Echo
from running import ADMIN, LEDGER_S, RunningLegato, within

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
providers:
  - {name: open, kind: openai_compatible, base_url: "ECHO/v1"}
deployments:
  - {name: echo, provider: open, model: echo}
routes:
  - {alias: kept, deployments: [echo], cache: {enabled: false}}
  - {alias: named, deployments: [echo], cache: {enabled: false}}
  - {alias: bare, deployments: [echo], cache: {enabled: false}}
capture:
  rules: [{payloads: full}]
guardrails:
  policies:
    - name: all
      rules: [{name: mail, detect: {labels: [EMAIL_ADDRESS]}, action: redact}]
    - name: keeps
      attach: {routes: [kept, named]}
      redaction: {keep: {retention_days: 30}}
      rules: [{name: staff, detect: {patterns: {staff: "staff-[0-9]{4}"}}, action: redact}]
    - name: names-who
      attach: {routes: [named]}
      redaction: {keep: {retention_days: 7, who: [officer]}}
      rules: [{name: staff, detect: {patterns: {staff: "staff-[0-9]{4}"}}, action: redact}]
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""
STAFF, MAIL = "staff-4711", "quaint.canary@mail.test"
ASKED = f"{STAFF} is {MAIL}, says {STAFF}"
REASON = "the works council asked, case 12"


@pytest.fixture(scope="module")
def legato(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    echo = Echo()
    config = CONFIG.replace("ECHO", echo.url)
    running = RunningLegato(tmp_path_factory.mktemp("legato"), config)
    yield running
    assert running.stop() == 0
    echo.stop()


def kept(legato: RunningLegato, route: str, **fields: Any) -> str:
    answer = legato.chat(route, ASKED, **fields)
    assert answer.status == 200, answer.body
    statement = "SELECT count(*) AS n FROM kept_map WHERE request_id = ?"
    assert within(LEDGER_S, lambda: legato.query(statement, answer.request_id)[0]["n"] == 1)
    return str(answer.request_id)


def files_with(legato: RunningLegato, *texts: str) -> list[str]:
    found = dict(legato.stored()) | {legato.log: legato.log.read_bytes()}
    return [f"{file}" for file, held in found.items() if any(one.encode() in held for one in texts)]


def test_values_come_back_with_a_reason_and_lie_nowhere_in_clear(legato: RunningLegato) -> None:
    request_id = kept(legato, "kept")
    path = f"/guardrails/requests/{request_id}"
    assert legato.post(f"{V1}{path}/restore", {"reason": " "}, ADMIN).error["field"] == "reason"
    done = made(legato, f"{path}/restore", {"reason": REASON, "text": None})
    ((standing, value),) = done["values"].items()
    assert (value, done["text"]) == (STAFF, None)  # what the other policy redacts isn't kept
    assert PLACEHOLDER.fullmatch(standing) or standing.startswith("CUSTOM_STAFF_")
    text = made(legato, f"{path}/restore", {"reason": REASON, "text": f"ask {standing}!"})["text"]
    assert text == f"ask {STAFF}!"
    shown = legato.command("guard", "restore", request_id, "--reason", REASON, "--by", "ann")
    assert STAFF in shown
    said = legato.get(f"{V1}{path}/readings", ADMIN).json["data"]
    assert [(one["actor"], one["outcome"]) for one in said] == [
        (said[0]["actor"], "read"),
        (said[0]["actor"], "read"),
        ("operator:ann", "read"),
    ]
    assert {one["reason"] for one in said} == {REASON}
    assert "operator:ann" in legato.command("guard", "restore", request_id, "--list")
    assert files_with(legato, STAFF, MAIL, REASON) == []


def test_a_policy_names_who_may_read(legato: RunningLegato) -> None:
    request_id = kept(legato, "named")
    days = "SELECT (expires_at_ns - at_ns) / 86400000000000 AS n FROM kept_map WHERE request_id = ?"
    assert legato.query(days, request_id)[0]["n"] == 7
    path = f"{V1}/guardrails/requests/{request_id}"
    assert legato.post(f"{path}/restore", {"reason": REASON}, ADMIN).status == 403
    feature = legato.query("SELECT id FROM feature WHERE org = 'default'")[0]["id"]
    wish = {"feature_id": feature, "name": "officer"}
    wish["permissions"] = ["guardrails:request:restore"]
    officer = made(legato, "/keys", wish)["secret"]
    assert within(3, lambda: legato.get(f"{V1}/me", officer).status == 200)
    done = legato.post(f"{path}/restore", {"reason": REASON}, officer)
    assert list(done.json["values"].values()) == [STAFF]
    said = legato.get(f"{path}/readings", officer).json["data"]
    assert [one["outcome"] for one in said] == ["refused", "read"]


def test_without_keep_nothing_is_stored_and_what_is_erased_is_gone(legato: RunningLegato) -> None:
    bare = legato.chat("bare", ASKED).request_id
    gone, stays = kept(legato, "kept", user="bob"), kept(legato, "kept", user="eve")
    assert legato.query("SELECT * FROM kept_map WHERE request_id = ?", bare) == []
    restore = V1 + "/guardrails/requests/{}/restore"
    assert legato.post(restore.format(bare), {"reason": REASON}, ADMIN).status == 404
    assert "1 redaction maps" in legato.command("privacy", "erase", "--subject", "bob")
    assert legato.post(restore.format(gone), {"reason": REASON}, ADMIN).status == 404
    assert legato.post(restore.format(stays), {"reason": REASON}, ADMIN).status == 200
