"""Embeddings of Titan and Cohere, through InvokeModel: each in the model's own body."""

from typing import Any

import msgspec

from legato.core.embeddings import EmbeddingsRequest, EmbeddingsResponse
from legato.core.errors import BadProviderResponse, InvalidRequest
from legato.core.usage import Usage
from legato.core.wire import Answer

_COHERE_INPUT = "search_document"
"""Cohere needs to know what texts are for; OpenAI's callers don't say."""


def embeddings_body(embeddings: EmbeddingsRequest, model: str) -> dict[str, Any]:
    """Write a request.

    Raises:
        InvalidRequest: the model isn't one for embeddings, or takes less than is asked for.
    """
    if "cohere.embed" in model:
        return _cohere(embeddings, model)
    if "amazon.titan-embed" in model:
        return _titan(embeddings, model)
    raise InvalidRequest("the model behind this name has no embeddings", param="model")


def _titan(embeddings: EmbeddingsRequest, model: str) -> dict[str, Any]:
    if len(embeddings.inputs) != 1:
        raise InvalidRequest("the model behind this name embeds one text a call", param="input")
    body: dict[str, Any] = {"inputText": embeddings.inputs[0]}
    if embeddings.dimensions is not None:
        if "embed-text-v1" in model or "embed-g1" in model:
            raise _fixed_size()
        body["dimensions"] = embeddings.dimensions
    return body


def _cohere(embeddings: EmbeddingsRequest, model: str) -> dict[str, Any]:
    input_type = embeddings.input_type or _COHERE_INPUT
    body: dict[str, Any] = {"texts": list(embeddings.inputs), "input_type": input_type}
    if embeddings.dimensions is not None:
        if "embed-v4" not in model:
            raise _fixed_size()
        body["output_dimension"] = embeddings.dimensions
    return body


def _fixed_size() -> InvalidRequest:
    return InvalidRequest(
        "dimensions: the model behind this name has one size only", param="dimensions"
    )


def read_answer(body: bytes) -> Answer:
    """Read usage: Titan reports it in its body, Cohere not. Raises BadProviderResponse."""
    return Answer(usage=read_embeddings(body).usage, model="")


def read_embeddings(body: bytes) -> EmbeddingsResponse:
    """Translate an answer of either. Raises BadProviderResponse."""
    try:
        answer = msgspec.json.decode(body)
        if "embedding" in answer:
            count = answer.get("inputTextTokenCount")
            usage = Usage(in_uncached=count) if type(count) is int and count >= 0 else None
            return EmbeddingsResponse((answer["embedding"],), usage=usage)
        found = answer["embeddings"]
        if isinstance(found, dict):  # by type, where more than one may be asked for
            found = found["float"]
        return EmbeddingsResponse(tuple(found))
    except (msgspec.DecodeError, RecursionError):
        raise BadProviderResponse("the provider's answer is not JSON") from None
    except (AttributeError, KeyError, TypeError) as problem:
        raise BadProviderResponse(
            f"the provider's answer has an unknown shape ({type(problem).__name__})"
        ) from None
