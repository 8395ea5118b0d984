"""Words that must not stand in the tree: postponed work, build machines, index addresses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent

# Put together from parts, so that this file does not find itself.
POSTPONED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")
MACHINE = re.compile(r"(?<![\w.~/-])/(home|Users|ro" + r"ot)/[\w.-]+|file:" + r"///(?!\{)")
INDEX = re.compile(r"^\s*--?(i|index-url|extra-index-url|find-links|trusted-host)\b", re.MULTILINE)
SENTENCES = {"templates.txt"}
"""What a tagger learns from: it must have seen such words in others' code."""
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "manager", "common", "misc", "stuff"}
# A checkout may lie straight below one of these, and they may be named for other reasons.
ORDINARY_FOLDERS = {"/", "/tmp", "/srv", "/opt", "/app", "/home", "/var/tmp", "/usr/src"}  # noqa: S108


def text_of(path: Path) -> str:
    content = path.read_bytes()
    return "" if b"\0" in content[:8192] else content.decode(errors="replace")


def matches(pattern: re.Pattern[str], tree: list[Path]) -> list[str]:
    return [
        f"{path}: {found.group()!r}"
        for path in tree
        for found in pattern.finditer(text_of(path))
        if path.parent != HERE
    ]


def test_no_work_is_postponed_in_a_comment(tree: list[Path]) -> None:
    code = [path for path in tree if path.suffix != ".jsonl" and path.name not in SENTENCES]
    assert matches(POSTPONED, code) == []


def test_no_path_of_a_build_machine(tree: list[Path], root: Path) -> None:
    assert matches(MACHINE, tree) == []
    if str(root.parent) not in ORDINARY_FOLDERS:
        assert matches(re.compile(re.escape(f"{root.parent}/")), tree) == []


def test_requirement_files_name_no_index(tree: list[Path]) -> None:
    locks = [path for path in tree if "requirements" in path.parts]
    assert len(locks) >= 6
    assert matches(INDEX, locks) == []


def test_every_locked_requirement_carries_a_hash(tree: list[Path]) -> None:
    pin = re.compile(r"^[A-Za-z0-9._-]+==.*(?:\n[ \t]+.*)*", re.MULTILINE)
    for lock in (p for p in tree if "requirements" in p.parts and p.suffix == ".txt"):
        pins = pin.findall(lock.read_text())
        assert pins, lock
        assert [entry for entry in pins if "--hash=sha256:" not in entry] == []


def test_no_module_has_a_vague_name(tree: list[Path], root: Path) -> None:
    source = [path.relative_to(root) for path in tree if path.is_relative_to(root / "src")]
    assert [path for path in source if VAGUE_NAMES & {*path.parts, path.stem}] == []


@pytest.mark.parametrize(
    ("pattern", "caught", "passed"),
    [
        (POSTPONED, "# TO" + "DO: later", "todos is a table"),
        (MACHINE, "see /ro" + "ot/project", "GET https://example.org/home/page"),
        (MACHINE, 'path = "/Users' + '/someone"', "~/home/x"),
        (INDEX, "--index-url https://example.org", "pkg==1 --hash=sha256:0"),
    ],
)
def test_the_patterns_catch(pattern: re.Pattern[str], caught: str, passed: str) -> None:
    assert pattern.search(caught)
    assert not pattern.search(passed)
