"""Which variables and fields an expression reads, and which of them it asks for first."""

from collections.abc import Iterator
from typing import Final

import msgspec

from legato.flow.cel.syntax import (
    Binary,
    Choice,
    Field,
    Index,
    Literal,
    Loop,
    Name,
    Tree,
    Unary,
    parts_of,
)

Path = tuple[str | int, ...]
"""A variable, and the fields and places below it: `("steps", "a", "output", "x", 0)`."""
_NONE: Final[frozenset[Path]] = frozenset()


class Reference(msgspec.Struct, frozen=True):
    """What an expression reads, as far down as its text says."""

    path: Path
    guards: frozenset[Path] = _NONE
    """Paths that are there wherever this is read: asked for by `has(...)` or `in`."""
    tested: bool = False
    """Whether it is only asked for."""
    whole: bool = True
    """Nothing below it is read by a name that is worked out."""

    @property
    def guarded(self) -> frozenset[Path]:
        """Those beginnings of the path that are known to be there."""
        return frozenset(self.path[:length] for length in range(1, len(self.path) + 1)) & frozenset(
            guard[:length] for guard in self.guards for length in range(len(guard) + 1)
        )


def references_of(tree: Tree) -> tuple[Reference, ...]:
    """Return what a tree reads, in the order of its text; names that loops bind left out."""
    return tuple(_found(tree, _NONE, frozenset()))


def path_at(tree: Tree) -> tuple[Path, bool] | None:
    """Return the path that a tree is, and whether to its end; None: it is worked out."""
    match tree:
        case Name(name=name):
            return (name,), True
        case Field(of=of, name=name):
            inner = path_at(of)
            return ((*inner[0], name), True) if inner and inner[1] else inner
        case Index(of=of, key=key):
            inner = path_at(of)
            if inner is None or not inner[1]:
                return inner
            if isinstance(key, Literal) and type(key.value) in {str, int}:
                return (*inner[0], key.value), True
            return inner[0], False
    return None


def guards_of(tree: Tree, *, holds: bool = True) -> frozenset[Path]:
    """Return the paths that are there if a condition holds (or if it doesn't)."""
    match tree:
        case Field(tested=True) if holds:
            found = path_at(tree)
            return frozenset({found[0]}) if found and found[1] else _NONE
        case Binary(operator="in", left=Literal(value=str() as name), right=right) if holds:
            found = path_at(right)
            return frozenset({(*found[0], name)}) if found and found[1] else _NONE
        case Unary(operator="!", of=of):
            return guards_of(of, holds=not holds)
        case Binary(operator="&&" | "||" as sign, left=left, right=right):
            sides = guards_of(left, holds=holds), guards_of(right, holds=holds)
            return sides[0] | sides[1] if (sign == "&&") is holds else sides[0] & sides[1]
    return _NONE


def _found(tree: Tree, guards: frozenset[Path], bound: frozenset[str]) -> Iterator[Reference]:
    path = path_at(tree)
    if path is not None:
        if path[0][0] not in bound:
            tested = isinstance(tree, Field) and tree.tested
            yield Reference(path[0], guards, tested, path[1])
        yield from _keys(tree, guards, bound)
        return
    match tree:
        case Binary(operator="&&" | "||" as sign, left=left, right=right):
            holds = sign == "&&"
            yield from _found(left, guards | guards_of(right, holds=holds), bound)
            yield from _found(right, guards | guards_of(left, holds=holds), bound)
        case Binary(operator="in", left=Literal(value=str() as name), right=right):
            asked = path_at(right)
            if asked and asked[1] and asked[0][0] not in bound:
                yield Reference((*asked[0], name), guards, tested=True)
            else:
                yield from _found(right, guards, bound)
        case Choice(condition=condition, then=then, otherwise=otherwise):
            yield from _found(condition, guards, bound)
            yield from _found(then, guards | guards_of(condition), bound)
            yield from _found(otherwise, guards | guards_of(condition, holds=False), bound)
        case Loop(over=over, name=name, body=body, keep=keep):
            yield from _found(over, guards, bound)
            inside = bound | {name}
            asked_for = _NONE
            if keep is not None:
                yield from _found(keep, guards, inside)
                asked_for = guards_of(keep)
            yield from _found(body, guards | asked_for, inside)
        case _:
            for part in parts_of(tree):
                yield from _found(part, guards, bound)


def _keys(tree: Tree, guards: frozenset[Path], bound: frozenset[str]) -> Iterator[Reference]:
    """Yield what the keys in `a[b].c` read."""
    while not isinstance(tree, Name):
        if isinstance(tree, Index):
            yield from _found(tree.key, guards, bound)
            tree = tree.of
        elif isinstance(tree, Field):
            tree = tree.of
        else:
            return
