"""Gemini's embeddings: AI Studio's batches and Vertex's predictions."""

from typing import Any

import msgspec

from legato.core.embeddings import EmbeddingsRequest, EmbeddingsResponse
from legato.core.errors import BadProviderResponse
from legato.core.usage import Usage
from legato.providers.gemini.usage import read_usage


def batch_body(embeddings: EmbeddingsRequest, model: str) -> dict[str, Any]:
    """Write the body of `:batchEmbedContents`; `model` is a resource name."""
    options: dict[str, Any] = {"model": model}
    if embeddings.dimensions is not None:
        options["outputDimensionality"] = embeddings.dimensions
    if embeddings.input_type is not None:
        options["taskType"] = embeddings.input_type
    contents = [{"parts": [{"text": text}]} for text in embeddings.inputs]
    return {"requests": [{**options, "content": content} for content in contents]}


def predict_body(embeddings: EmbeddingsRequest) -> dict[str, Any]:
    """Write the body of `:predict`."""
    task = {} if embeddings.input_type is None else {"task_type": embeddings.input_type}
    body: dict[str, Any] = {"instances": [{"content": text, **task} for text in embeddings.inputs]}
    if embeddings.dimensions is not None:
        body["parameters"] = {"outputDimensionality": embeddings.dimensions}
    return body


def read_embeddings(body: bytes) -> EmbeddingsResponse:
    """Read an answer of either; neither names its model. Raises BadProviderResponse."""
    try:
        answer = msgspec.json.decode(body)
        if "predictions" in answer:
            return _predictions(answer["predictions"])
        vectors = tuple(_vector(item["values"]) for item in answer["embeddings"])
        return EmbeddingsResponse(vectors, usage=read_usage(answer.get("usageMetadata")))
    except (msgspec.DecodeError, RecursionError):
        raise BadProviderResponse("the provider's answer is not JSON") from None
    except (AttributeError, KeyError, TypeError) as problem:
        raise BadProviderResponse(
            f"the provider's answer holds no embeddings ({type(problem).__name__})"
        ) from None


def _predictions(predictions: list[dict[str, Any]]) -> EmbeddingsResponse:
    embedded = [prediction["embeddings"] for prediction in predictions]
    counts = [(item.get("statistics") or {}).get("token_count") for item in embedded]
    told = [int(count) for count in counts if isinstance(count, int | float) and count >= 0]
    usage = Usage(in_uncached=sum(told)) if told and len(told) == len(counts) else None
    return EmbeddingsResponse(tuple(_vector(item["values"]) for item in embedded), usage=usage)


def _vector(values: Any) -> list[float]:
    if not isinstance(values, list) or not all(isinstance(value, int | float) for value in values):
        raise BadProviderResponse("the provider's answer holds a vector that is no list of numbers")
    return values
