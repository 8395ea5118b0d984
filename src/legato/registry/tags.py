"""The tags of a mustache template, one after the other, with the text between them.

A section's tag, a comment or a partial that is alone on its line takes the line with it, as the
mustache specification has it (https://github.com/mustache/spec).
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

_NAME = re.compile(r"[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*", re.ASCII)
_LINE_END = re.compile(r"[ \t]*(?:\r?\n|\Z)")
_SIGILS = frozenset("#^/>!&=")
_STANDALONE = frozenset("#^/>!")
_SHOWN_MAX = 60


class TemplateInvalid(ValueError):
    """A template that can't be compiled; the message names the place and the remedy."""


class Tag(NamedTuple):
    """A tag with the text before it. `sigil` is one of `# ^ / > !`, or empty for a variable."""

    text: str
    sigil: str
    name: str
    indent: str
    """What stands before a partial that is alone on its line."""
    place: str


def scan(source: str, where: str = "") -> Iterator[Tag]:
    """Yield the tags; the text after the last one comes as a comment's.

    `where` begins each place, as in `line 2, column 5`.

    Raises:
        TemplateInvalid: a tag is not closed, has no usable name, or would change the delimiters.
    """
    position = counted = 0
    line, line_start = 1, 0
    while (start := source.find("{{", position)) >= 0:
        line += source.count("\n", counted, start)
        line_start = source.rfind("\n", counted, start) + 1 or line_start
        counted = start
        place = f"{where}line {line}, column {start - line_start + 1}"
        sigil, name, end = _read(source, start, place)
        text_end, after, indent = start, end, ""
        before = source[max(line_start, position) : start]
        if sigil in _STANDALONE and position <= line_start and not before.strip(" \t"):
            rest = _LINE_END.match(source, end)
            if rest is not None:
                text_end, after, indent = line_start, rest.end(), before
        yield Tag(source[position:text_end], sigil, name, indent, place)
        position = after
    yield Tag(source[position:], "!", "", "", f"{where}the end")


def _read(source: str, start: int, place: str) -> tuple[str, str, int]:
    """Return the sigil and the name of the tag that begins at `start`, and where it ends."""
    inner = start + 2
    sigil = source[inner : inner + 1]
    brace = sigil == "{"
    end = source.find("}}}" if brace else "}}", inner)
    if end < 0:
        msg = f"{place}: this tag is never closed; write `{{{{name}}}}`"
        raise TemplateInvalid(msg)
    after = end + 2 + brace
    if sigil == "!":
        return sigil, "", after
    if sigil == "=":
        msg = f"{place}: delimiters can't be changed here; write tags as `{{{{name}}}}`"
        raise TemplateInvalid(msg)
    name = source[inner + (brace or sigil in _SIGILS) : end].strip()
    if not _NAME.fullmatch(name) and (name != "." or sigil == ">"):
        shown = name if len(name) <= _SHOWN_MAX else f"{name[:_SHOWN_MAX]}…"
        msg = (
            f"{place}: `{shown}` is no name; names are letters, digits, - and _, "
            "a letter or _ first, with dots between them"
        )
        raise TemplateInvalid(msg)
    return (sigil if sigil in _STANDALONE else ""), name, after
