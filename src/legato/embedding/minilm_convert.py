"""From MiniLM's published weights to a small integer model, held against the weights in numpy."""

import logging
import os
import shutil
from pathlib import Path

import msgspec
import numpy as np
from onnx import TensorProto
from onnxruntime.quantization import QuantType, quantize_dynamic

from legato.embedding.base import EmbedderUnavailable
from legato.embedding.minilm import MiniLm
from legato.embedding.minilm_files import (
    ABOUT,
    MODEL,
    TOKENIZER,
    TOKENIZER_SHA256,
    WEIGHTS_SHA256,
    About,
    folder,
    sha256_of,
)
from legato.embedding.minilm_graph import Weights, build
from legato.embedding.minilm_reference import mean_of
from legato.embedding.tensors import mapped

COSINE_MIN = 0.985
"""0.992 to 0.997 were measured; a conversion that went wrong has far less."""
_LOOKED_AT = (
    "How do I reset my password?",
    "What is the capital of France?",
    "Please translate 'good morning' into German, formally.",
    "Is order 4711 for 12.50 EUR not shipped yet? ünïcode 你好",
    "The quick brown fox jumps over the lazy dog and writes to the committee. " * 12,
)


def convert(weights: Path, tokenizer: Path, models: Path, workplace: Path) -> About:
    """Convert in `workplace`, on the same volume as `models`, and move the result there whole.

    Raises:
        EmbedderUnavailable: other files than the pinned ones, or the result differs too much from
            what the weights say; then nothing has changed in `models`.
    """
    for path, wanted in ((weights, WEIGHTS_SHA256), (tokenizer, TOKENIZER_SHA256)):
        if sha256_of(path) != wanted:
            raise EmbedderUnavailable(f"{path.name} is not the pinned one: SHA-256 {wanted}")
    made = workplace / folder(models).name
    made.mkdir()
    shutil.copyfile(tokenizer, made / TOKENIZER)
    floats = mapped(weights)
    _quantise(floats, made / MODEL)
    model = MiniLm(made)
    cosine = min(_cosine(floats, model, text) for text in _LOOKED_AT)
    if cosine < COSINE_MIN:
        raise EmbedderUnavailable(
            f"the converted MiniLM has cosine {cosine:.4f} to its weights, {COSINE_MIN} is wanted"
        )
    told = About(WEIGHTS_SHA256, sha256_of(made / MODEL), TOKENIZER_SHA256, round(cosine, 5))
    (made / ABOUT).write_bytes(msgspec.json.encode(told))
    _move(made, folder(models), workplace)
    return told


def _quantise(floats: Weights, path: Path) -> None:
    root = logging.getLogger()
    root.addFilter(_no_advice)
    try:
        # by channel: one scale for a whole matrix costs 0.02 to 0.06 of the cosine
        quantize_dynamic(
            build(floats),
            path,
            per_channel=True,
            weight_type=QuantType.QInt8,
            extra_options={"DefaultTensorType": TensorProto.FLOAT, "MatMulConstBOnly": True},
        )
    finally:
        root.removeFilter(_no_advice)


def _no_advice(record: logging.LogRecord) -> bool:
    """Leave out the quantiser's advice to simplify a graph that was built simple."""
    return "pre-processing before quantization" not in record.getMessage()


def _cosine(floats: Weights, model: MiniLm, text: str) -> float:
    wanted = mean_of(floats, model.tokens(text))
    return float(model.embed([text])[0] @ wanted / np.linalg.norm(wanted))


def _move(made: Path, target: Path, workplace: Path) -> None:
    for path in made.iterdir():
        with path.open("rb") as stream:
            os.fsync(stream.fileno())
    if target.exists():
        target.rename(workplace / "replaced")
    made.rename(target)
