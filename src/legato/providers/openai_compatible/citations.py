"""What answers in OpenAI's dialect cite, in canonical form.

OpenAI and OpenRouter annotate the text. Perplexity and xAI list their sources beside it, and
Perplexity's text refers to them by number, as in `[2]`. What Legato itself writes into `citations`
of a message for sources without an address is read back.
"""

import re
from collections.abc import Iterator
from typing import Any

from legato.core.chat import Citation
from legato.core.citations import listed as in_list
from legato.core.citations import span, words

_MARK = re.compile(r"\[(\d{1,3})\]")


def annotated(message: dict[str, Any]) -> Iterator[Citation]:
    """Yield the citations of a message or a delta."""
    for annotation in in_list(message, "annotations"):
        cited = annotation.get("url_citation")
        if isinstance(cited, dict):
            yield _read(cited)
    for citation in in_list(message, "citations"):
        yield _read(citation)


def listed(answer: dict[str, Any]) -> tuple[Citation, ...]:
    """Return the sources of an answer or a chunk, in the order that their numbers mean."""
    found = {words(one, "url"): one for one in in_list(answer, "search_results")}
    urls = answer.get("citations")
    if not isinstance(urls, list) or not all(isinstance(url, str) for url in urls):
        urls = list(found)
    told = [(url, found.get(url, {})) for url in urls if url]
    return tuple(
        Citation(url=url, title=words(one, "title"), quote=words(one, "snippet"))
        for url, one in told
    )


def numbered(sources: tuple[Citation, ...], text: str) -> Iterator[Citation]:
    """Yield a citation for each number in the text, and for each source without one."""
    used = set()
    for mark in _MARK.finditer(text) if sources else ():
        number = int(mark[1]) - 1
        if 0 <= number < len(sources):
            used.add(number)
            one = sources[number]
            yield Citation(mark.span(), one.url, one.title, quote=one.quote)
    yield from (one for number, one in enumerate(sources) if number not in used)


def _read(wire: dict[str, Any]) -> Citation:
    return Citation(
        span=span(wire, "start_index", "end_index"),
        url=words(wire, "url"),
        title=words(wire, "title"),
        document=words(wire, "document"),
        quote=words(wire, "content"),
    )
