from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.core.usage import Usage
from legato.providers.openai_compatible.usage import read_usage


def test_prompt_tokens_include_cached_and_completion_includes_reasoning() -> None:
    assert read_usage(
        {
            "prompt_tokens": 100,
            "completion_tokens": 50,
            "total_tokens": 150,
            "prompt_tokens_details": {"cached_tokens": 60, "audio_tokens": 10},
            "completion_tokens_details": {"reasoning_tokens": 30, "audio_tokens": 5},
        }
    ) == Usage(in_uncached=30, cache_read=60, audio_in=10, out_text=15, reasoning=30, audio_out=5)


def test_deepseek_cache_hits() -> None:
    assert read_usage(
        {"prompt_tokens": 10, "completion_tokens": 1, "prompt_cache_hit_tokens": 4}
    ) == Usage(in_uncached=6, cache_read=4, out_text=1)


def test_xai_reasoning_beside_the_completion() -> None:
    reported: dict[str, Any] = {"prompt_tokens": 12, "completion_tokens": 1, "total_tokens": 399}
    reported["completion_tokens_details"] = {"reasoning_tokens": 386}
    assert read_usage(reported) == Usage(in_uncached=12, out_text=1, reasoning=386)


def test_embeddings_have_no_completion() -> None:
    assert read_usage({"prompt_tokens": 8, "total_tokens": 8}) == Usage(in_uncached=8)


@pytest.mark.parametrize(
    "reported",
    [
        None,
        [],
        "12",
        {},
        {"completion_tokens": 4},
        {"prompt_tokens": -1, "completion_tokens": 4},
        {"prompt_tokens": 1, "completion_tokens": -4},
        {"prompt_tokens": 10**15, "completion_tokens": 4},
        {"prompt_tokens": "9", "completion_tokens": 4},
    ],
)
def test_what_is_no_report(reported: object) -> None:
    assert read_usage(reported) is None


def test_details_over_their_whole_are_cut_to_it() -> None:
    usage = read_usage(
        {
            "prompt_tokens": 10,
            "completion_tokens": 5,
            "prompt_tokens_details": {"cached_tokens": 25, "audio_tokens": 3},
            "completion_tokens_details": {"reasoning_tokens": 9},
        }
    )
    assert usage == Usage(cache_read=10, reasoning=5)


TOKENS = st.one_of(st.none(), st.integers(-5, 1000))


@given(
    prompt=st.integers(0, 1000),
    completion=st.integers(0, 1000),
    inside=st.dictionaries(
        st.sampled_from(["cached_tokens", "audio_tokens", "image_tokens", "cache_write_tokens"]),
        TOKENS,
    ),
    details=st.dictionaries(
        st.sampled_from(["reasoning_tokens", "audio_tokens", "image_tokens"]), TOKENS
    ),
)
def test_parts_sum_to_the_total_and_none_is_negative(
    prompt: int, completion: int, inside: dict[str, int], details: dict[str, int]
) -> None:
    usage = read_usage(
        {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
            "prompt_tokens_details": inside,
            "completion_tokens_details": details,
        }
    )
    assert usage is not None
    assert usage.total_tokens == prompt + completion
    assert usage.input_tokens == prompt
    assert all(getattr(usage, name) >= 0 for name in Usage.__struct_fields__)
