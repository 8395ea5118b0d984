"""Personal data and secrets are found where they are; what only looks like them isn't."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.core.errors import InvalidRequest
from legato.guardrails import personal, scan, secrets
from legato.guardrails.expressions import Expression
from legato.guardrails.spans import Text


def _found(text: str) -> list[tuple[str, str]]:
    return [(one.label, text[one.start : one.end]) for one in scan(text)]


def _labels(text: str) -> set[str]:
    return {one.label for one in scan(text)}


def test_finds_what_is_in_a_text_with_its_place() -> None:
    text = "Write to jo@example.com or call +1 212 555 0142 from 87.134.34.68."
    assert _found(text) == [
        ("EMAIL_ADDRESS", "jo@example.com"),
        ("PHONE_NUMBER", "+1 212 555 0142"),
        ("IP_ADDRESS", "87.134.34.68"),
    ]


def test_places_are_characters_not_bytes() -> None:
    text = "Søren → 日本 jo@example.com 🎻 IBAN GB29 NWBK 6016 1331 9268 19 ü"
    assert _found(text) == [
        ("EMAIL_ADDRESS", "jo@example.com"),
        ("IBAN_CODE", "GB29 NWBK 6016 1331 9268 19"),
    ]


def test_only_what_is_asked_for() -> None:
    text = "jo@example.com, password: hunter2!x"
    assert [one.label for one in scan(text, ["secrets"])] == ["SECRET"]
    assert [one.label for one in scan(text, ["EMAIL_ADDRESS"])] == ["EMAIL_ADDRESS"]
    assert [one.label for one in scan(text, ["personal"])] == ["EMAIL_ADDRESS"]


def test_an_unknown_label_is_refused_by_name() -> None:
    with pytest.raises(InvalidRequest, match=r"nothing finds 'EMAIL'; .*EMAIL_ADDRESS"):
        scan("x", ["EMAIL"])


@pytest.mark.parametrize(
    ("text", "label", "original"),
    [
        (
            "card 4111\u200b1111\u200b1111\u200b1111.",
            "CREDIT_CARD",
            "4111\u200b1111\u200b1111\u200b1111",
        ),
        (
            "card \uff14\uff11\uff11\uff11 1111 1111 1111",
            "CREDIT_CARD",
            "\uff14\uff11\uff11\uff11 1111 1111 1111",
        ),
        ("to j\u200bo@ex\u0430mple.com now", "EMAIL_ADDRESS", "j\u200bo@ex\u0430mple.com"),
        ("SSN 521\u201144\u20119382", "US_SSN", "521\u201144\u20119382"),
        ("ring \u0660\u0662\u0660 7946 0958", "PHONE_NUMBER", "\u0660\u0662\u0660 7946 0958"),
    ],
)
def test_case_09_hidden_personal_data_is_caught_with_right_offsets(
    text: str, label: str, original: str
) -> None:
    assert (label, original) in _found(text)


@pytest.mark.parametrize(
    "text",
    [
        "Card 4719884036317308 must be refused, it fails the check.",
        "The SSN 000-12-3456 and 666-87-2454 are never issued, nor is 123-00-4567 or 123-45-0000.",
        "git checkout a2043d77faecbaa4ff21db0c2e0b03dd475c5a6c",
        "sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "request 2f7c164c-8170-fbe7-d5d5-a48481450644, build 3.77.199",
        "pip install foo==2.17.58.1 and version 10.2.3.4",
        "IBAN NL43ABNA8471512167 fails mod 97.",
    ],
)
def test_case_14_what_only_looks_like_personal_data_is_left_alone(text: str) -> None:
    assert _found(text) == []


def test_case_15_a_megabyte_of_almost_addresses_takes_less_than_a_second() -> None:
    text = "a@" * 500_000
    scan("a@")
    began = time.process_time()
    assert scan(text) == []
    assert time.process_time() - began < 1.0


@pytest.mark.parametrize(
    "unit",
    [
        *(
            "a@a.",
            "1.",
            "1:",
            "1",
            "(1",
            "password=",
            "eyJa.",
            "sk-",
            "://a:",
            "AB12 ",
            "passport ",
        ),
        *("::", "mysql ", "\u200b", "\u0430", "e\u0301", "-----BEGIN PRIVATE KEY-----"),
    ],
)
def test_case_15_so_does_every_other_row_of_almost_something(unit: str) -> None:
    """A quarter of a megabyte: what takes time in proportion to its square takes minutes."""
    text = unit * (250_000 // len(unit))
    scan(unit)
    began = time.process_time()
    scan(text)
    assert time.process_time() - began < 2.0


@given(st.text(alphabet="ab1. @:-+=/AKIsk_password 4111", max_size=300))
def test_no_gate_stays_closed_before_a_find(text: str) -> None:
    view = Text(text)
    for family in (*secrets.families(), *personal.families()):
        if list(family.find(view)):
            assert Expression(family.gate).within(view.data)


@given(st.text(max_size=200))
def test_any_text_gives_ordered_places_inside_it(text: str) -> None:
    last = 0
    for one in scan(text):
        assert last <= one.start < one.end <= len(text)
        last = one.end


@given(st.text(max_size=60), st.text(max_size=60))
def test_an_address_is_found_between_any_texts(before: str, behind: str) -> None:
    text = f"{before} jo@example.com {behind}"
    assert "EMAIL_ADDRESS" in _labels(text) or "SECRET" in _labels(text)
