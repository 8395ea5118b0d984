"""Compliance in a running server: it looks by itself, tells by API and metrics, and reports."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from running import ADMIN, within

if TYPE_CHECKING:
    from pathlib import Path

    from running import Answer, RunningLegato

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
providers:
  - {name: open, kind: openai_compatible, base_url: "UPSTREAM/v1"}
deployments:
  - {name: m, provider: open, model: m, price: {input_per_mtok: "1", output_per_mtok: "1"}}
routes:
  - {alias: chat, deployments: [m]}
compliance: {every_s: 2, heavy_every_s: 3600}
"""


def api(legato: RunningLegato, method: str, path: str, body: Any = None) -> Answer:
    headers = {"authorization": f"Bearer {ADMIN}", "content-type": "application/json"}
    given = b"" if body is None else json.dumps(body).encode()
    return legato.send(method, f"/api/v1{path}", given, headers)


def history(legato: RunningLegato, check: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api(legato, "GET", f"/compliance/history?check={check}").json[
        "data"
    ]
    return found


def test_it_looks_by_itself_and_a_change_shows_in_history_metrics_and_audit_log(
    legato: RunningLegato,
) -> None:
    within(90, lambda: len(history(legato, "disk-has-room")) > 0)
    assert within(60, lambda: history(legato, "disk-has-room")[0]["times"] > 1)
    assert history(legato, "budgets-hold")[0]["status"] == "fail"
    assert history(legato, "ledger-whole")[0]["times"] == 1  # heavy ones look by the day
    controls = api(legato, "GET", "/compliance/controls?framework=soc2").json["data"]
    standing = {one["id"]: one["status"] for one in controls}
    assert (standing["A1.1"], standing["PI1.3"], standing["CC1.1"]) == (
        "fail", "pass", "no_live_check",
    )  # fmt: skip
    failing = b'legato_compliance_control_failing{control="A1.1",framework="soc2"} 1.0'
    assert within(60, lambda: failing in legato.send("GET", "/metrics", b"", {}).body)

    made = api(legato, "POST", "/budgets", {"name": "all", "org": "*", "usd": "5"})
    assert made.status == 201, made.body
    within(60, lambda: history(legato, "budgets-hold")[0]["status"] == "pass")
    assert [one["status"] for one in history(legato, "budgets-hold")] == ["pass", "fail"]
    events = api(legato, "GET", "/audit/events?action=compliance.change").json["data"]
    changed = [one for one in events if one["subject"]["id"] == "budgets-hold"]
    assert [one["details"]["to"] for one in changed] == ["pass", "fail"]


def test_it_looks_when_asked_and_names_checks_there_are(legato: RunningLegato) -> None:
    looked = api(legato, "POST", "/compliance/looks", {"checks": ["ledger-whole"]})
    assert [one["status"] for one in looked.json["data"]] == ["pass"]
    refused = api(legato, "POST", "/compliance/looks", {"checks": ["nothing"]})
    assert (refused.status, refused.error["field"]) == (404, "check")


def test_a_tenants_administrator_sees_none_of_it(legato: RunningLegato) -> None:
    secret = legato.create_key("--org", "acme", "--feature", "adm", "--org-admin")["secret"]
    headers = {"authorization": f"Bearer {secret}"}
    for path in ("controls", "history", "report?framework=gdpr"):
        assert legato.send("GET", f"/api/v1/compliance/{path}", b"", headers).status == 403


def test_reports_are_anchored_in_the_audit_log(legato: RunningLegato, tmp_path: Path) -> None:
    answer = api(legato, "GET", "/compliance/report?framework=gdpr")
    digest = hashlib.sha256(answer.body).hexdigest()
    assert answer.headers["x-legato-digest"] == f"sha256:{digest}"
    event = api(legato, "GET", f"/audit/events/{answer.headers['x-legato-audit-event']}").json
    assert event["subject"] == {"kind": "report", "id": "compliance gdpr", "digest": digest}
    report = answer.json
    assert report["audit_log"]["events"] <= event["index"]  # others may be written in between
    assert sum(report["summary"].values()) == len(report["controls"])
    silent = {one["id"] for one in report["controls"] if one["status"] == "no_live_check"}
    assert silent <= {one["control"] for one in report["gaps"]}

    pdf = api(legato, "GET", "/compliance/report?framework=soc2&form=pdf")
    assert (pdf.headers["content-type"], pdf.body[:5]) == ("application/pdf", b"%PDF-")
    out = tmp_path / "hipaa.pdf"
    words = ("report", "--framework", "hipaa", "--format", "pdf", "--out", str(out))
    told = legato.command("compliance", *words)
    assert hashlib.sha256(out.read_bytes()).hexdigest() in told
    assert "audit-log-whole" in legato.command("compliance", "checks")
    assert "gdpr:" in legato.command("compliance", "status", "--failing")
