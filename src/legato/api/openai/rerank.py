"""`POST /v1/rerank` and `/v2/rerank`: the one shape that Cohere, Jina, vLLM and others share.

Sources: for Cohere's the package cohere 7.3, 2026-11-21 (docs.cohere.com/reference/rerank, v2);
for the others what is commonly known of jina.ai/reranker and docs.vllm.ai. OpenAI has none, so
its dialect stands for all who take this shape.
"""

from typing import Any

import msgspec

from legato.api import body as check
from legato.api.openai.untranslated import Untranslated
from legato.api.unsupported import refuse_unknown
from legato.core import capability
from legato.core.rerank import RerankRequest, RerankResponse
from legato.core.usage import Unit
from legato.core.wire import Operation, RequestView

_DOCUMENTS_MAX = 10_000
_DOCUMENTS_PER_SEARCH = 100
_BYTES_PER_DOCUMENT = 500
"""Cohere counts a longer document, over 500 tokens, as several; a token is a byte or more."""
_KNOWN = frozenset(
    {"model", "query", "documents", "top_n", "return_documents", "max_tokens_per_doc", "user"}
)


class Rerank(Untranslated):
    """The surface of reranking: no chat, it has a canonical form of its own."""

    name = "rerank"
    operation = Operation.RERANK

    def read(self, body: dict[str, Any]) -> RequestView:
        """Validate what we rely on. Raises InvalidRequest naming the field."""
        query = body.get("query")
        if not isinstance(query, str) or not query:
            raise check.refuse("query", "must be a non-empty string")
        documents = body.get("documents")
        if not isinstance(documents, list) or not 1 <= len(documents) <= _DOCUMENTS_MAX:
            raise check.refuse("documents", f"must be a list of 1 to {_DOCUMENTS_MAX}")
        parts = 0
        for position, document in enumerate(documents):
            text = _text(document)
            if text is None:
                raise check.refuse(f"documents.{position}", "must be a string or have a text")
            parts += 1 + (len(text.encode()) + len(query)) // _BYTES_PER_DOCUMENT
        check.positive(body, "top_n")
        check.boolean(body, "return_documents")
        return RequestView(
            model=check.model(body),
            user=check.text(body, "user") or "",
            needs=capability.RERANK,
            unit=Unit.SEARCH,
            units=-(-parts // _DOCUMENTS_PER_SEARCH),
        )

    def to_rerank(self, body: dict[str, Any], *, drop_unsupported: bool) -> RerankRequest:
        """Translate the body. Raises InvalidRequest for what can't be carried."""
        if not drop_unsupported:
            refuse_unknown(body, _KNOWN, neutral={})
        return RerankRequest(
            body["query"],
            tuple(_text(document) or "" for document in body["documents"]),
            check.positive(body, "top_n"),
            check.positive(body, "max_tokens_per_doc"),
        )

    def render_rerank(self, response: RerankResponse, body: dict[str, Any]) -> bytes:
        """Translate an answer; documents are returned where asked for."""
        documents = body["documents"] if body.get("return_documents") else None
        results = []
        for ranked in response.results:
            result: dict[str, Any] = {"index": ranked.index, "relevance_score": ranked.score}
            if documents is not None and ranked.index < len(documents):
                given = documents[ranked.index]
                result["document"] = {"text": given} if isinstance(given, str) else given
            results.append(result)
        answer: dict[str, Any] = {
            "id": response.id,
            "model": response.model,
            "results": results,
        }
        usage = response.usage
        if usage is not None:
            answer["usage"] = {"total_tokens": usage.total_tokens}
            answer["meta"] = {"billed_units": {"search_units": usage.units}}
        return msgspec.json.encode(answer)


def _text(document: Any) -> str | None:
    text = document.get("text") if isinstance(document, dict) else document
    return text if isinstance(text, str) else None
