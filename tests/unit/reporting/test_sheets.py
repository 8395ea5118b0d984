"""Workbooks: formulas with the values they come to, and texts that stay texts."""

from __future__ import annotations

import re
from io import BytesIO
from typing import TYPE_CHECKING
from zipfile import ZipFile

import pytest
from tests.reported_figures import MADE_NS, a_plan, a_pnl

from legato.core.errors import OperatorError
from legato.reporting.sheets.features import feature_sheet
from legato.reporting.sheets.plan import (
    assumption_sheet,
    cash_flow_sheet,
    outcome_rows,
    ownership_sheet,
    sensitivity_sheet,
)
from legato.reporting.workbook import Book, Column, Formula, Placed, Style, Usd

if TYPE_CHECKING:
    from legato.economics.finance.figures import CaseFigures

PLAN = a_plan()
BASE: CaseFigures = next(case for case in PLAN.cases if case.name == "base")
CELL = re.compile(r'<c r="([A-Z]+\d+)"[^>]*?(?: t="(\w+)")?[^>]*?>(?:<f>(.*?)</f>)?<v>(.*?)</v>')


def workbook() -> bytes:
    book = Book("Plan", made_ns=MADE_NS)
    book.page("Summary").table(
        [Column("What"), Column("Comes to", Style.NUMBER)], outcome_rows(BASE)
    )
    assumption_sheet(book, PLAN)
    months, _ = cash_flow_sheet(book, BASE)
    ownership_sheet(book, BASE, months)
    sensitivity_sheet(book, PLAN)
    feature_sheet(book, a_pnl())
    return book.finish()


def parts(content: bytes) -> dict[str, str]:
    with ZipFile(BytesIO(content)) as file:
        return {name: file.read(name).decode() for name in file.namelist()}


def cells(content: bytes, sheet: int) -> dict[str, tuple[str, str, str]]:
    """Type, formula and value by place."""
    found = CELL.findall(parts(content)[f"xl/worksheets/sheet{sheet}.xml"])
    return {at: (kind, formula, value) for at, kind, formula, value in found}


def test_every_amount_of_the_cash_flow_is_a_formula_with_its_value() -> None:
    found = cells(workbook(), 3)
    made = {at: cell for at, cell in found.items() if cell[1]}
    assert len(made) == 1 + 5 * len(BASE.years) + 15 * len(BASE.months)
    cumulative = [float(value) for at, (_, _, value) in made.items() if at.startswith("O")]
    assert [round(one * 10**9) for one in cumulative] == [
        one.cumulative_nano for one in BASE.months
    ]


def test_texts_that_look_like_formulas_are_texts() -> None:
    content = workbook()
    named = parts(content)["xl/sharedStrings.xml"]
    assert "=cmd|" in named
    assert "=claims" in named
    formulas = [one[1] for sheet in range(1, 7) for one in cells(content, sheet).values()]
    assert not any("cmd" in one or "claims" in one for one in formulas)


def test_the_same_figures_make_the_same_file() -> None:
    assert parts(workbook()) == parts(workbook())


def test_without_values_every_formula_stands_at_zero() -> None:
    book = Book("Empty", made_ns=MADE_NS, with_values=False)
    book.page("One").table([Column("a", Style.USD)], [[Formula("1+1", Usd(2 * 10**9))]])
    assert cells(book.finish(), 1)["A2"] == ("", "1+1", "0")


@pytest.mark.parametrize(("column", "letters"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ")])
def test_references_name_columns_by_letters(column: int, letters: str) -> None:
    placed = Placed("It's", 4, 3, 1)
    assert placed.plain(0, column) == f"{letters}5"
    assert placed.span(column) == f"'It''s'!${letters}$5:${letters}$7"


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "xlsxwriter", None)
    with pytest.raises(OperatorError, match=r"legato\[reports\]"):
        Book("None", made_ns=MADE_NS)
