"""The canonical rerank: what a provider of another dialect than the caller's is asked for."""

import msgspec

from legato.core.usage import Usage


class RerankRequest(msgspec.Struct, frozen=True):
    """Texts to be put in the order in which they answer the query."""

    query: str
    documents: tuple[str, ...]
    top_n: int | None = None
    tokens_per_document_max: int | None = None


class Ranked(msgspec.Struct, frozen=True):
    """One document, by its place in the request."""

    index: int
    score: float


class RerankResponse(msgspec.Struct, frozen=True):
    """The documents, best first; `usage` is None where none was reported."""

    results: tuple[Ranked, ...]
    id: str = ""
    model: str = ""
    usage: Usage | None = None
