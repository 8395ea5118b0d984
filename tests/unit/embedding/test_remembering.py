"""Vectors that are given again."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from legato.embedding.remembering import TEXTS_MAX, Remembering


class Counting:
    """An embedder that counts what it is asked; a text's vector tells its length."""

    name, dimensions, chars_max = "counting-2@1", 2, 100

    def __init__(self) -> None:
        self.asked: list[str] = []

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.asked += texts
        return np.array([[len(text), 1.0] for text in texts], np.float32)


def test_the_same_text_is_embedded_once_while_few_others_come() -> None:
    inner = Counting()
    embedder = Remembering(inner)
    assert (embedder.name, embedder.dimensions, embedder.chars_max) == (inner.name, 2, 100)
    first = embedder.embed(["why"])
    assert embedder.embed(["why"]) is first
    assert inner.asked == ["why"]
    with pytest.raises(ValueError, match="read-only"):
        first[0, 0] = 7.0
    for number in range(TEXTS_MAX):
        embedder.embed([f"other {number}"])
    assert embedder.embed(["why"]).tolist() == [[3.0, 1.0]]
    assert inner.asked.count("why") == 2


def test_many_at_once_are_not_remembered() -> None:
    inner = Counting()
    embedder = Remembering(inner)
    assert embedder.embed(["a", "bb"]).tolist() == [[1.0, 1.0], [2.0, 1.0]]
    embedder.embed(["a"])
    assert inner.asked == ["a", "bb", "a"]
