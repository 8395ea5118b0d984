import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.core.measures import Measures, read_measures
from legato.core.usage import Usage

counts = st.integers(0, 10**9)


@given(st.booleans(), counts)
def test_what_is_written_is_read(prompt_cache: bool, removed: int) -> None:  # noqa: FBT001
    measures = Measures(prompt_cache, removed)
    assert read_measures(str(measures)) == (measures if prompt_cache or removed else None)


def test_an_unknown_word_is_told() -> None:
    with pytest.raises(ValueError, match="'magic'"):
        read_measures("prompt_cache magic")


@given(counts, counts, counts, counts)
def test_without_marks_all_input_is_read_anew(fresh: int, read: int, wrote: int, out: int) -> None:
    used = Usage(in_uncached=fresh, cache_read=read, cache_write_5m=wrote, out_text=out)
    assert Measures(prompt_cache=True).without(used) == Usage(
        in_uncached=fresh + read + wrote, out_text=out
    )


def test_what_was_removed_would_have_been_read_and_the_callers_own_cache_stays() -> None:
    used = Usage(in_uncached=10, cache_read=5, out_text=1)
    assert Measures(removed_tokens=90).without(used) == Usage(
        in_uncached=100, cache_read=5, out_text=1
    )
