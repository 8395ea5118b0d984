from legato.economics.estimate import estimated_usage, input_tokens_bound


def test_a_token_is_at_least_a_byte_and_an_image_counts_by_table() -> None:
    assert input_tokens_bound(1000, 0) == 1000
    assert input_tokens_bound(1000, 2) == 1000 + 2 * 1600
    assert input_tokens_bound(1000, 1, inline_image_bytes=5000) == 1600


def test_an_estimate_counts_four_characters_a_token_rounded_up() -> None:
    usage = estimated_usage(9, 1)
    assert (usage.in_uncached, usage.out_text) == (3, 1)
