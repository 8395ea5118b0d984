"""What the tagger sees of a word doesn't hang on anything but the word and its neighbours."""

from array import array
from zlib import crc32

import pytest

from legato.guardrails.names.features import Lexicon, beside, case_of, own, phrases_of, traits_of
from legato.guardrails.names.tokens import tokens_of

KEYS = sorted((crc32(b"new york"), crc32(b"ana")))
LEXICON = Lexicon(
    array("I", KEYS), bytes(4 if key == crc32(b"new york") else 1 for key in KEYS), bytes([0, 7])
)


@pytest.mark.parametrize(
    ("word", "shape"),
    [
        ("ana", "x"),
        ("Ana", "Xx"),
        ("ANA", "XX"),
        ("A", "X"),
        ("McDonald", "XxXx"),
        ("1234", "dddd"),
        ("Ольга", "Xxc"),
    ],
)
def test_shapes(word: str, shape: str) -> None:
    assert traits_of(word, LEXICON).shape == shape


def test_lists_are_looked_up_in_lower_case() -> None:
    assert traits_of("ANA", LEXICON).flags == "F"
    assert traits_of("Bob", LEXICON).flags == ""


def test_numbers_show_only_their_length() -> None:
    assert own(traits_of("1234", LEXICON)) == own(traits_of("9876", LEXICON))


def test_phrases_mark_every_word_of_theirs() -> None:
    seen = [traits_of(token.text, LEXICON) for token in tokens_of("in New York now")]
    assert phrases_of(seen, LEXICON) == ["", "4", "4", ""]


def test_a_neighbour_says_where_it_stands() -> None:
    ana = traits_of("Ana", LEXICON)
    assert beside(ana, -1)[0] == "-1w=ana"
    assert set(beside(ana, 1)).isdisjoint(beside(ana, -1))


@pytest.mark.parametrize(
    ("text", "case"), [("all low 1", "l"), ("ALL UP", "u"), ("So so", "m"), ("12", "m")]
)
def test_case_of_a_text(text: str, case: str) -> None:
    assert case_of(tokens_of(text)) == case
