from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Legato

ASKED = [
    ("How do I reset my password?", "password"),
    ("Where can I see my invoices?", "invoices"),
    ("how do I reset my password", "password"),
    ("Can I see my invoices? Where?", "invoices"),
    ("How do I reset my PIN?", "pin"),
]


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    lines = [
        json.dumps({"pos": place, "text": text, "cluster": cluster})
        for place, (text, cluster) in enumerate(ASKED * 60)
    ]
    path = tmp_path / "asked.jsonl"
    path.write_text("\n".join(lines))
    return path


def test_a_file_of_questions_is_replayed(legato: Legato, questions: Path) -> None:
    done = legato(
        "eval", "cache", questions, "--bound", "0.05", "--embedder", "wordllama", "--shuffles", "2",
        "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["requests"] == 5 * 60
    assert found["hits"] == found["correct_hits"] + found["wrong_hits"] > 50
    assert found["wrong_hits"] <= 0.05 * found["requests"]
    assert found["checked"] <= 0.05 * found["hits"]
    assert found["shuffles"]["wrong_share"]["greatest"] <= 0.05


def test_weights_that_are_not_there_are_named(
    legato: Legato, questions: Path, tmp_path: Path
) -> None:
    done = legato("eval", "cache", questions, "--embedder", "minilm", "--data", tmp_path / "none")
    assert done.returncode != 0
    assert "legato local pull minilm" in done.stderr


def test_without_the_extra_its_name_is_told(legato: Legato, questions: Path) -> None:
    away = questions.parent / "away"
    away.mkdir()
    (away / "numpy.py").write_text("raise ModuleNotFoundError('numpy', name='numpy')")
    path = os.pathsep.join([str(away), *sys.path])
    done = legato("eval", "cache", questions, PYTHONPATH=path)
    assert done.returncode != 0
    assert done.stderr == "legato: the replay needs numpy: pip install 'legato[semantic]'\n"
