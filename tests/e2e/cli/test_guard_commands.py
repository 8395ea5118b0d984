from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Legato

MAIL = "jo.example@mail.test"
KEY = "ghp_" + "ieZF3AoYT1TbsbF8OYu72FYVMnmj4lm2ox3j"


def test_files_are_scanned_without_telling_what_is_in_them(legato: Legato, tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text(f"nothing here\nü write to {MAIL}\n", encoding="utf-8")
    lines = tmp_path / "calls.jsonl"
    lines.write_text(json.dumps({"messages": [{"content": f"use {KEY}"}], MAIL: 1}) + "\n")

    done = legato("guard", "scan", notes, lines)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"{notes}:2:12 EMAIL_ADDRESS (email)",
        f"{lines}:1:5 /messages/0/content SECRET (github)",
        f"{lines}:1:1 /(hidden)# EMAIL_ADDRESS (email)",
    ]
    assert "3 found in 2 file(s)" in done.stderr

    done = legato("guard", "scan", notes, lines, "--json", "--label", "secrets", "--fail")
    assert done.returncode == 1
    assert KEY not in done.stdout
    assert json.loads(done.stdout) == [
        {
            "file": str(lines),
            "line": 1,
            "column": 5,
            "start": 4,
            "end": 4 + len(KEY),
            "label": "SECRET",
            "detector": "github",
            "pointer": "/messages/0/content",
        }
    ]
    assert KEY in legato("guard", "scan", lines, "--show").stdout


def test_what_cant_be_scanned_is_named(legato: Legato, tmp_path: Path) -> None:
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"a": 1}\n{"a": \n')
    done = legato("guard", "scan", broken)
    assert done.returncode == 1
    assert "line 2" in done.stderr
    done = legato("guard", "scan", broken, "--label", "EMAIL")
    assert done.returncode == 1
    (tmp_path / "x.txt").write_text("x")
    done = legato("guard", "scan", tmp_path / "x.txt", "--label", "EMAIL")
    assert "nothing finds 'EMAIL'" in done.stderr


def test_detectors_are_scored(legato: Legato, tmp_path: Path) -> None:
    rows = [
        {"text": f"write to {MAIL}", "spans": [[9, 9 + len(MAIL), "EMAIL_ADDRESS"]]},
        {"text": "commit a2043d77faecbaa4ff21db0c2e0b03dd475c5a6c", "spans": []},
    ]
    path = tmp_path / "marked.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    done = legato("eval", "pii", path, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert set(told) == {"all", "labels", "leak", "clean_docs", "neg_fp", "ms_per_2kb_p50"}
    assert told["all"] == {"precision": 1.0, "recall": 1.0, "f2": 1.0}
    assert told["labels"] == {"EMAIL_ADDRESS": {"n": 1, "precision": 1.0, "recall": 1.0, "f2": 1.0}}
    assert (told["leak"], told["clean_docs"], told["neg_fp"]) == (0.0, 1.0, 0.0)
    shown = legato("eval", "pii", path).stdout
    assert "EMAIL_ADDRESS" in shown
