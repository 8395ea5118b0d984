from __future__ import annotations

import pytest

from legato.routing.rules.content import content_of, language_of


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("Write a Python function that sorts a list.", "code"),
        ("Why does `for x in y: ... ():` fail?", "code"),
        ("select the id from orders where it is open", "code"),
        ("Solve 3x = 12 for x.", "maths"),
        ("A train leaves at 3. How many hours later does it arrive?", "maths"),
        ("what is 17 * 23", "maths"),
        ("Extract all names and dates from this letter.", "extraction"),
        ("What is the capital of France?", "chat"),
        ("", "chat"),
    ],
)
def test_content_is_guessed(text: str, content: str) -> None:
    assert content_of(text) == content


def test_who_wants_json_wants_fields_extracted() -> None:
    assert content_of("Who wrote this letter?", wants_json=True) == "extraction"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("What is the best way to do this?", "en"),
        ("Wie komme ich bitte mit dem Zug nach Bonn?", "de"),
        ("Comment est-ce que je peux aller dans une gare ?", "fr"),
        ("¿Cómo se dice esto en el idioma de los niños?", "es"),
        ("今日は何をしますか", "ja"),
        ("你好世界", "zh"),
        ("안녕하세요", "ko"),
        ("как дела", "ru"),
        ("xyzzy", "und"),
    ],
)
def test_language_is_guessed(text: str, language: str) -> None:
    assert language_of(text) == language
