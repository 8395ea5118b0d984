"""WordLlama: the mean of a text's token vectors. Static, so a text costs some 20 µs.

The two files are read from the installed wheel without importing the package: its own loader looks
for the tokenizer in a folder that the wheel doesn't have, and brings an HTTP client along.
Weights and method: https://github.com/dleemiller/WordLlama (MIT).
"""

import hashlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path

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

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the unit vectors of texts; see `Embedder`."""
        rows = np.zeros((len(texts), self.dimensions), np.float32)
        for row, text in zip(rows, texts, strict=True):
            self._put(row, text[:CHARS_MAX])
        return rows

    def _put(self, row: NDArray[np.float32], text: str) -> None:
        known = len(self._table)
        ids = self._words.of(text) if text else []
        if not ids:
            return
        vectors = self._table.take(ids, axis=0, mode="clip" if max(ids) >= known else "raise")
        # all at once as float32, since adding float16 row by row takes twice as long
        np.add.reduce(vectors.astype(np.float32), axis=0, out=row)
        length = float(np.sqrt(row @ row))
        if length > 0.0:
            row /= length


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
