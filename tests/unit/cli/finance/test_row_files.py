from pathlib import Path

import pytest

from legato.cli.finance.row_files import read_rows
from legato.core.errors import InvalidRequest
from legato.economics.finance.entries import LabourSaid, RevenueSaid

HEAD = "period,amount,source\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rows.csv"


def test_empty_cells_count_as_left_out_and_quotes_hold_what_they_will(file: Path) -> None:
    file.write_text(
        "\ufeff" + HEAD + '2026-08,"7","line one\nline two, with a comma"\n2026-09, 8 ,\n'
    )
    first, second = read_rows(file, RevenueSaid)
    assert first.source == "line one\nline two, with a comma"
    assert (second.amount, second.source, second.currency) == ("8", "", "USD")


def test_json_is_read_as_well(file: Path) -> None:
    named = file.with_suffix(".json")
    named.write_text('[{"period": "2026-08", "role": "agent", "hours": "1", "usd_per_hour": "2"}]')
    assert read_rows(named, LabourSaid)[0].phase == "after"
    named.write_text('[{"period": "2026-08"}]')
    with pytest.raises(InvalidRequest, match="hours"):
        read_rows(named, LabourSaid)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("period,amont\n2026-08,1\n", "no column 'amont'; known are amount"),
        ("", "no header"),
        (HEAD + "2026-08,1\n", "line 2: not as many cells"),
        (HEAD + "2026-08,1,x,y\n", "line 2: not as many cells"),
        (HEAD + "2026-08,1,x\n2026-08,,x\n", "line 3: .*amount"),
        (HEAD + '2026-08,1,"x\n', "line"),
    ],
)
def test_a_refusal_names_the_line(file: Path, text: str, told: str) -> None:
    file.write_text(text)
    with pytest.raises(InvalidRequest, match=told):
        read_rows(file, RevenueSaid)


def test_what_is_no_text_is_refused(file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidRequest, match="UTF-8"):
        read_rows(file, RevenueSaid)
