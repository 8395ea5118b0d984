from hypothesis import given
from hypothesis import strategies as st

from legato.providers.simulated.words import words


@given(st.binary(min_size=1, max_size=64), st.integers(0, 500))
def test_as_many_tokens_as_asked_and_the_same_again(seed: bytes, count: int) -> None:
    tokens = words(seed, count)
    assert len(tokens) == count
    assert tokens == words(seed, count)


def test_reads_as_sentences() -> None:
    text = "".join(words(b"seed", 40))
    assert text[0].isupper()
    assert text.endswith(".")
    assert "  " not in text


def test_another_seed_says_something_else() -> None:
    assert words(b"one", 20) != words(b"two", 20)
