"""Documents are laid out from data, the same each time, and data are never a template's source."""

import sys
from typing import Any

import pytest

from legato.core.errors import OperatorError
from legato.reporting.pages import PageFault, render_pdf, render_pdf_apart, render_pngs

HOSTILE = '#panic("run") $x$ `code` *bold* <b> \\ "quoted" — ümlaut'


def report(told: str = "as it is") -> dict[str, Any]:
    check = {
        "id": "keys-expire", "looks_at": "keys", "status": "fail", "told": told,
        "remedy": "Mend `it`.", "last_looked": None, "history": [],
        "evidence": {"": {"names": [told], "nested": {"a": 1, "none": None, "yes": True}}},
    }  # fmt: skip
    return {
        "title": "A framework", "made_at": "2026-01-01T00:00:00Z", "period": [None, None],
        "legato": "0", "node": "host_name", "summary": dict.fromkeys(
            ("fail", "warn", "no_live_check", "not_applicable", "pass"), 0
        ),
        "gaps": [
            {"control": "C1", "status": "fail", "why": told},
            {"control": "C2", "status": "no_live_check", "why": told},
        ],
        "controls": [{"id": "C1", "demands": told, "status": "fail", "checks": ["keys-expire"]}],
        "checks": [check],
        "audit_log": {"events": 1, "root": "00" * 32, "key": "k", "checkpoint": "a\n1\nb\n"},
    }  # fmt: skip


def test_the_same_data_and_time_give_the_same_bytes() -> None:
    one, two = (render_pdf("compliance", report(), made_ns=10**18) for _ in range(2))
    assert one == two
    assert one.startswith(b"%PDF-")
    assert one != render_pdf("compliance", report("otherwise"), made_ns=10**18)
    assert one != render_pdf("compliance", report(), made_ns=2 * 10**18)


def test_data_are_no_source() -> None:
    pages = render_pngs("compliance", report(HOSTILE), made_ns=0)
    assert len(pages) == 2
    assert all(page.startswith(b"\x89PNG") for page in pages)


def test_a_long_history_goes_over_pages() -> None:
    said = report()
    span = {"status": "pass", "first": "a", "last": "b", "times": 2, "told": "x", "node": "n"}
    said["checks"][0]["history"] = [span] * 1_000
    assert 3 <= len(render_pngs("compliance", said, made_ns=0)) <= 6


def test_a_process_of_its_own_makes_the_same_and_tells_its_faults() -> None:
    apart = render_pdf_apart("compliance", report(), made_ns=10**18)
    assert apart == render_pdf("compliance", report(), made_ns=10**18)
    with pytest.raises(PageFault, match="compliance can't be laid out"):
        render_pdf_apart("compliance", {}, made_ns=0)


def test_data_that_do_not_fit_are_a_fault_of_ours() -> None:
    with pytest.raises(PageFault, match="compliance can't be laid out"):
        render_pdf("compliance", {}, made_ns=0)


def test_without_the_extra_the_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(OperatorError, match=r"pip install 'legato\[reports\]'"):
        render_pdf("compliance", report(), made_ns=0)
