"""A spreadsheet program that calculates comes to the values that the workbook was written with."""

from __future__ import annotations

import csv
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from tests.reported_figures import MADE_NS, a_charged_period, a_plan, a_pnl, a_reconciled_invoice

from legato.reporting.sheets.charging import charge_sheet, journal_sheet
from legato.reporting.sheets.features import feature_sheet
from legato.reporting.sheets.plan import (
    assumption_sheet,
    cash_flow_sheet,
    outcome_rows,
    ownership_sheet,
)
from legato.reporting.sheets.reconciliation import reconciliation_sheet
from legato.reporting.workbook import Book, Column, Style

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = shutil.which("soffice")
EVERY_SHEET = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,false,false,false,false,-1"
CALCULATE_ALWAYS = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Calc/Formula/Load">
<prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>{mode}</value></prop></item>
</oor:items>
"""
ALWAYS, NEVER = 0, 1
TOLERANCE = 1e-9

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(PROGRAM is None, reason="no LibreOffice (Debian: libreoffice-calc-nogui)"),
]


def workbook(case: str, *, with_values: bool) -> bytes:
    """The plan's sheets; the assumptions of `case` are what its base case has."""
    plan = a_plan()
    shown = next(one for one in plan.cases if one.name == case)
    book = Book("Plan", made_ns=MADE_NS, with_values=with_values)
    book.page("Summary").table(
        [Column("What"), Column("Comes to", Style.NUMBER)], outcome_rows(shown)
    )
    assumption_sheet(book, plan, case)
    months, _ = cash_flow_sheet(book, shown)
    ownership_sheet(book, shown, months)
    feature_sheet(book, a_pnl())
    charge_sheet(book, a_charged_period())
    journal_sheet(book, a_charged_period())
    reconciliation_sheet(book, [a_reconciled_invoice()])
    return book.finish()


def read(content: bytes, folder: Path, mode: int) -> dict[str, list[list[str]]]:
    """Every sheet's cells, as LibreOffice has them."""
    (folder / "profile" / "user").mkdir(parents=True)
    settings = folder / "profile" / "user" / "registrymodifications.xcu"
    settings.write_text(CALCULATE_ALWAYS.format(mode=mode))
    (folder / "plan.xlsx").write_bytes(content)
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    command = [str(PROGRAM), profile, "--headless", "--convert-to", EVERY_SHEET]
    done = subprocess.run(
        [*command, "--outdir", str(folder / "out"), str(folder / "plan.xlsx")],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    files = sorted((folder / "out").glob("*.csv"))
    assert files, done.stdout + done.stderr
    return {
        file.stem.partition("-")[2]: list(csv.reader(file.read_text().splitlines()))
        for file in files
    }


def number(text: str) -> float | str:
    try:
        return float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        return text


@pytest.mark.parametrize("case", ["low", "base", "high"])
def test_it_comes_to_the_same_values(tmp_path: Path, case: str) -> None:
    written = read(workbook(case, with_values=True), tmp_path / "written", NEVER)
    worked = read(workbook(case, with_values=False), tmp_path / "worked", ALWAYS)
    assert set(written) == {
        "Summary", "Assumptions", "Cash flow", "TCO", "Feature P&L", "Chargeback", "Journal",
        "Invoice reconciliation",
    }  # fmt: skip
    compared = 0
    for name, rows in written.items():
        assert len(rows) == len(worked[name])
        for at, (row, others) in enumerate(zip(rows, worked[name], strict=True)):
            for one, other in zip(map(number, row), map(number, others), strict=True):
                if isinstance(one, float):
                    assert other == pytest.approx(one, rel=TOLERANCE, abs=TOLERANCE), (name, at)
                    compared += 1
                else:
                    assert one == other, (name, at)
    assert compared > 500
