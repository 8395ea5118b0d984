"""What answers in OpenAI's dialect cite, in canonical form.

OpenAI and OpenRouter annotate the text. Perplexity and xAI list their sources beside it, and
Perplexity's text refers to them by number, as in `[2]`. What Legato itself writes into `citations`
of a message for sources without an address is read back.
"""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from legato.core.chat import Citation
from legato.core.citations import listed as in_list
from legato.core.citations import span, words

_MARK_CHARS_MAX = 5
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


class Marks:
    """The numbers in a text, found while it comes: sources may be told at its end only."""

    def __init__(self) -> None:
        self.chars = 0
        self._begun = ""  # a mark that the last piece broke off
        self._found: list[tuple[int, tuple[int, int]]] = []

    def feed(self, text: str) -> None:
        """Read more text."""
        if self._begun or "[" in text:
            window = self._begun + text
            before = self.chars - len(self._begun)
            for mark in _MARK.finditer(window):
                place = (before + mark.start(), before + mark.end())
                self._found.append((int(mark[1]) - 1, place))
            rest = window[window.rfind("[") :]
            self._begun = rest if len(rest) < _MARK_CHARS_MAX and "]" not in rest else ""
        self.chars += len(text)

    def numbered(self, sources: tuple[Citation, ...]) -> Iterator[Citation]:
        """Yield a citation for each number that means a source, and for each source without one."""
        used = set()
        for number, place in self._found:
            if 0 <= number < len(sources):
                used.add(number)
                yield msgspec.structs.replace(sources[number], span=place)
        yield from (one for number, one in enumerate(sources) if number not in used)


def _read(wire: dict[str, Any]) -> Citation:
    return Citation(
        span=span(wire, "start_index", "end_index"),
        url=words(wire, "url"),
        title=words(wire, "title"),
        document=words(wire, "document"),
        quote=words(wire, "content"),
    )
