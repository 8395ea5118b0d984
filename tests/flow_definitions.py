"""Definitions of every shape that their types allow, for tests of what may lose nothing of them."""

from typing import Any

import msgspec
from hypothesis import strategies as some
from msgspec import inspect

from legato.flow.definition import AnyNode, Definition

TEXTS = some.text(
    alphabet=some.one_of(
        some.characters(codec="utf-8", categories=("L", "N", "P", "S", "Z")),
        some.sampled_from("\n\t'\"${}: #-\\"),
    ),
    max_size=12,
)
NUMBERS = some.floats(allow_nan=False, allow_infinity=False)
JSON = some.recursive(
    some.one_of(some.none(), some.booleans(), some.integers(-(2**62), 2**62), NUMBERS, TEXTS),
    lambda inner: some.one_of(
        some.lists(inner, max_size=2), some.dictionaries(TEXTS, inner, max_size=2)
    ),
    max_leaves=4,
)


def definitions() -> some.SearchStrategy[Definition]:
    """Return definitions that can be read, though few of them could run."""
    plain = some.fixed_dictionaries(
        {"nodes": some.lists(nodes(2), min_size=1, max_size=3)}, optional=_rest()
    )
    return plain.map(lambda data: msgspec.convert(data, Definition))


def nodes(levels: int) -> some.SearchStrategy[dict[str, Any]]:
    """Return plain nodes, with bodies that deep."""
    kinds = inspect.type_info(AnyNode)
    assert isinstance(kinds, inspect.UnionType)
    return some.one_of([_of(kind, levels) for kind in kinds.types])


def _rest() -> dict[str, some.SearchStrategy[Any]]:
    info = inspect.type_info(Definition)
    assert isinstance(info, inspect.StructType)
    return {one.encode_name: _of(one.type, 1) for one in info.fields if one.name != "nodes"}


def _of(kind: inspect.Type, levels: int) -> some.SearchStrategy[Any]:
    match kind:
        case inspect.Metadata(type=inner):
            return _of(inner, levels)
        case inspect.StructType():
            return _struct(kind, levels)
        case inspect.StrType(pattern=str() as pattern):
            return some.from_regex(pattern.removesuffix("$") + r"\Z", fullmatch=True)
        case inspect.StrType():
            return some.text(alphabet="ab ${}'\n", min_size=kind.min_length or 0, max_size=8)
        case inspect.IntType():
            return some.integers(kind.ge or 0, kind.le or 100)
        case inspect.FloatType():
            low = kind.ge if kind.ge is not None else (0.001 if kind.gt is not None else -1e9)
            return some.floats(low, kind.le or 1e9, allow_nan=False)
        case inspect.BoolType():
            return some.booleans()
        case inspect.NoneType():
            return some.none()
        case inspect.LiteralType(values=values):
            return some.sampled_from(list(values))
        case inspect.UnionType(types=types):
            return some.one_of([_of(one, levels) for one in types])
        case inspect.VarTupleType(item_type=item) | inspect.ListType(item_type=item):
            return some.lists(_of(item, levels), min_size=kind.min_length or 0, max_size=2)
        case inspect.DictType(value_type=value):
            return some.dictionaries(TEXTS, _of(value, levels), max_size=2)
    return JSON


def _struct(kind: inspect.StructType, levels: int) -> some.SearchStrategy[Any]:
    body = any(field.name == "nodes" for field in kind.fields)
    if body and not levels:
        return some.just({"nodes": [{"kind": "set", "id": "leaf", "value": None}]})
    required, optional = {}, {}
    for field in kind.fields:
        if field.name == "nodes":
            required["nodes"] = some.lists(
                some.deferred(lambda: nodes(levels - 1)), min_size=1, max_size=2
            )
        elif field.required:
            required[field.encode_name] = _of(field.type, levels)
        elif not _is_body(field.type) or levels:
            optional[field.encode_name] = _of(field.type, levels)
    if kind.tag_field is not None:
        required[kind.tag_field] = some.just(kind.tag)
    return some.fixed_dictionaries(required, optional=optional)


def _is_body(kind: inspect.Type) -> bool:
    if isinstance(kind, inspect.UnionType):
        return any(_is_body(one) for one in kind.types)
    return isinstance(kind, inspect.StructType) and any(one.name == "nodes" for one in kind.fields)
