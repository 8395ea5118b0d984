"""MiniLM-L6 in 8-bit integers by onnxruntime: a few milliseconds a question on one core.

https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0), converted by
`legato.embedding.minilm_convert`. One thread, started by nobody: it works in the caller's.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

from legato.embedding.base import EmbedderUnavailable
from legato.embedding.minilm_files import (
    DIMENSIONS,
    MODEL,
    NAME,
    TOKENIZER,
    folder,
    name_of,
    sha256_of,
    verified,
)

CHARS_MAX = 8_192
_WINDOW_TOKENS = 254
"""And one at each end: the length the model is meant for. Longer texts are read in windows."""
_FIRST, _LAST = 101, 102
"""[CLS] and [SEP] of the pinned vocabulary."""
_ERRORS_ONLY = 3


class MiniLm:
    """An `Embedder` on a converted model."""

    chars_max = CHARS_MAX
    dimensions = DIMENSIONS

    def __init__(self, place: Path) -> None:
        """Raises EmbedderUnavailable."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = _ERRORS_ONLY
        try:
            self._session = onnxruntime.InferenceSession(
                place / MODEL, options, providers=["CPUExecutionProvider"]
            )
            self._tokenizer = Tokenizer.from_file(str(place / TOKENIZER))
        except Exception as error:  # neither library raises a narrower class
            raise EmbedderUnavailable(
                f"{place} can't be read as MiniLM ({error}): run `legato local pull {NAME}`"
            ) from error
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self.name = name_of(sha256_of(place / MODEL))

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the unit vectors of texts; see `Embedder`."""
        rows = np.zeros((len(texts), DIMENSIONS), np.float32)
        for row, text in zip(rows, texts, strict=True):
            self._put(row, text)
        return rows

    def tokens(self, text: str) -> list[int]:
        """Return the tokens of a text's first window, with those at its ends."""
        return next(iter(self._windows(text)), [])

    def _put(self, row: NDArray[np.float32], text: str) -> None:
        for window in self._windows(text):
            ids = np.array([window], np.int64)
            (mean,) = self._session.run(["mean"], {"ids": ids})
            row += mean[0] * len(window)
        length = float(np.sqrt(row @ row))
        if length > 0.0:
            row /= length

    def _windows(self, text: str) -> list[list[int]]:
        ids = self._tokenizer.encode(text[:CHARS_MAX], add_special_tokens=False).ids
        return [
            [_FIRST, *ids[start : start + _WINDOW_TOKENS], _LAST]
            for start in range(0, len(ids), _WINDOW_TOKENS)
        ]


def from_models(models: Path) -> MiniLm:
    """Open what `legato local pull minilm` made. Raises EmbedderUnavailable."""
    verified(models)
    return MiniLm(folder(models))
