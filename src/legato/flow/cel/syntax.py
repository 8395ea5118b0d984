"""What an expression is once it is read: a tree. `at` is where in the text it begins."""

from collections.abc import Iterator
from typing import Any

import msgspec

from legato.core.errors import InvalidRequest


class ExpressionInvalid(InvalidRequest):
    """An expression that can't be read, or is larger than any may be."""


class Literal(msgspec.Struct, frozen=True):
    """A number, text, truth value or null."""

    at: int
    value: Any


class Name(msgspec.Struct, frozen=True):
    """A variable."""

    at: int
    name: str


class Field(msgspec.Struct, frozen=True):
    """`of.name`; of `has(of.name)` with `tested`."""

    at: int
    of: "Tree"
    name: str
    tested: bool = False


class Index(msgspec.Struct, frozen=True):
    """`of[key]`."""

    at: int
    of: "Tree"
    key: "Tree"


class ListOf(msgspec.Struct, frozen=True):
    """`[a, b]`."""

    at: int
    items: tuple["Tree", ...]


class MapOf(msgspec.Struct, frozen=True):
    """`{a: b}`."""

    at: int
    pairs: tuple[tuple["Tree", "Tree"], ...]


class Unary(msgspec.Struct, frozen=True):
    """`!of` or `-of`."""

    at: int
    operator: str
    of: "Tree"


class Binary(msgspec.Struct, frozen=True):
    """Two operands: arithmetic, comparison, `in`, `&&`, `||`."""

    at: int
    operator: str
    left: "Tree"
    right: "Tree"


class Choice(msgspec.Struct, frozen=True):
    """`condition ? then : otherwise`."""

    at: int
    condition: "Tree"
    then: "Tree"
    otherwise: "Tree"


class Call(msgspec.Struct, frozen=True):
    """`name(arguments)`; for `target.name(arguments)` the target is the first of them."""

    at: int
    name: str
    arguments: tuple["Tree", ...]


class Loop(msgspec.Struct, frozen=True):
    """`over.macro(name, body)`, or `over.map(name, keep, body)`."""

    at: int
    macro: str
    over: "Tree"
    name: str
    body: "Tree"
    keep: "Tree | None" = None


Tree = Literal | Name | Field | Index | ListOf | MapOf | Unary | Binary | Choice | Call | Loop


def parts_of(tree: Tree) -> Iterator[Tree]:
    """Yield the trees right below one."""
    match tree:
        case Field(of=of) | Unary(of=of):
            yield of
        case Index(of=of, key=key):
            yield from (of, key)
        case ListOf(items=items):
            yield from items
        case MapOf(pairs=pairs):
            for pair in pairs:
                yield from pair
        case Binary(left=left, right=right):
            yield from (left, right)
        case Choice(condition=condition, then=then, otherwise=otherwise):
            yield from (condition, then, otherwise)
        case Call(arguments=arguments):
            yield from arguments
        case Loop(over=over, body=body, keep=keep):
            yield from (over, body) if keep is None else (over, keep, body)
        case Literal() | Name():
            pass


def size_of(tree: Tree) -> int:
    """Return how many trees it consists of, itself among them."""
    return 1 + sum(map(size_of, parts_of(tree)))


def loops_deep(tree: Tree) -> int:
    """Return how many loops stand within each other."""
    if not isinstance(tree, Loop):
        return max(map(loops_deep, parts_of(tree)), default=0)
    inner = (tree.body,) if tree.keep is None else (tree.keep, tree.body)
    return max(loops_deep(tree.over), 1 + max(map(loops_deep, inner)))
