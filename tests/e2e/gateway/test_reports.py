"""Reports and FOCUS of a running server, by the control API: files that close to the ledger."""

from __future__ import annotations

import csv
import hashlib
import json
import time
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote
from zipfile import ZipFile

import pytest
from belongings import V1, made
from running import ADMIN, CALLER, RunningLegato, within

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running import Answer

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
providers:
  - {name: up, kind: simulated}
deployments:
  - {name: small, provider: up, model: m,
     price: {input_per_mtok: "1", output_per_mtok: "2"}}
  - {name: large, provider: up, model: n, price: {input_per_mtok: "10", output_per_mtok: "20"}}
routes:
  - {alias: chat, baseline: large, deployments: [small, large], cache: {enabled: true, ttl_s: 600}}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""
CALLS = 12
MONTH = time.strftime("%Y-%m", time.gmtime())
PLACE = {"team": "platform", "feature": "tests"}


@pytest.fixture(scope="module")
def legato(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    running = RunningLegato(tmp_path_factory.mktemp("reports"), CONFIG)
    for number in range(CALLS):
        assert running.chat(question=f"q{number % 8}", user=f"u{number % 3}").status == 200
    assert within(60, lambda: len(running.query("SELECT id FROM ledger_entry")) == CALLS)
    ours = {"when": {"team": "platform"}, "cost_centre": "CC-1"}
    rent = {"name": "rent", "amount": "100", "driver": "even"}
    rules = {"valid_from": "2020-01-01", "rules": [ours], "pools": [rent]}
    made(running, "/cost-rules", rules)
    earned = {**PLACE, "period": MONTH, "amount": "5"}
    made(running, "/finance/revenue", {"entries": [earned]})
    line = {"start": f"{MONTH}-01", "end": f"{MONTH}-02", "vendor": "up", "cost": "0.5",
            "model": "m", "key": "stranger"}  # fmt: skip
    made(running, "/invoices", {"name": "November of up", "lines": [line]})
    yield running
    assert running.stop() == 0


def report(legato: RunningLegato, kind: str, form: str, **asked: str) -> Answer:
    more = "&".join(f"{name}={value}" for name, value in asked.items())
    answer = legato.get(f"{V1}/reports/{kind}?form={form}&{more}", ADMIN)
    assert answer.status == 200, answer.body
    return answer


def asked_of(kind: str) -> dict[str, str]:
    others = {"roi": {"period": MONTH, "assume": "initial.usd=40"}, "digest": {"period": "7d"}}
    return others.get(kind, {"period": MONTH})


def spent(legato: RunningLegato) -> int:
    (sums,) = legato.query("SELECT sum(cost) cost FROM ledger_entry")
    return int(sums["cost"])


def dollars(nano: int) -> str:
    return f"{nano // 10**9}.{nano % 10**9:09d}"


SHEETS = {
    "savings": {"Summary", "Savings waterfall", "Team chargeback", "Figures", "Method"},
    "roi": {"Assumptions", "Cash flow", "TCO", "Sensitivity", "Feature P&amp;L",
            "Invoice reconciliation", "Figures"},
    "chargeback": {"Summary", "Chargeback", "Journal", "Invoice reconciliation", "Figures"},
    "pnl": {"Summary", "Feature P&amp;L", "Figures", "Method"},
    "digest": {"Summary", "Weeks", "Figures", "Method"},
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(SHEETS))
def test_each_report_comes_in_every_form_and_is_in_the_audit_log(
    legato: RunningLegato, kind: str
) -> None:
    digests = []
    for form, begins in (
        ("json", b"{"), ("xlsx", b"PK"), ("pdf", b"%PDF-1.7"), ("csv", b"part,figure,of,"),
        ("parquet", b"PAR1"),
    ):  # fmt: skip
        answer = report(legato, kind, form, **asked_of(kind))
        assert answer.body.startswith(begins)
        digest = hashlib.sha256(answer.body).hexdigest()
        assert answer.headers["x-legato-digest"] == f"sha256:{digest}"
        digests.append(digest)
        if form == "xlsx":
            with ZipFile(BytesIO(answer.body)) as workbook:
                names = workbook.read("xl/workbook.xml").decode()
                sheets = [workbook.read(one).decode() for one in workbook.namelist()
                          if one.startswith("xl/worksheets/sheet")]  # fmt: skip
            assert all(f'name="{name}"' in names for name in SHEETS[kind]), names
            assert sum(sheet.count("<f>") for sheet in sheets) >= 3
    listed = legato.command("audit", "list", "--action", "report.make", "--json")
    assert all(digest in listed for digest in digests)


def test_every_figure_names_the_query_and_the_command_that_make_it(legato: RunningLegato) -> None:
    rows = list(
        csv.DictReader(StringIO(report(legato, "roi", "csv", **asked_of("roi")).body.decode()))
    )
    assert all(row["query"] and row["command"].startswith("legato ") for row in rows)
    found = {(row["part"], row["figure"], row["of"]): row for row in rows}
    cost = found["savings", "cost", ""]
    assert cost["value"] == dollars(spent(legato))
    cogs = found["key figures", "ai-cogs", ""]
    assert cogs["exact"] == f"{spent(legato)}/{5 * 10**9}"
    assert '"of":"revenue_entry"' in cogs["query"]
    shown = json.loads(legato.command(*cogs["command"].split()[1:], "--json"))
    assert shown["rows"][0]["numerator"] == spent(legato)
    assert shown["queries"][1:] == cogs["query"].split("; ")[1:]  # the first names the organisation
    of_plan = [row for row in rows if row["part"] == "plan by month"]
    assert len(of_plan) > 36
    (input_,) = [row for row in rows if row["figure"] == "after.ai_usd_month value"]
    assert "the ledger's last" in input_["query"]


def test_a_digest_has_each_teams_week_and_closes_to_the_ledger(legato: RunningLegato) -> None:
    said = report(legato, "digest", "json", period="7d").json
    (week,) = said["weeks"]
    assert (week["team"], week["total"]["cost"]) == ("platform", spent(legato))
    assert sum(one["cost"] for one in week["models"]) == spent(legato)
    (cost,) = [row for row in said["figures"] if (row["figure"], row["of"]) == ("cost", "")]
    assert cost["value"] == dollars(spent(legato))
    assert cost["command"].startswith("legato digest show --team platform")
    page = report(legato, "digest", "md", period="7d").body.decode()
    assert "## platform" in page
    assert "### By model" in page
    refused = legato.get(f"{V1}/reports/digest?period=30d", ADMIN)
    assert (refused.status, refused.error["field"]) == (400, "period")
    assert "seven days" in refused.error["message"]


def test_a_chargeback_closes_to_the_ledger_and_its_invoices_are_explained(
    legato: RunningLegato,
) -> None:
    said = report(legato, "chargeback", "json", period=MONTH).json
    assert said["chargeback"]["spent"] == dollars(spent(legato))
    assert said["chargeback"]["total"] == dollars(spent(legato) + 100 * 10**9)
    (invoice,) = said["invoices"]
    assert invoice["causes"]["bypass"] == "0.500000000"
    by_part: dict[str, list[dict[str, Any]]] = {}
    for row in said["figures"]:
        by_part.setdefault(row["part"], []).append(row)
    assert {"chargeback", "journal", "invoice reconciliation"} <= by_part.keys()
    refused = legato.get(f"{V1}/reports/chargeback?period=30d", ADMIN)
    assert (refused.status, "there is no period" in refused.error["message"]) == (404, True)


def test_profit_and_loss_is_of_whole_months(legato: RunningLegato) -> None:
    said = report(legato, "pnl", "json", period=MONTH).json
    (feature,) = said["pnl"]["features"]
    assert (feature["revenue_usd"], feature["ai_usd"]) == ("5.000000000", dollars(spent(legato)))
    assert len(said["pnl"]["queries"]) == 3
    refused = legato.get(f"{V1}/reports/pnl?period=30d", ADMIN)
    assert (refused.status, "whole months" in refused.error["message"]) == (400, True)
    unknown = legato.get(f"{V1}/reports/all?period=30d", ADMIN)
    assert unknown.status == 400
    listed = legato.get(f"{V1}/reports", ADMIN).json["data"]
    assert {one["id"] for one in listed} == {*SHEETS, "review"}
    for path in ("reports", "reports/pnl", "ledger/focus"):
        assert legato.get(f"{V1}/{path}", CALLER).status in {401, 403}


@pytest.mark.parametrize("org", ["Łódź", 'a"b', "a\r\nset-cookie: x=1", "𧁚"])
def test_a_file_may_be_of_an_organisation_of_any_name(legato: RunningLegato, org: str) -> None:
    given = legato.get(f"{V1}/ledger/focus?org={quote(org, safe='')}", ADMIN)
    assert given.status == 200, given.body
    assert "set-cookie" not in given.headers
    plain, _, told = given.headers["content-disposition"].partition("; filename*=UTF-8''")
    assert plain.startswith('attachment; filename="focus-')
    assert plain.count('"') == 2
    assert unquote(told) == f"focus-{org}.csv"


def test_focus_is_the_same_as_by_the_command(legato: RunningLegato, tmp_path: Any) -> None:
    given = legato.get(f"{V1}/ledger/focus?period={MONTH}", ADMIN)
    assert given.status == 200, given.body
    out = tmp_path / "focus.csv"
    legato.command("ledger", "focus", "--period", MONTH, "--output", str(out))
    assert given.body == out.read_bytes()
    by_entry = legato.get(f"{V1}/ledger/focus?grain=entry&form=parquet", ADMIN)
    assert by_entry.body[:4] == by_entry.body[-4:] == b"PAR1"
    total = sum(int(row["BilledCost"].replace(".", "")) for row in
                csv.DictReader(StringIO(given.body.decode())))  # fmt: skip
    assert total == spent(legato)
    assert "ledger.export" in legato.command("audit", "list", "--json")
