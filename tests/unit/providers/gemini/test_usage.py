"""Gemini's usage as disjoint classes."""

from typing import Any

import pytest

from legato.core.usage import Usage
from legato.providers.gemini.usage import read_usage

FULL = {
    "promptTokenCount": 100,
    "cachedContentTokenCount": 30,
    "candidatesTokenCount": 20,
    "thoughtsTokenCount": 7,
    "toolUsePromptTokenCount": 5,
    "totalTokenCount": 132,
    "promptTokensDetails": [
        {"modality": "TEXT", "tokenCount": 60},
        {"modality": "IMAGE", "tokenCount": 25},
        {"modality": "AUDIO", "tokenCount": 15},
    ],
    "cacheTokensDetails": [
        {"modality": "TEXT", "tokenCount": 20},
        {"modality": "AUDIO", "tokenCount": 10},
    ],
    "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 12}],
}


def test_the_classes_are_disjoint_and_sum_to_the_total() -> None:
    usage = read_usage(FULL)
    assert usage == Usage(
        in_uncached=45,
        cache_read=30,
        audio_in=5,
        image_in=25,
        out_text=8,
        image_out=12,
        reasoning=7,
    )
    assert usage.total_tokens == FULL["totalTokenCount"]


def test_thoughts_that_the_candidates_include_count_once() -> None:
    reported = {
        "promptTokenCount": 10,
        "candidatesTokenCount": 20,
        "thoughtsTokenCount": 7,
        "totalTokenCount": 30,
    }
    usage = read_usage(reported)
    assert usage == Usage(in_uncached=10, out_text=13, reasoning=7)


@pytest.mark.parametrize(
    "reported",
    [
        None,
        [],
        {},
        {"candidatesTokenCount": 3},
        {"promptTokenCount": "many"},
        {"promptTokenCount": -1},
        {"promptTokenCount": 10**13},
    ],
)
def test_what_is_no_report_is_none(reported: Any) -> None:
    assert read_usage(reported) is None


def test_details_beyond_their_whole_are_cut() -> None:
    details = [{"modality": "AUDIO", "tokenCount": 99}, {"modality": "IMAGE", "tokenCount": 99}]
    usage = read_usage({"promptTokenCount": 10, "promptTokensDetails": details})
    assert usage == Usage(audio_in=10)
