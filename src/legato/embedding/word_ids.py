"""The tokens of a text, word by word, so that words met before are not taken apart again.

The tokenizer takes a whole text for one word, and pairs of its letters are merged again and again:
some 50 µs for a question, more than the sum of its vectors. No token of its vocabulary reaches
beyond a word, so no merge does, and a text's tokens are those of its words.
"""

from pathlib import Path
from typing import Any, Final

import msgspec
from tokenizers import Tokenizer

_SPACE: Final = "\u2581"
_NORMALIZER: Final = {
    "type": "Sequence",
    "normalizers": [
        {"type": "Prepend", "prepend": _SPACE},
        {"type": "Replace", "pattern": {"String": " "}, "content": _SPACE},
    ],
}
_WORDS_MAX: Final = 10_000
_CHARS_MAX: Final = 32
"""Longer words are seldom met again, and would take room."""


class _Model(msgspec.Struct):
    type: str = ""
    vocab: Any = None


class _Added(msgspec.Struct):
    content: str


class _Said(msgspec.Struct):
    """What a tokenizer's file says of how it takes texts apart."""

    model: _Model
    added_tokens: list[_Added] = []
    normalizer: Any = None
    pre_tokenizer: Any = None


class WordIds:
    """Gives the very tokens that the tokenizer gives."""

    def __init__(self, tokenizer: Tokenizer, file: Path) -> None:
        """`file` is the one that the tokenizer was read from."""
        said = msgspec.json.decode(file.read_bytes(), type=_Said)
        self._tokenizer = tokenizer
        self._by_word = (
            said.model.type == "BPE"
            and said.normalizer == _NORMALIZER
            and said.pre_tokenizer is None
            and isinstance(said.model.vocab, dict)
            and not any(_SPACE in token.lstrip(_SPACE) for token in said.model.vocab)
        )
        self._never_within = (_SPACE, "  ", *(added.content for added in said.added_tokens))
        self._known: dict[str, list[int]] = {}

    def of(self, text: str) -> list[int]:
        """Return the ids of a text's tokens."""
        if not self._by_word or any(one in text for one in self._never_within):
            return self._encoded(text)
        words = text.split(" ")
        if not (words[0] and words[-1]):
            return self._encoded(text)
        ids: list[int] = []
        for word in words:
            ids += self._known.get(word) or self._learned(word)
        return ids

    def _learned(self, word: str) -> list[int]:
        ids = self._encoded(word)
        if len(word) <= _CHARS_MAX:
            if len(self._known) >= _WORDS_MAX:
                self._known.clear()
            self._known[word] = ids
        return ids

    def _encoded(self, text: str) -> list[int]:
        # one by one: a batch would start the tokenizer's threads, which don't survive a fork
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids
