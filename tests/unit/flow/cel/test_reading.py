"""What can't be read is refused with its place, and nothing takes long or deep to refuse."""

from contextlib import suppress
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as some

from legato.flow.cel.reading import CHARACTERS_MAX, read
from legato.flow.cel.syntax import ExpressionInvalid, Name


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("", "1 to 2000 characters"),
        ("a" * 2_001, "1 to 2000 characters"),
        ("1 +", "character 4: it ends too early"),
        ("(1", "its end stands where '\\)'"),
        ("a b", "'b' comes after its end"),
        ("a.1", "comes after its end"),
        ("#", "character 1: '#'"),
        ("eval('x')", "no function 'eval'. Known: size"),
        ("a.size(1)", "takes 0 arguments"),
        ("contains('a', 'b')", r"write it as value.contains\(...\)"),
        ("'1'.int()", r"write it as int\(...\)"),
        ("has(a)", r"write has\(a.b\)"),
        ("a.map(b.c, 1)", r"write .map\(name"),
        ("9223372036854775808", "64 bits"),
        ("1e999", "too large"),
        ("'\\q'", "means nothing"),
        ("'\\ud800'", "no character"),
        ("(" * 30 + "1" + ")" * 30, "nested more than"),
        ("!" * 60 + "a", "nested more than"),
        ("+".join(["1"] * 400), "words are more than"),
        ("a.map(b, b.map(c, c.map(d, d.map(e, e))))", "loops stand at most 3 deep"),
    ],
)
def test_what_cant_be_read_is_told(source: str, told: str) -> None:
    with pytest.raises(ExpressionInvalid, match=told):
        read(source)


def test_names_and_notes_are_read() -> None:
    assert read(" a // what it is\n") == Name(1, "a")


@given(some.text(alphabet="ab.()[]{}?:'\"\\!-+&|=<, 10inr$", max_size=200))
def test_whatever_it_is_it_is_read_or_refused(source: str) -> None:
    with suppress(ExpressionInvalid):
        read(source)


@pytest.mark.parametrize("piece", ["(", "[", "{", "-", "!", "a?", "a.map(", "'", "a."])
def test_refusing_is_quick(piece: str) -> None:
    began = process_time()
    with pytest.raises(ExpressionInvalid):
        read((piece * CHARACTERS_MAX)[:CHARACTERS_MAX])
    assert process_time() - began < 0.2
