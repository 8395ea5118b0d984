"""Scores of found spans, worked out by hand."""

from pathlib import Path

import pytest

from legato.core.errors import InvalidRequest
from legato.evaluation.span_scores import Marked, Span, read_marked, report

MAIL = "EMAIL_ADDRESS"
PHONE = "PHONE_NUMBER"


def _report(rows: list[tuple[str, list[Span], list[Span]]], *labels: str) -> dict:  # type: ignore[type-arg]
    found = {text: spans for text, _, spans in rows}
    marked = [Marked(text, known) for text, known, _ in rows]
    return report(lambda text: found.get(text, []), marked, labels or (MAIL, PHONE))


def test_half_of_both_together_must_be_shared() -> None:
    known = [(0, 10, MAIL), (20, 30, MAIL)]
    told = _report([("x" * 40, known, [(0, 5, MAIL), (20, 24, MAIL)])])
    assert told["labels"][MAIL] == {"n": 2, "precision": 0.5, "recall": 0.5, "f2": 0.5}
    assert told["leak"] == 0.55
    assert told["clean_docs"] == 0.0


def test_a_find_counts_for_one_span_and_of_its_label_only() -> None:
    known = [(0, 6, MAIL), (6, 12, MAIL), (20, 30, PHONE)]
    told = _report([("x" * 40, known, [(0, 12, MAIL), (20, 30, MAIL)])])
    assert told["labels"][MAIL] == {"n": 2, "precision": 0.5, "recall": 0.5, "f2": 0.5}
    assert told["labels"][PHONE]["recall"] == 0.0
    assert told["all"] == {"precision": 0.5, "recall": 0.3333, "f2": 0.3571}
    assert told["leak"] == 0.0
    assert told["clean_docs"] == 1.0


def test_what_covers_a_span_of_another_kind_is_no_false_alarm() -> None:
    rows = [("x" * 20, [(0, 10, "PERSON")], [(0, 10, MAIL)]), ("y" * 20, [], [(0, 5, MAIL)])]
    told = _report(rows, MAIL)
    assert told["labels"][MAIL] == {"n": 0, "precision": 0.0, "recall": 0.0, "f2": 0.0}
    assert told["neg_fp"] == 1.0
    assert _report(rows[:1], MAIL)["labels"] == {}


def test_recall_weighs_twice() -> None:
    known = [(0, 10, MAIL)]
    told = _report([("x" * 40, known, [(0, 10, MAIL), (20, 30, MAIL)])])
    assert told["all"] == {"precision": 0.5, "recall": 1.0, "f2": 0.8333}
    assert told["ms_per_2kb_p50"] >= 0


def test_a_file_is_read_and_its_wrong_line_named(tmp_path: Path) -> None:
    path = tmp_path / "marked.jsonl"
    path.write_text('{"id": 1, "text": "a b", "spans": [[0, 1, "PERSON"]]}\n\n{"text": "c"}\n')
    assert read_marked(path) == [Marked("a b", [(0, 1, "PERSON")]), Marked("c", [])]
    path.write_text('{"text": "a b"}\n{"text": "a b", "spans": [[0, 9, "PERSON"]]}\n')
    with pytest.raises(InvalidRequest, match="line 2: a span lies outside its text"):
        read_marked(path)
    path.write_text('{"spans": []}\n')
    with pytest.raises(InvalidRequest, match=r"line 1: .*`text`"):
        read_marked(path)
    path.write_text("")
    with pytest.raises(InvalidRequest, match="holds no texts"):
        read_marked(path)
