"""Reports of a running instance: they close to its ledger, and the audit log knows the file."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Legato
    from server import Server

LEDGER_S = 30
RECOMPUTE = Path(__file__).parents[3] / "docs" / "recompute"


def called(legato: Legato, server: Server) -> dict[str, Any]:
    """Call under two features; return the ledger's sum once it has both."""
    for feature in ("search", "claims"):
        made = legato(
            "keys", "create", "--team", "red", "--feature", feature, "--json", "--data", server.data
        )
        secret = json.loads(made.stdout)["secret"]
        until_s = time.monotonic() + LEDGER_S
        while server.call(secret) != 200 and time.monotonic() < until_s:
            time.sleep(0.1)
    until_s = time.monotonic() + LEDGER_S
    while time.monotonic() < until_s:
        summed = json.loads(legato("ledger", "sum", "--json", "--data", server.data).stdout)
        total: dict[str, Any] = summed["total"]
        if total["requests"] >= 2:
            return total
        time.sleep(0.2)
    raise AssertionError("the ledger hasn't both calls")


def test_a_report_closes_to_the_ledger_and_is_in_the_audit_log(
    legato: Legato, start: Callable[..., Server], tmp_path: Path
) -> None:
    server = start(workers=1)
    total = called(legato, server)
    data = ("--data", server.data)
    assumed = ("--assume", "initial.usd=40000")
    files = {form: tmp_path / f"report.{form}" for form in ("json", "xlsx", "pdf")}
    for out in files.values():
        done = legato("report", "roi", "--period", "1d", *assumed, "--out", out, *data)
        assert done.returncode == 0, done.stderr
        assert hashlib.sha256(out.read_bytes()).hexdigest() in done.stdout
    shown = json.loads(files["json"].read_text())
    bars = dict(shown["savings"]["bars"])
    assert bars["cost"] == total["cost_nano_usd"]
    assert bars["baseline"] == total["baseline_cost_nano_usd"]
    assert sum(bars.values()) - bars["cost"] == bars["cost"]
    by_feature: dict[str, int] = {}
    for row in shown["by_feature"]["rows"]:
        step = row["group"]["step"]
        by_feature[step] = by_feature.get(step, 0) + row["numerator"]
    assert by_feature == bars
    assert shown["missing"] == []
    assert shown["plan"]["cases"][1]["name"] == "base"
    with ZipFile(files["xlsx"]) as workbook:
        sheets = workbook.read("xl/workbook.xml").decode()
    for name in ("Summary", "Savings waterfall", "Cash flow", "Feature P&amp;L", "Method"):
        assert f'name="{name}"' in sheets
    assert files["pdf"].read_bytes().startswith(b"%PDF-1.7")
    month = time.strftime("%Y-%m", time.gmtime())
    place = ("--team", "red", "--feature", "search")
    added = legato("revenue", "add", "--period", month, *place, "--amount", "3", *data)
    assert added.returncode == 0, added.stderr
    cogs = json.loads(
        legato("insight", "show", "ai-cogs", "--period", month, "--json", *data).stdout
    )
    (row,) = cogs["rows"]
    assert (row["numerator"], row["denominator"]) == (total["cost_nano_usd"], 3 * 10**9)
    listed = legato("audit", "list", "--action", "report.make", "--json", *data)
    assert len(listed.stdout.splitlines()) == len(files)
    printed = legato("review", "--month", month, *data)
    assert printed.returncode == 0, printed.stderr
    assert "## Models worth replacing" in printed.stdout
    for form in ("json", "xlsx", "pdf", "csv"):
        out = tmp_path / f"review.{form}"
        done = legato("review", "--month", month, "--out", out, *data)
        assert done.returncode == 0, done.stderr
        assert hashlib.sha256(out.read_bytes()).hexdigest() in done.stdout
    review = json.loads((tmp_path / "review.json").read_text())["review"]
    assert review["spent"] == total["cost_nano_usd"]
    assert "review" in (tmp_path / "review.csv").read_text()


def test_its_figures_follow_from_the_export_and_the_books_alone(
    legato: Legato, start: Callable[..., Server], tmp_path: Path
) -> None:
    server = start(workers=1)
    called(legato, server)
    data, month = ("--data", server.data), time.strftime("%Y-%m", time.gmtime())
    place = ("--team", "red", "--feature", "search", "--period", month)
    work = ("--role", "agent", "--hours", "3", "--usd-per-hour", "50", "--activity", "review")
    for said in (
        ("revenue", "add", *place, "--amount", "3"),
        ("labour", "add", *place, *work),
        ("assumptions", "set", "initial.usd", "90", "--high", "200", "--source", "offer"),
    ):
        assert legato(*said, *data).returncode == 0
    (tmp_path / "books").mkdir()
    for book in ("revenue", "labour", "benefits", "assumptions"):
        listed = legato(book, "list", "--json", *data)
        (tmp_path / "books" / f"{book}.json").write_text(listed.stdout)
    report, ledger = tmp_path / "report.json", tmp_path / "ledger.csv"
    assert legato("ledger", "export", "--output", ledger, *data).returncode == 0
    assert legato("report", "roi", "--period", month, "--out", report, *data).returncode == 0
    asked = ("--ledger", ledger, "--books", tmp_path / "books", "--report", report)
    command = [sys.executable, "-S", *map(str, (RECOMPUTE, *asked))]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={})
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(done.stdout.splitlines()[-1].split()[0]) > 1_000


def test_what_lacks_is_named_and_what_is_wrong_refused(
    legato: Legato, start: Callable[..., Server], tmp_path: Path
) -> None:
    server = start(workers=1)
    out = tmp_path / "report.json"
    done = legato("report", "roi", "--out", out, "--data", server.data)
    assert done.returncode == 0, done.stderr
    (lacks,) = json.loads(out.read_text())["missing"]
    assert lacks.startswith("the plan: days: the ledger has no entry")
    for wrong, told in (
        (("--out", tmp_path / "report.doc"), "must end in one of .xlsx, .pdf, .json"),
        (("--out", out, "--period", "soon"), "write 30d, 2026-11"),
        (("--out", out, "--assume", "initial.usd"), "write NAME=VALUE"),
    ):
        refused = legato("report", "roi", *wrong, "--data", server.data)
        assert refused.returncode != 0
        assert told in refused.stderr
