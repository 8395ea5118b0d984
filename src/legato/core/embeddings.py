"""The canonical embeddings: what a provider of another dialect than the caller's is asked for."""

import msgspec

from legato.core.usage import Usage


class EmbeddingsRequest(msgspec.Struct, frozen=True):
    """Texts to embed; lists of token numbers have no canonical form, they are one vendor's."""

    inputs: tuple[str, ...]
    dimensions: int | None = None
    input_type: str | None = None
    """What the texts are for, in the vendor's own words, such as `search_query`."""


class EmbeddingsResponse(msgspec.Struct, frozen=True):
    """One vector per text, in the order asked; `usage` is None where none was reported."""

    vectors: tuple[list[float], ...]
    model: str = ""
    usage: Usage | None = None
