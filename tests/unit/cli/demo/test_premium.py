from __future__ import annotations

import io

import pytest
from rich.console import Console

from legato.cli.demo.premium import SIMULATED, choose_premium

KEYS = {"OPENAI_API_KEY": "not-a-key", "ANTHROPIC_API_KEY": "not-a-key"}


def at_a_terminal(monkeypatch: pytest.MonkeyPatch, answers: str) -> Console:
    keyboard = io.StringIO(answers)
    monkeypatch.setattr(keyboard, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", keyboard)
    return Console(file=io.StringIO(), force_terminal=True)


def test_nobody_is_asked_without_a_terminal() -> None:
    assert choose_premium(Console(file=io.StringIO()), KEYS, 9) is SIMULATED


def test_nobody_is_asked_under_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    console = at_a_terminal(monkeypatch, "y\n")
    assert choose_premium(console, KEYS | {"CI": "true"}, 9) is SIMULATED


def test_nothing_is_asked_without_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    console = at_a_terminal(monkeypatch, "y\n")
    assert choose_premium(console, {}, 9) is SIMULATED


@pytest.mark.parametrize(
    ("answers", "chosen"),
    [
        ("y\n", "premium-openai"),
        ("n\ny\n", "premium-anthropic"),
        ("n\nn\n", "premium-simulated"),
        ("\n\n", "premium-simulated"),
    ],
)
def test_a_person_decides(monkeypatch: pytest.MonkeyPatch, answers: str, chosen: str) -> None:
    console = at_a_terminal(monkeypatch, answers)
    assert choose_premium(console, KEYS, 9).deployment == chosen
