"""Structured findings go before names, and nothing of the answer overlaps."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from legato.core.guarding import Finding
from legato.guardrails.names.spans import settled_with

TEXT = "x" * 61


def findings(label: str, *places: tuple[int, int]) -> list[Finding]:
    return [Finding(label, start, end) for start, end in places]


def test_a_name_keeps_what_a_structured_finding_leaves_of_it() -> None:
    mail = findings("EMAIL_ADDRESS", (10, 20))
    assert settled_with(TEXT, mail, findings("PERSON", (0, 12))) == [
        Finding("PERSON", 0, 10),
        *mail,
    ]
    assert settled_with(TEXT, mail, findings("PERSON", (12, 18))) == mail
    assert settled_with(TEXT, mail, findings("PERSON", (8, 20))) == mail
    assert settled_with(TEXT, [], findings("PERSON", (8, 20))) == findings("PERSON", (8, 20))


def test_what_is_left_of_a_name_has_no_signs_at_its_ends() -> None:
    text = "DE02 1203, Ana Souza-Lima"
    iban = findings("IBAN_CODE", (0, 9))
    assert settled_with(text, iban, findings("PERSON", (5, 25)))[1:] == findings("PERSON", (11, 25))


@st.composite
def apart(draw: st.DrawFn, label: str) -> list[Finding]:
    cuts = sorted(draw(st.sets(st.integers(0, 60), max_size=12)))
    pairs = zip(cuts[::2], cuts[1::2], strict=False)
    return [Finding(label, start, end) for start, end in pairs]


@given(apart("IBAN_CODE"), apart("PERSON"))
def test_nothing_overlaps_and_no_structured_finding_is_lost(
    structured: list[Finding], names: list[Finding]
) -> None:
    found = settled_with(TEXT, structured, names)
    assert [one for one in found if one.label == "IBAN_CODE"] == structured
    for one, following in pairwise(found):
        assert one.start < one.end <= following.start
