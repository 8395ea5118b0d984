"""Cohere's log probabilities as OpenAI's object.

Cohere tells them for chunks of text that may be several tokens, of which only the ids are known: a
chunk stands for a token then, with the probability of all of them.
"""

from collections.abc import Iterable
from typing import Any


def read_logprobs(items: Any) -> dict[str, Any] | None:
    """Return the object for a list of chunks, None where there are none."""
    given = items if isinstance(items, list) else [items]
    content = list(_scored(one for one in given if isinstance(one, dict)))
    return {"content": content, "refusal": None} if content else None


def _scored(items: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    for item in items:
        text, scores = item.get("text"), item.get("logprobs")
        if isinstance(text, str) and isinstance(scores, list) and scores:
            yield {
                "token": text,
                "logprob": sum(scores),
                "bytes": list(text.encode("utf-8", "replace")),
                "top_logprobs": [],
            }
