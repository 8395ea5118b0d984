"""What a Python file binds texts to, takes from other files, and gives to models by a name."""

import ast
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from legato.code_audit.constants import UNKNOWN, Bound, FileTexts, Piece, Use, bind, once

PlaceOf = Callable[[ast.AST], tuple[str, bool, bool]]
_KEEPS: Final = frozenset({"format", "strip", "lstrip", "rstrip"})
_TEXTS: Final = (ast.Name, ast.Attribute, ast.JoinedStr, ast.BinOp, ast.Call)
_DEPTH_MAX: Final = 40
Pieces = tuple[Piece, ...]


def texts_of(
    nodes: Iterable[ast.AST], parents: Mapping[int, ast.AST], place_of: PlaceOf
) -> FileTexts:
    """Return them; `place_of` tells the name a text is given to, and whether it is a prompt."""
    constants: dict[str, Bound | None] = {}
    imports: dict[str, tuple[str, str]] = {}
    uses = []
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                imports[alias.asname or alias.name] = (alias.name, "*")
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            for alias in node.names:
                imports[alias.asname or alias.name] = (module, alias.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            _learn(node, parents.get(id(node)), constants)
        elif isinstance(node, _TEXTS) and not _is_part(node, parents.get(id(node))):
            pieces = pieces_of(node)
            if any(piece.name for piece in pieces) and (said := place_of(node))[1]:
                uses.append(Use(node.lineno, said[0], pieces))
    return FileTexts(once(constants), imports, uses)


def pieces_of(node: ast.AST, depth: int = 0) -> Pieces:
    """Return what a text is put together of; nothing for what is no text."""
    line = getattr(node, "lineno", 0)
    if depth > _DEPTH_MAX:
        return ()
    if isinstance(node, ast.Constant):
        return (Piece(node.value, line),) if isinstance(node.value, str) else ()
    if isinstance(node, ast.Name | ast.Attribute):
        name = _dotted(node)
        return (Piece(UNKNOWN, line, name),) if name else ()
    if isinstance(node, ast.JoinedStr):
        return tuple(one for part in node.values for one in _of_part(part, depth))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        sides = [pieces_of(side, depth + 1) for side in (node.left, node.right)]
        if not any(sides):
            return ()
        return tuple(one for side in sides for one in side or (Piece(UNKNOWN, line),))
    if isinstance(node, ast.Call):
        return _of_call(node, depth)
    return ()


def _of_part(part: ast.expr, depth: int) -> Pieces:
    unknown = (Piece(UNKNOWN, part.lineno),)
    if isinstance(part, ast.FormattedValue):
        named = isinstance(part.value, ast.Name | ast.Attribute)
        return (pieces_of(part.value, depth + 1) if named else ()) or unknown
    return pieces_of(part, depth + 1) or unknown


def _of_call(node: ast.Call, depth: int) -> Pieces:
    if isinstance(node.func, ast.Attribute):
        if node.func.attr in _KEEPS:
            return pieces_of(node.func.value, depth + 1)
        if node.func.attr == "join" and len(node.args) == 1:
            return _joined(node.func.value, node.args[0], depth)
    made = _dotted(node.func).rpartition(".")[2]
    return pieces_of(node.args[0], depth + 1) if made == "dedent" and node.args else ()


def _joined(between: ast.expr, listed: ast.expr, depth: int) -> Pieces:
    if not isinstance(listed, ast.List | ast.Tuple) or not isinstance(between, ast.Constant):
        return ()
    found: list[Piece] = []
    for one in listed.elts:
        if found:
            found.append(Piece(str(between.value), between.lineno))
        found += pieces_of(one, depth + 1) or (Piece(UNKNOWN, one.lineno),)
    return tuple(found)


def _learn(
    node: ast.Assign | ast.AnnAssign, parent: ast.AST | None, constants: dict[str, Bound | None]
) -> None:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    owner = f"{parent.name}." if isinstance(parent, ast.ClassDef) else ""
    pieces = () if node.value is None else pieces_of(node.value)
    for target in targets:
        if name := _dotted(target):
            bind(constants, owner + name, Bound(node.lineno, pieces) if pieces else None)


def _is_part(node: ast.AST, parent: ast.AST | None) -> bool:
    """Whether a text is put together of it, so that the whole is looked at instead."""
    if isinstance(parent, ast.BinOp | ast.JoinedStr | ast.FormattedValue | ast.Attribute):
        return True
    return isinstance(parent, ast.Call) and (parent.func is node or bool(pieces_of(parent)))


def _dotted(node: ast.AST) -> str:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join((node.id, *reversed(parts))) if isinstance(node, ast.Name) else ""
