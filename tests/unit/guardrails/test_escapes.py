"""What is written in escapes is found where it stands, and comes back as it was."""

import json

import pytest
from tests.unit.guardrails.redaction.marking import Marked

from legato.core.guarding import Piece
from legato.guardrails import scan
from legato.guardrails.escapes import views
from legato.guardrails.policy.custom import custom_of
from legato.guardrails.redaction import Redaction, Restorer

MAIL = "jo@example.com"
CARD = "4111111111111111"
TAG_A = chr(0xE0061)


@pytest.mark.parametrize(
    "written",
    [
        r"jo\u0040example.com",
        r"\u006ao@example.com",
        r"jo\\u0040example.com",
        r"jo\x40example\x2ecom",
        r"jo\u{40}example.com",
        r"jo\U00000040example.com",
        "jo%40example.com",
        "jo%2540example.com",
        "%6A%6F%40%65xample.com",
        "jo&#64;example.com",
        "jo&#64example.com",
        "jo&#x40;example.com",
        "jo&#X0040;example&period;com",
        "jo&commat;example.com",
        "jo&amp;commat;example.com",
        "jo&amp;#64;example.com",
        "jo%26%2364%3Bexample.com",
        r"jo\uff20example.com",
        r"jo\u200b@exam\u00adple.com",
        "jo%E2%80%8B@example.com",
        "jo％40example.com",  # noqa: RUF001 -- full width
        "jo\ufff9@exam\ufffaple\ufffb.com",
        "jo\ufe0f@example\U000e0101.com",
        "jo\u00ad@exam\u00adple.com",
        "jo\x00@example\x08.com",
        "jo\x1b@example.com",
        "jo\x9f@example.com",
        "jo\U000e0001@example.com",
        "jo\U0001bca0@example.com",
        "jo\U000e0fff@example.com",
        r"jo\ud83d\udc4d@example.com",
    ],
)
def test_an_address_in_disguise_is_found_and_comes_back_as_it_was(written: str) -> None:
    text = f"Ask {written} or me."
    found = scan(text, ["EMAIL_ADDRESS"])
    assert len(found) == 1
    if "d83d" not in written:
        assert text[found[0].start : found[0].end] == written
    redaction, piece = Redaction(), Piece(text, "/t")
    told = redaction.redacted([Marked(piece, tuple(found))], [piece])["/t"]
    assert "example" not in told
    restorer = Restorer(redaction)
    assert "".join(map(restorer.feed, told)) + restorer.end() == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"note": "card\\n4111111111111111\\n"}', CARD),
        ("https://x.test/i.png?card=4111%204111%201111%201113", None),
        ("https://x.test/?a=1&m=jo%40example.com&b=2", "jo%40example.com"),
        (f"4111{TAG_A}11111111{TAG_A}1111", f"4111{TAG_A}11111111{TAG_A}1111"),
        (f"4111{chr(0xE0031)}111111111111", f"4111{chr(0xE0031)}111111111111"),
        (r'{"key": "\u0041KIAIOSFODNN7EXAMPLQ"}', r"\u0041KIAIOSFODNN7EXAMPLQ"),
    ],
)
def test_values_within_other_things(text: str, value: str | None) -> None:
    found = [text[one.start : one.end] for one in scan(text)]
    assert found == ([] if value is None else [value])


def test_words_and_patterns_of_a_policy_are_found_in_escapes() -> None:
    custom = custom_of({"key": "corp-[a-z]{4}"}, {"bird": ["Kestrel"]})
    assert custom is not None
    for text, values in {
        r"a \u004bestrel": [r"\u004bestrel"],
        "a %4Bestrel and corp%2Dabcd": ["corp%2Dabcd", "%4Bestrel"],
        "Kestre&#108; flies, Kestrel too": ["Kestre&#108;", "Kestrel"],
        json.dumps("Kestrel\n"): ["Kestrel"],
        r"C:\new\Kestrel": ["Kestrel"],
    }.items():
        found = {text[one.start : one.end] for one in custom.find(text)}
        assert found == set(values), text


@pytest.mark.parametrize(
    "text",
    [
        *("100% of 20", "a & b", "AT&T;", r"C:\users\x", "%zz", r"\u12", "&#1114112;"),
        *(r"\ud800 x", "%ff%fe", "&NotAnEntity;", "\\", "&", "%"),
    ],
)
def test_what_is_no_escape_stays(text: str) -> None:
    assert views(text)[0].text == text
    assert scan(text) == []
    for view in views(text):
        assert view.original(0, len(view.text)) == (0, len(text))


def test_a_text_without_escapes_has_one_view() -> None:
    assert len(views("Nothing here, 4 of 5 say.")) == 1
    assert len(views("100 % and R & D")) == 1


def test_every_character_of_a_decoded_text_is_known_in_the_original() -> None:
    text = r"a%41\u0042&#67;%C3%A9D"
    view = views(text)[1]
    assert view.text == "aABCéD"
    stood = [text[slice(*view.original(at, at + 1))] for at in range(6)]
    assert stood == ["a", "%41", r"\u0042", "&#67;", "%C3%A9", "D"]


def test_escapes_take_time_in_proportion() -> None:
    """A megabyte of them is decoded, whatever is in it."""
    for unit in (r"\\u0040", "%2525", "&amp;", "\\", "%", "&", "&#", r"\u"):
        text = unit * (1_000_000 // len(unit))
        assert views(text)[-1].original(0, 0) == (0, 0)
