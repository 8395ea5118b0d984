"""What hides letters and digits is taken away, and every position is known in the original."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.guardrails.normalize import normalized


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("plain ASCII", "plain ASCII"),
        ("4111\u200b1111\ufeff1", "411111111"),
        ("\uff11\uff12\uff13\uff20\uff41", "123@a"),
        ("\u0661\u0662\u0663 \u0967", "123 1"),
        ("\U0001d7d8\U0001d7d9\u2460\u00b2", "0112"),
        ("cafe\u0301 4\u0336\u03362", "caf\u00e9 42"),
        ("a\u2011b\u2019c\u00a0d", "a-b'c d"),
        ("\U000e0041\U000e0042", "AB"),
        ("p\u0430yp\u0430l@ex\u0430mple.com", "paypal@example.com"),
    ],
)
def test_a_text_becomes_plain(text: str, plain: str) -> None:
    assert normalized(text).text == plain


@pytest.mark.parametrize(
    "text",
    [
        "\u043f\u0440\u0438\u0432\u0435\u0442 \u043c\u0438\u0440",  # Russian stays Russian
        "\u03b1\u03b2\u03b3 2",
        "M\u00fcller \u0e1b\u0e23\u0e30\u0e40\u0e17\u0e28 \u0939\u093f\u0928\u094d\u0926\u0940",
    ],
)
def test_words_of_other_scripts_stay_as_they_are(text: str) -> None:
    assert normalized(text).text == text


def test_positions_lead_back_to_the_original() -> None:
    text = "id\u200b: e\u0301 \uff11\u200b\uff12 end"
    plain = normalized(text)
    start = plain.text.index("12")
    assert text[slice(*plain.original(start, start + 2))] == "\uff11\u200b\uff12"
    start = plain.text.index("end")
    assert text[slice(*plain.original(start, start + 3))] == "end"
    start = plain.text.index("\u00e9")
    assert text[slice(*plain.original(start, start + 1))] == "e\u0301"


_ALPHABET = "a1 \u0430\u200b\u0301\uff11\u4f60\U000e0041\u0336\u2460"


@given(st.text(alphabet=_ALPHABET, max_size=40))
def test_every_position_lies_in_the_original(text: str) -> None:
    plain = normalized(text)
    last = 0
    for at in range(len(plain.text)):
        start, end = plain.original(at, at + 1)
        assert last <= start < end <= len(text)
        last = start
    assert normalized(plain.text).text == plain.text
