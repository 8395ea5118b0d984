"""Embeddings in canonical form, and back in OpenAI's."""

import base64
import struct
from typing import Any

import msgspec
import pytest

from legato.api.openai.embeddings import Embeddings
from legato.core.embeddings import EmbeddingsRequest, EmbeddingsResponse
from legato.core.errors import InvalidRequest
from legato.core.usage import Usage

SURFACE = Embeddings()
ANSWER = EmbeddingsResponse(([0.5, -0.25], [1.0, 0.0]), "embed-1", Usage(in_uncached=7))


@pytest.mark.parametrize("given", ["one", ["one"]])
def test_text_and_texts_are_carried(given: Any) -> None:
    body = {"model": "m", "input": given, "dimensions": 2, "user": "u"}
    wanted = EmbeddingsRequest(("one",), 2)
    assert SURFACE.to_embeddings(body, drop_unsupported=False) == wanted


@pytest.mark.parametrize("given", [[1, 2], [[1, 2]], ["one", [3]]])
def test_tokens_are_refused_by_name(given: Any) -> None:
    with pytest.raises(InvalidRequest) as refused:
        SURFACE.to_embeddings({"model": "m", "input": given}, drop_unsupported=True)
    assert str(refused.value.param).startswith("input.")


def test_unknown_fields_are_refused_unless_they_may_be_dropped() -> None:
    body = {"model": "m", "input": "one", "truncate": True}
    with pytest.raises(InvalidRequest, match="truncate"):
        SURFACE.to_embeddings(body, drop_unsupported=False)
    assert SURFACE.to_embeddings(body, drop_unsupported=True).inputs == ("one",)


def test_answers_keep_order_model_and_usage() -> None:
    body = msgspec.json.decode(SURFACE.render_embeddings(ANSWER, {}))
    assert [item["embedding"] for item in body["data"]] == [[0.5, -0.25], [1.0, 0.0]]
    assert [item["index"] for item in body["data"]] == [0, 1]
    assert body["model"] == "embed-1"
    assert body["usage"] == {"prompt_tokens": 7, "total_tokens": 7}


def test_base64_packs_little_endian_floats() -> None:
    body = msgspec.json.decode(SURFACE.render_embeddings(ANSWER, {"encoding_format": "base64"}))
    packed = base64.b64decode(body["data"][0]["embedding"])
    assert struct.unpack("<2f", packed) == (0.5, -0.25)
