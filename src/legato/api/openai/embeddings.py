"""`POST /v1/embeddings`."""

from array import array
from base64 import b64encode
from sys import byteorder
from typing import Any

import msgspec

from legato.api.body import positive, refuse
from legato.api.openai import validation
from legato.api.openai.untranslated import Untranslated
from legato.api.unsupported import refuse_unknown
from legato.core.embeddings import EmbeddingsRequest, EmbeddingsResponse
from legato.core.usage import NO_USAGE
from legato.core.wire import Operation, RequestView

_KNOWN = frozenset({"model", "input", "encoding_format", "dimensions", "user"})


class Embeddings(Untranslated):
    """The surface of embeddings: no chat, they have a canonical form of their own."""

    name = "embeddings"
    operation = Operation.EMBEDDINGS

    def read(self, body: dict[str, Any]) -> RequestView:
        """Validate what we rely on. Raises InvalidRequest naming the field."""
        return validation.embeddings_view(body)

    def to_embeddings(self, body: dict[str, Any], *, drop_unsupported: bool) -> EmbeddingsRequest:
        """Translate the body. Raises InvalidRequest for tokens, which only OpenAI can read."""
        if not drop_unsupported:
            refuse_unknown(body, _KNOWN, neutral={})
        given = body["input"]
        inputs = (given,) if isinstance(given, str) else tuple(given)
        for position, text in enumerate(inputs):
            if not isinstance(text, str):
                raise refuse(
                    f"input.{position}", "tokens can't be carried to the provider behind this model"
                )
        return EmbeddingsRequest(inputs, positive(body, "dimensions"))

    def render_embeddings(self, response: EmbeddingsResponse, body: dict[str, Any]) -> bytes:
        """Translate an answer. Usage is required here: zero where the provider reported none."""
        is_base64 = body.get("encoding_format") == "base64"
        tokens = (response.usage or NO_USAGE).input_tokens
        return msgspec.json.encode(
            {
                "object": "list",
                "data": [
                    {
                        "object": "embedding",
                        "index": index,
                        "embedding": _packed(vector) if is_base64 else vector,
                    }
                    for index, vector in enumerate(response.vectors)
                ],
                "model": response.model,
                "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
            }
        )


def _packed(vector: list[float]) -> str:
    """Return the numbers as OpenAI packs them: 32-bit floats, little-endian, in base64."""
    packed = array("f", vector)
    if byteorder == "big":
        packed.byteswap()
    return b64encode(packed.tobytes()).decode()
