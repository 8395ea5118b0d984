"""Texts become tokens whose places in the text are exact, in linear time."""

import time

from legato.guardrails.names.tokens import stretches, tokens_of


def words(text: str) -> list[str]:
    return [token.text for token in tokens_of(text)]


def test_names_with_hyphens_and_apostrophes_stay_whole() -> None:
    assert words("Jean-Luc O'Brien's dog") == ["Jean-Luc", "O'Brien", "'", "s", "dog"]


def test_addresses_of_mail_and_web_are_one_token() -> None:
    text = "Write to ana.sol@example.org or see https://example.org/a?b=c now"
    assert words(text)[2] == "ana.sol@example.org"
    assert "https://example.org/a?b=c" in words(text)


def test_ideographs_are_single_tokens_and_line_ends_count() -> None:
    assert words("王芳\nLi") == ["王", "芳", "\n", "Li"]


def test_places_in_the_text_are_exact() -> None:
    text = "Zoë,  née\tMüller — 12b नमस्ते 🙂"
    for token in tokens_of(text):
        assert text[token.start : token.end] == token.text
    assert [token.glued for token in tokens_of("a, b")] == [False, True, False]


def test_a_long_run_of_look_alike_mail_addresses_is_linear() -> None:
    began = time.process_time()
    for unit in ("a@", "a.", "a-", "'s", "a'"):
        tokens_of(unit * 100_000)
    assert time.process_time() - began < 10


def test_long_texts_are_cut_at_a_line_end() -> None:
    tokens = tokens_of(("one two three\n" * 200) + "x " * 900)
    parts = stretches(tokens, 400)
    assert [token for part in parts for token in part] == tokens
    assert max(map(len, parts)) <= 400
    assert parts[0][-1].text == "\n"
