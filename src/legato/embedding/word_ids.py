"""A text as the tokenizer takes it apart, word by word, so that words met before are known.

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
    """Gives the very tokens that the tokenizer gives of a whole text."""

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

    def pieces(self, text: str) -> list[str]:
        """Return parts whose tokens, one after the other, are the text's: words, or all of it."""
        if not self._by_word or any(one in text for one in self._never_within):
            return [text]
        words = text.split(" ")
        return words if words[0] and words[-1] else [text]

    def of(self, piece: str) -> list[int]:
        """Return the ids of a piece's tokens."""
        # one by one: a batch would start the tokenizer's threads, which don't survive a fork
        ids: list[int] = self._tokenizer.encode(piece, add_special_tokens=False).ids
        return ids
