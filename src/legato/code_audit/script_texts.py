"""What a JavaScript or TypeScript file binds texts to, takes from others, and gives to models."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from legato.code_audit.constants import UNKNOWN, Bound, FileTexts, Piece, Use, bind, once

if TYPE_CHECKING:
    from tree_sitter import Node

PlaceOf = Callable[["Node", "Node"], tuple[str, bool, bool]]
_KEEPS: Final = frozenset({"trim", "trimStart", "trimEnd", "normalize"})
_NAMES: Final = frozenset({"identifier", "member_expression"})
_WRAPS: Final = frozenset(
    {"parenthesized_expression", "as_expression", "satisfies_expression", "non_null_expression"}
)
_TEXTS: Final = _NAMES | {"template_string", "binary_expression", "call_expression"}
_PARTS: Final = _WRAPS | {"binary_expression", "template_substitution", "member_expression"}
_DEPTH_MAX: Final = 40
Pieces = tuple[Piece, ...]


def texts_of(nodes: Iterable["Node"], place_of: PlaceOf) -> FileTexts:
    """Return them; `place_of` tells the name a text is given to, and whether it is a prompt."""
    constants: dict[str, Bound | None] = {}
    imports: dict[str, tuple[str, str]] = {}
    uses = []
    for node in nodes:
        if node.type in {"import_statement", "export_statement"}:
            _learn_import(node, imports)
            value = node.child_by_field_name("value")
            if node.type == "export_statement" and value is not None:
                _learn("default", value, constants)
        elif node.type == "variable_declarator":
            _learn_declared(node, constants, imports)
        elif node.type in _TEXTS and node.parent is not None and node.parent.type not in _PARTS:
            pieces = pieces_of(node)
            if any(piece.name for piece in pieces) and (said := place_of(node, node.parent))[1]:
                uses.append(Use(_line(node), said[0], pieces))
    return FileTexts(once(constants), imports, uses)


def pieces_of(node: "Node | None", depth: int = 0) -> Pieces:
    """Return what a text is put together of; nothing for what is no text."""
    if node is None or depth > _DEPTH_MAX:
        return ()
    if node.type in _WRAPS:
        return pieces_of(node.named_children[0], depth + 1) if node.named_children else ()
    if node.type == "string":
        return (Piece(_plain(node), _line(node)),)
    if node.type in _NAMES:
        name = _chain(node)
        return (Piece(UNKNOWN, _line(node), name),) if name else ()
    if node.type == "template_string":
        return tuple(one for part in node.named_children for one in _of_part(part, depth))
    if node.type == "binary_expression" and any(child.type == "+" for child in node.children):
        sides = [pieces_of(node.child_by_field_name(name), depth + 1) for name in ("left", "right")]
        if not any(sides):
            return ()
        return tuple(one for side in sides for one in side or (Piece(UNKNOWN, _line(node)),))
    if node.type == "call_expression":
        called = node.child_by_field_name("function")
        kept = called is not None and called.type == "member_expression"
        last = called.child_by_field_name("property") if called is not None and kept else None
        if called is not None and last is not None and _source(last) in _KEEPS:
            return pieces_of(called.child_by_field_name("object"), depth + 1)
    return ()


def _of_part(part: "Node", depth: int) -> Pieces:
    if part.type != "template_substitution":
        return (Piece(_source(part), _line(part)),)
    inner = part.named_children[0] if part.named_children else None
    named = inner is not None and inner.type in _NAMES
    return (pieces_of(inner, depth + 1) if named else ()) or (Piece(UNKNOWN, _line(part)),)


def _learn_import(node: "Node", imports: dict[str, tuple[str, str]]) -> None:
    """`import {A as B} from`, `import * as P from`, `import D from`, `export {A} from`."""
    source = node.child_by_field_name("source")
    if source is None:
        return
    module, waiting = _plain(source), list(node.named_children)
    while waiting:
        child = waiting.pop()
        if child.type in {"import_specifier", "export_specifier"}:
            name = child.child_by_field_name("name")
            alias = child.child_by_field_name("alias") or name
            if name is not None and alias is not None:
                imports[_source(alias)] = (module, _source(name))
        elif child.type == "namespace_import" and child.named_children:
            imports[_source(child.named_children[0])] = (module, "*")
        elif child.type == "identifier":
            imports[_source(child)] = (module, "default")
        else:
            waiting.extend(child.named_children)


def _learn_declared(
    node: "Node", constants: dict[str, Bound | None], imports: dict[str, tuple[str, str]]
) -> None:
    target, value = node.child_by_field_name("name"), node.child_by_field_name("value")
    if target is None or value is None:
        return
    if target.type == "identifier":
        if (module := _required(value)) is not None:
            imports[_source(target)] = (module, "*")
        else:
            _learn(_source(target), value, constants)
    elif (module := _required(value)) is not None:
        for child in target.named_children:
            if child.type == "shorthand_property_identifier_pattern":
                imports[_source(child)] = (module, _source(child))


def _learn(name: str, value: "Node", constants: dict[str, Bound | None]) -> None:
    """Remember a text, or the texts of an object by their keys."""
    while value.type in _WRAPS and value.named_children:
        value = value.named_children[0]
    if value.type == "object":
        for pair in value.named_children:
            key, held = pair.child_by_field_name("key"), pair.child_by_field_name("value")
            if pair.type == "pair" and key is not None and held is not None:
                _learn(f"{name}.{_source(key).strip(chr(34) + chr(39))}", held, constants)
        return
    pieces = pieces_of(value)
    bind(constants, name, Bound(_line(value), pieces) if pieces else None)


def _required(value: "Node") -> str | None:
    called = value.child_by_field_name("function") if value.type == "call_expression" else None
    given = value.child_by_field_name("arguments")
    if called is None or _source(called) != "require" or given is None:
        return None
    first = given.named_children[0] if given.named_children else None
    return _plain(first) if first is not None and first.type == "string" else None


def _chain(node: "Node | None") -> str:
    parts: list[str] = []
    while node is not None and node.type == "member_expression":
        last = node.child_by_field_name("property")
        parts.append(_source(last) if last is not None else "")
        node = node.child_by_field_name("object")
    if node is None or node.type != "identifier":
        return ""
    return ".".join((_source(node), *reversed(parts)))


def _plain(node: "Node") -> str:
    return _source(node)[1:-1].replace("\\n", "\n").replace("\\'", "'").replace('\\"', '"')


def _source(node: "Node") -> str:
    return (node.text or b"").decode("utf-8", "replace")


def _line(node: "Node") -> int:
    return int(node.start_point[0]) + 1
