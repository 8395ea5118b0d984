"""Embeddings and the list of models."""

import base64
import binascii
import math
from array import array
from typing import Any

from legato.cli.conformance.bodies import error_object
from legato.cli.conformance.check import Check
from legato.cli.conformance.findings import Unfulfilled, at, count_at, list_at, need, text_at
from legato.cli.conformance.subject import Subject, good

_PATH = "/v1/embeddings"
_TEXTS = ["A river.", "A ledger.", "Ein Fluß."]
_CLOSE = 1e-5


def vectors(subject: Subject) -> None:
    """One list of floats for each text, in order."""
    answer = _embedded(subject, input=_TEXTS)
    need(at(answer, "object") == "list", "object is not 'list'")
    rows = list_at(answer, "data")
    indices = [count_at(row, "index") for row in rows]
    need(indices == [0, 1, 2], f"three texts, the indices are {indices}")
    lengths = {len(_floats(row)) for row in rows}
    need(len(lengths) == 1, f"vectors of different lengths: {sorted(lengths)}")
    text_at(answer, "model")
    need(count_at(answer, "usage", "prompt_tokens") > 0, "usage.prompt_tokens is 0")
    count_at(answer, "usage", "total_tokens")


def one_text(subject: Subject) -> None:
    """A single text, not in a list."""
    rows = list_at(_embedded(subject, input=_TEXTS[0]), "data")
    need(len(rows) == 1, f"one text, {len(rows)} vectors")


def packed(subject: Subject) -> None:
    """The same vector as little-endian 32-bit floats."""
    plain = _floats(at(_embedded(subject, input=_TEXTS[0]), "data", 0))
    coded = at(_embedded(subject, input=_TEXTS[0], encoding_format="base64"), "data", 0)
    text = at(coded, "embedding")
    need(isinstance(text, str), "base64 was asked for, the embedding is no text")
    unpacked = array("f")
    try:
        unpacked.frombytes(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError) as error:
        raise Unfulfilled(f"the embedding is not base64 of 32-bit floats: {error}") from None
    need(len(unpacked) == len(plain), f"{len(unpacked)} floats in base64, {len(plain)} as a list")
    near = all(math.isclose(a, b, abs_tol=_CLOSE) for a, b in zip(plain, unpacked, strict=True))
    need(near, "the vector in base64 is another than the list's")


def refused(subject: Subject) -> None:
    """Without input: an error object."""
    body = {"model": subject.embedding_model}
    error_object(subject.post(_PATH, body), 400, 422)


def models(subject: Subject) -> None:
    """A list of objects that has the model asked for."""
    answer = good(subject.get("/v1/models"))
    need(at(answer, "object") == "list", "object is not 'list'")
    rows = list_at(answer, "data")
    for row in rows:
        need(at(row, "object") == "model", "a row's object is not 'model'")
        count_at(row, "created")
        text_at(row, "owned_by")
    names = [text_at(row, "id") for row in rows]
    need(subject.model in names, f"{subject.model} is not among {names[:20]}")
    need(len(set(names)) == len(names), "a model is listed twice")


def _embedded(subject: Subject, **fields: Any) -> Any:
    body = {"model": subject.embedding_model, **fields}
    return good(subject.offered(_PATH, body))


def _floats(row: Any) -> list[float]:
    values = list_at(row, "embedding")
    fine = values and all(isinstance(value, int | float) for value in values)
    need(fine, "an embedding is not a list of numbers")
    return values


CHECKS = (
    Check("models.list", models, "GET /v1/models lists the model, in the documented shape"),
    Check("embeddings.floats", vectors, "a vector for each text, in order, with usage"),
    Check("embeddings.one", one_text, "a single text need not be in a list"),
    Check("embeddings.base64", packed, "base64 holds the same vector as 32-bit floats"),
    Check("embeddings.refused", refused, "a request without input is refused with an object"),
)
