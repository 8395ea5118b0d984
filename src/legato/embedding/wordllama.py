"""WordLlama: the mean of a text's token vectors. Static, so a text costs some 10 µs.

The two files are read from the installed wheel without importing the package: its own loader looks
for the tokenizer in a folder that the wheel doesn't have, and brings an HTTP client along.
Weights and method: https://github.com/dleemiller/WordLlama (MIT).
"""

import hashlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Final

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from legato.embedding.base import EmbedderUnavailable
from legato.embedding.tensors import mapped
from legato.embedding.word_ids import WordIds

_WEIGHTS = Path("weights", "l2_supercat_256.safetensors")
_TOKENIZER = Path("tokenizers", "l2_supercat_tokenizer_config.json")
_TENSOR = "embedding.weight"
CHARS_MAX = 16_384
_WORDS_MAX: Final = 10_000
"""Words whose sums are kept: more than a text can have. Their memory is taken as they come."""
_WORD_CHARS_MAX: Final = 32
"""Longer ones are seldom met again, and would take a frequent one's place."""


class WordLlama:
    """An `Embedder` on the weights that lie in the wheel `wordllama`."""

    chars_max = CHARS_MAX

    def __init__(self, weights: Path, tokenizer: Path) -> None:
        """Raises EmbedderUnavailable."""
        tensors = mapped(weights)
        if _TENSOR not in tensors or tensors[_TENSOR].ndim != 2:  # noqa: PLR2004 - a matrix
            raise EmbedderUnavailable(f"{weights} holds no matrix {_TENSOR}: reinstall wordllama")
        self._table: NDArray[np.floating] = tensors[_TENSOR]
        self._words = WordIds(_read_tokenizer(tokenizer), tokenizer)
        self.dimensions = int(self._table.shape[1])
        self.name = f"wordllama-{self.dimensions}@{_digest(weights, tokenizer)}"
        self._sums = np.empty((_WORDS_MAX, self.dimensions), np.float32)
        self._places: dict[str, int] = {}
        self._lock = Lock()  # detectors ask from threads of theirs

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the unit vectors of texts; see `Embedder`."""
        rows = np.zeros((len(texts), self.dimensions), np.float32)
        with self._lock:
            for row, text in zip(rows, texts, strict=True):
                if text:
                    self._put(row, text[:CHARS_MAX])
        return rows

    def _put(self, row: NDArray[np.float32], text: str) -> None:
        places, pieces = self._places, self._words.pieces(text)
        if len(places) + len(pieces) > _WORDS_MAX:
            places.clear()
        known, rare = [], []
        for piece in pieces:
            place = places.get(piece)
            if place is not None:
                known.append(place)
            elif len(piece) > _WORD_CHARS_MAX:
                rare.append(piece)
            else:
                place = places[piece] = len(places)
                self._sums[place] = self._sum_of(piece)
                known.append(place)
        if known:
            np.add.reduce(self._sums.take(known, axis=0), axis=0, out=row)
        for piece in rare:
            row += self._sum_of(piece)
        length = float(np.sqrt(row @ row))
        if length > 0.0:
            row /= length

    def _sum_of(self, piece: str) -> NDArray[np.float32]:
        ids = self._words.of(piece)
        if not ids:
            return np.zeros(self.dimensions, np.float32)
        known = len(self._table)
        vectors = self._table.take(ids, axis=0, mode="clip" if max(ids) >= known else "raise")
        # all at once as float32, since adding float16 row by row takes twice as long
        return np.asarray(np.add.reduce(vectors.astype(np.float32), axis=0), np.float32)


def from_installed_package() -> WordLlama:
    """Open the wheel's own files. Raises EmbedderUnavailable."""
    spec = importlib.util.find_spec("wordllama")
    if spec is None or spec.origin is None:
        raise EmbedderUnavailable("wordllama is not installed: pip install 'legato[semantic]'")
    root = Path(spec.origin).parent
    for part in (_WEIGHTS, _TOKENIZER):
        if not (root / part).is_file():
            raise EmbedderUnavailable(
                f"the installed wordllama holds no {part}: pip install 'wordllama>=0.4'"
            )
    return WordLlama(root / _WEIGHTS, root / _TOKENIZER)


def _read_tokenizer(path: Path) -> Tokenizer:
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises no narrower class
        raise EmbedderUnavailable(f"{path} can't be read as a tokenizer: {error}") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _digest(*files: Path) -> str:
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:8]
