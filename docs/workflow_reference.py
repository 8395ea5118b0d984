"""Writes docs/reference/workflows.md from the types: `python docs/workflow_reference.py`."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import inspect

from legato.flow import definition, trigger_settings
from legato.flow.cel.functions import FUNCTIONS
from legato.flow.cel.reading import MACROS
from legato.flow.definition import AnyNode, Definition, Node
from legato.flow.trigger_settings import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

PAGE = Path(__file__).parent / "reference" / "workflows.md"
_HEAD = """\
<!-- Written by docs/workflow_reference.py; a test compares. Change the types, not this page. -->

# The format of workflows

"""
_COMMON = {field.name for field in msgspec.structs.fields(Node)}
Docs = dict[str, tuple[str, dict[str, str]]]


def page() -> str:
    """Return the whole page."""
    docs = _docs()
    module = ast.get_docstring(ast.parse(_text(definition))) or ""
    opening = module.partition("\n\n")[2]
    info = inspect.type_info(AnyNode)
    several = info.types if isinstance(info, inspect.UnionType) else ()
    nodes = [one for one in several if isinstance(one, inspect.StructType)]
    whole = [_struct(Definition), *_parts(Definition, set())]
    kinds = {node.cls for node in nodes}
    parts = [one for one in whole[1:] if one.cls not in kinds]
    sections = [
        _HEAD,
        opening,
        "\n\nHow to write, check and exchange them: [Workflows](../how-to/workflows.md).\n",
        _section("A definition", whole[0], docs),
        "\n## What every node has\n\n",
        _table(_struct(nodes[0].cls), docs, only=_COMMON, of="Node"),
        "\n## Kinds of nodes\n",
        *(_section(str(node.tag), node, docs, without=_COMMON, level=3) for node in nodes),
        "\n## Their parts\n",
        *(_section(one.cls.__name__, one, docs, level=3) for one in parts),
        "\n## Settings of triggers\n\nHow to set them up: [Triggers](../how-to/triggers.md).\n",
        *(_section(kind, _struct(one), docs, level=3) for kind, one in KINDS.items()),
        _expressions(),
    ]
    return "".join(sections)


def _text(source: ModuleType) -> str:
    return Path(str(source.__file__)).read_text(encoding="utf-8")


def _docs() -> Docs:
    """Return what the source says of each class, and of each of its fields."""
    found: Docs = {}
    for node in (*ast.parse(_text(definition)).body, *ast.parse(_text(trigger_settings)).body):
        if not isinstance(node, ast.ClassDef):
            continue
        fields = {}
        for one, after in zip(node.body, [*node.body[1:], ast.Pass()], strict=True):
            if (
                isinstance(one, ast.AnnAssign)
                and isinstance(one.target, ast.Name)
                and isinstance(after, ast.Expr)
                and isinstance(after.value, ast.Constant)
            ):
                fields[one.target.id] = " ".join(str(after.value.value).split())
        for base in node.bases:
            if isinstance(base, ast.Name) and base.id in found:
                fields = found[base.id][1] | fields
        found[node.name] = (ast.get_docstring(node) or "", fields)
    return found


def _struct(kind: Any) -> inspect.StructType:
    info = inspect.type_info(kind)
    if not isinstance(info, inspect.StructType):
        raise TypeError(kind)
    return info


def _parts(kind: type, seen: set[type]) -> Iterator[inspect.StructType]:
    """Yield the structs that a struct holds, each once."""
    for field in _struct(kind).fields:
        for inner in _structs(field.type):
            if inner.cls not in seen:
                seen.add(inner.cls)
                yield inner
                yield from _parts(inner.cls, seen)


def _structs(kind: inspect.Type) -> Iterator[inspect.StructType]:
    match kind:
        case inspect.StructType():
            yield kind
        case inspect.UnionType(types=types):
            for one in types:
                yield from _structs(one)
        case inspect.VarTupleType(item_type=item) | inspect.ListType(item_type=item):
            yield from _structs(item)
        case inspect.Metadata(type=inner) | inspect.DictType(value_type=inner):
            yield from _structs(inner)


def _section(
    title: str,
    struct: inspect.StructType,
    docs: Docs,
    *,
    without: set[str] | frozenset[str] = frozenset(),
    level: int = 2,
) -> str:
    told = docs[struct.cls.__name__][0]
    table = _table(struct, docs, without=without)
    return f"\n{'#' * level} {title}\n\n{told}\n" + (f"\n{table}" if table else "")


def _table(
    struct: inspect.StructType,
    docs: Docs,
    *,
    only: set[str] | None = None,
    without: set[str] | frozenset[str] = frozenset(),
    of: str = "",
) -> str:
    said = docs[of or struct.cls.__name__][1]
    rows = [
        f"| `{field.name}` | {_cell(_shape(field.type))} | {_default(field)} "
        f"| {_cell(said.get(field.name, ''))} |\n"
        for field in struct.fields
        if field.name not in without and (only is None or field.name in only)
    ]
    head = "| field | what it is | without it | meaning |\n|---|---|---|---|\n"
    return head + "".join(rows) if rows else ""


def _default(field: inspect.Field) -> str:
    if field.required:
        return "must be there"
    default = field.default
    if default is msgspec.NODEFAULT or default in (None, "", (), msgspec.UNSET):
        return ""
    if isinstance(default, msgspec.Struct):
        return ""
    return f"`{msgspec.json.encode(default).decode()}`"


def _shape(kind: inspect.Type) -> str:
    """Return what a field holds, in words."""
    match kind:
        case inspect.Metadata(type=inner):
            return _shape(inner)
        case inspect.StructType(cls=cls):
            return str(cls.__name__)
        case inspect.LiteralType(values=values):
            return ", ".join(f"`{value}`" for value in values)
        case inspect.UnionType(types=types):
            return _one_of(types)
        case inspect.VarTupleType(item_type=item) | inspect.ListType(item_type=item):
            return f"list of {_shape(item)}" + _bounds(kind, "long")
        case inspect.DictType(value_type=value):
            return f"object of {_shape(value)}"
        case inspect.StrType(pattern=str() as pattern):
            return f"text like `{pattern}`"
    plain, unit = _PLAIN[type(kind)]
    return plain + _bounds(kind, unit)


_PLAIN: dict[type[inspect.Type], tuple[str, str]] = {
    inspect.StrType: ("text", "characters"),
    inspect.IntType: ("whole number", ""),
    inspect.FloatType: ("number", ""),
    inspect.BoolType: ("true or false", ""),
    inspect.AnyType: ("any data", ""),
}


def _one_of(types: tuple[inspect.Type, ...]) -> str:
    if sum(isinstance(one, inspect.StructType) for one in types) > 1:
        return "node"
    return " or ".join(_shape(one) for one in types if not isinstance(one, inspect.NoneType))


def _bounds(kind: Any, what: str = "") -> str:
    low = next((v for n in ("ge", "min_length") if (v := getattr(kind, n, None)) is not None), None)
    high = next(
        (v for n in ("le", "max_length") if (v := getattr(kind, n, None)) is not None), None
    )
    above = getattr(kind, "gt", None)
    bounds = (("at least", low), ("above", above), ("at most", high))
    # 0 or 0.0, by which of two equal types was made first: the same to whoever reads
    told = [f"{words} {float(bound):.12g}" for words, bound in bounds if bound is not None]
    return f" ({' and '.join(told)}{' ' + what if what else ''})" if told else ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _expressions() -> str:
    plain = [name for name, one in FUNCTIONS.items() if one.plain]
    methods = [name for name, one in FUNCTIONS.items() if one.method]
    return f"""
## Expressions

CEL: `+ - * / %`, `== != < <= > >=`, `in`, `&& || !`, `a ? b : c`, `a.b`, `a[b]`, lists, maps,
`has(a.b)`. Loops: {", ".join(f"`x.{name}(item, ...)`" for name in sorted(MACROS))}.
Functions: {", ".join(f"`{name}(x)`" for name in plain)}.
Of values: {", ".join(f"`x.{name}(...)`" for name in methods)}.
Each is bounded in operations and in what it makes, alike on every machine. In texts `$${{`
stands for `${{` itself.
"""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
