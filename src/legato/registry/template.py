"""Prompt templates: a subset of mustache, compiled once.

Variables, dotted names, `{{.}}`, sections over lists, objects and anything else, inverted
sections, partials and comments. Nothing is escaped: `{{{name}}}` and `{{&name}}` are `{{name}}`.
Partials are put in place when the template is compiled, so none can contain itself, and a
missing one is an error. Delimiters can't be changed.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from legato.registry.rendering import Allowance, Body, Path, Section, body_of, render
from legato.registry.tags import Tag, TemplateInvalid, scan

TEMPLATE_CHARS_MAX = 200_000
NODES_MAX = 20_000
DEPTH_MAX = 16

_TEXT_LINE = re.compile(r"^(?=[^\r\n])", re.MULTILINE)
_NO_PARTIALS: Mapping[str, str] = {}


class Use(NamedTuple):
    """A name in a template: of a variable, or of a section with the names within it."""

    path: Path
    sigil: str
    """`#` or `^` of a section, else empty."""
    place: str
    inner: tuple["Use", ...] = ()


class Template(NamedTuple):
    """A compiled template."""

    body: Body
    uses: tuple[Use, ...]
    partials: frozenset[str]
    """The partials it has, directly or through others."""

    def render(self, values: Mapping[str, Any], allowance: Allowance | None = None) -> str:
        """Return the text with the values, which are what JSON can hold.

        Raises:
            InvalidRequest: it would get too long.
        """
        return render(self.body, values, allowance or Allowance())


def compile_template(source: str, partials: Mapping[str, str] = _NO_PARTIALS) -> Template:
    """Compile a template with the partials it names.

    Raises:
        TemplateInvalid: what is wrong, where, and how to mend it.
    """
    done = _Compiler(partials).compile(source, ())
    return Template(body_of(done.nodes), tuple(done.uses), frozenset(done.partials))


class _Compiled(NamedTuple):
    nodes: list[str | Path | Section]
    uses: list[Use]
    partials: set[str]
    size: int
    depth: int


class _Open:
    """A section that is not closed yet, or the whole template."""

    def __init__(self, tag: Tag | None = None) -> None:
        self.tag = tag
        self.nodes: list[str | Path | Section] = []
        self.uses: list[Use] = []


class _Compiler:
    def __init__(self, partials: Mapping[str, str]) -> None:
        self.partials = partials
        self._compiled: dict[tuple[str, str], _Compiled] = {}

    def compile(self, source: str, within: tuple[str, ...]) -> _Compiled:
        where = f"partial `{within[-1]}`, " if within else ""
        if len(source) > TEMPLATE_CHARS_MAX:
            msg = f"{where}longer than {TEMPLATE_CHARS_MAX} characters: shorten it"
            raise TemplateInvalid(msg)
        return _Reading(self, within).compiled(source, where)

    def partial(self, name: str, indent: str, within: tuple[str, ...]) -> _Compiled:
        done = self._compiled.get((name, indent))
        if done is None:
            indented = _TEXT_LINE.sub(indent, self.partials[name])
            done = self._compiled[name, indent] = self.compile(indented, (*within, name))
        return done


class _Reading:
    """One source on its way through the compiler."""

    def __init__(self, compiler: _Compiler, within: tuple[str, ...]) -> None:
        self._compiler = compiler
        self._within = within
        self._open = [_Open()]
        self._partials: set[str] = set()
        self._size = 0
        self._depth = 0

    def compiled(self, source: str, where: str) -> _Compiled:
        for tag in scan(source, where):
            if tag.text:
                self._open[-1].nodes.append(tag.text)
            self._grow(tag, 2)  # the tag and the text before it
            self._take(tag)
        whole = self._open[-1]
        if whole.tag is not None:
            name = whole.tag.name
            raise _at(whole.tag, f"the section `{name}` is never closed; add `{{{{/{name}}}}}`")
        return _Compiled(whole.nodes, whole.uses, self._partials, self._size, self._depth)

    def _take(self, tag: Tag) -> None:
        if tag.sigil in {"#", "^"}:
            self._open.append(_Open(tag))
            self._deepen(tag, 0)
        elif tag.sigil == "/":
            self._close(tag)
        elif tag.sigil == ">":
            self._include(tag)
        elif not tag.sigil:
            path = _path(tag.name)
            self._open[-1].nodes.append(path)
            self._open[-1].uses.append(Use(path, "", tag.place))

    def _close(self, tag: Tag) -> None:
        ended = self._open[-1]
        opened = ended.tag
        if opened is None:
            raise _at(tag, f"`{{{{/{tag.name}}}}}` closes no section; take it out")
        if opened.name != tag.name:
            raise _at(
                tag, f"`{tag.name}` is closed here, but `{opened.name}` is open ({opened.place})"
            )
        self._open.pop()
        path = _path(tag.name)
        self._open[-1].nodes.append(Section(path, opened.sigil == "^", body_of(ended.nodes)))
        self._open[-1].uses.append(Use(path, opened.sigil, opened.place, tuple(ended.uses)))

    def _include(self, tag: Tag) -> None:
        if tag.name in self._within:
            cycle = " → ".join((*self._within, tag.name))
            raise _at(tag, f"a partial can't contain itself ({cycle})")
        if tag.name not in self._compiler.partials:
            known = ", ".join(sorted(self._compiler.partials)) or "none"
            raise _at(tag, f"there is no partial `{tag.name}`; declared: {known}")
        found = self._compiler.partial(tag.name, tag.indent, self._within)
        self._grow(tag, found.size)
        self._deepen(tag, found.depth)
        self._partials |= {tag.name, *found.partials}
        self._open[-1].nodes += found.nodes
        self._open[-1].uses += found.uses

    def _grow(self, tag: Tag, size: int) -> None:
        self._size += size
        if self._size > NODES_MAX:
            raise _at(tag, f"more than {NODES_MAX} tags and texts, its partials counted")

    def _deepen(self, tag: Tag, below: int) -> None:
        self._depth = max(self._depth, len(self._open) - 1 + below)
        if self._depth > DEPTH_MAX:
            raise _at(tag, f"more than {DEPTH_MAX} sections within one another")


def _at(tag: Tag, problem: str) -> TemplateInvalid:
    return TemplateInvalid(f"{tag.place}: {problem}")


def _path(name: str) -> Path:
    return () if name == "." else tuple(name.split("."))
