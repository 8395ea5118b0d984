import pytest

from legato.economics.estimate import (
    IMAGE_TOKENS_MAX,
    estimated_usage,
    image_tokens_max,
    input_tokens_bound,
)


def test_a_token_is_at_least_a_byte_and_an_image_counts_by_table() -> None:
    assert input_tokens_bound(1000) == 1000
    assert input_tokens_bound(1000, 2, 4_784) == 1000 + 2 * 4_784
    assert input_tokens_bound(1000, 1) == 1000 + IMAGE_TOKENS_MAX


@pytest.mark.parametrize(
    ("model", "tokens"),
    [
        ("claude-opus-4-8", 4_784),
        ("anthropic.claude-3-haiku-20240307-v1:0", 4_784),
        ("gpt-4o-mini-2024-07-18", 48_169),
        ("openai/GPT-4o-mini", 48_169),
        ("gpt-5.4", 24_600),
        ("models/gemini-2.5-flash", 24_600),
        ("our-deployment", 48_169),
        ("", 48_169),
    ],
)
def test_an_image_counts_as_the_vendor_says(model: str, tokens: int) -> None:
    assert image_tokens_max(model) == tokens


def test_an_estimate_counts_four_characters_a_token_rounded_up() -> None:
    usage = estimated_usage(9, 1)
    assert (usage.in_uncached, usage.out_text) == (3, 1)
