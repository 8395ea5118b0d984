"""JavaScript and TypeScript, by tree-sitter's grammars: nothing runs, and errors are gone over."""

import hashlib
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Final

from legato.code_audit.calls import Call, Origin, call_findings, of_call
from legato.code_audit.finding import Finding, Helper, Kind, Parsed, Unparsed
from legato.code_audit.script_texts import texts_of
from legato.code_audit.texts import Literal, text_findings
from legato.code_audit.vendors import PROMPT_ARGUMENTS, PROMPT_MAKERS, is_client, vendor_of_package
from legato.core.errors import OperatorError

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

_FUNCTIONS: Final = frozenset(
    {"function_declaration", "function_expression", "arrow_function", "method_definition",
     "generator_function_declaration"}
)  # fmt: skip
_LOOPS: Final = frozenset({"for_statement", "for_in_statement", "while_statement", "do_statement"})
_LEAVES: Final = frozenset({"return_statement", "throw_statement", "break_statement"})
_PARENTS_MAX: Final = 60
_ERRORS_MAX: Final = 200
_HELPER_NODES_MIN: Final = 12
_ROUNDS: Final = 4
_SHAPELESS: Final = frozenset(
    {"identifier", "string_fragment", "string", "template_string", "escape_sequence", "comment",
     "template_substitution", "type_annotation", "predefined_type", "type_identifier", "number"}
)  # fmt: skip


def parse_script(path: str, source: str) -> Parsed:
    """Return what a file holds.

    Raises:
        Unparsed: so much of it can't be parsed that it is something else.
        OperatorError: the parser isn't installed.
    """
    typed = path.endswith((".ts", ".mts", ".cts"))
    tree = _parser(typed=typed).parse(source.encode("utf-8", "replace"))
    return _Reader(path, tree.root_node).read()


@cache
def _parser(*, typed: bool) -> "Parser":
    try:
        import tree_sitter_typescript as grammar  # noqa: PLC0415 - an extra
        from tree_sitter import Language, Parser  # noqa: PLC0415
    except ImportError:
        raise OperatorError(
            "JavaScript and TypeScript need an extra: pip install 'legato[audit-code]'"
        ) from None
    language = grammar.language_typescript() if typed else grammar.language_tsx()
    return Parser(Language(language))


class _Reader:
    """Goes over a tree once for names and once for findings; neither recursively."""

    def __init__(self, path: str, root: "Node") -> None:
        self._path = path
        self._nodes = list(_all(root))
        errors = sum(node.type == "ERROR" for node in self._nodes)
        if errors > _ERRORS_MAX or (errors and errors * 4 > len(self._nodes)):
            raise Unparsed(f"{errors} places can't be parsed: it is no JavaScript or TypeScript")
        self._origins: dict[str, Origin] = {}
        self._constants: dict[str, str] = {}

    def read(self) -> Parsed:
        for node in self._nodes:
            self._learn_import(node)
        for _ in range(_ROUNDS):  # client, model, session: each bound to the one before
            for node in self._nodes:
                self._learn_binding(node)
        findings: list[Finding] = []
        helpers: dict[int, Helper] = {}
        for node in self._nodes:
            if node.type in {"call_expression", "new_expression"}:
                findings += self._of_call(node, helpers)
            elif node.type in {"string", "template_string"}:
                findings += self._of_text(node)
        findings.sort(key=lambda one: (one.line, one.kind))
        texts = texts_of(self._nodes, self._place_of)
        return Parsed(findings, sorted(helpers.values(), key=lambda one: one.line), texts)

    def _learn_import(self, node: "Node") -> None:
        if node.type == "import_statement":
            source = node.child_by_field_name("source")
            vendor = vendor_of_package(_text_of(source) or "") if source else ""
            if vendor and source is not None:
                self._name_imports(node, vendor, _text_of(source) or "")
        elif node.type == "variable_declarator":
            value = node.child_by_field_name("value")
            call = _unwrapped(value)
            if call is None or call.type != "call_expression":
                return
            if _chain(call.child_by_field_name("function")) not in {"require", "import"}:
                return
            package = _text_of(_arguments(call)[0]) if _arguments(call) else None
            if vendor := vendor_of_package(package or ""):
                target = node.child_by_field_name("name")
                if target is not None:
                    self._name_pattern(target, vendor, package or "")

    def _name_imports(self, node: "Node", vendor: str, package: str) -> None:
        for child in _all(node):
            if child.type == "import_specifier":
                name = child.child_by_field_name("name")
                alias = child.child_by_field_name("alias") or name
                if name is not None and alias is not None:
                    self._origins[_source(alias)] = Origin(vendor, f"{package}.{_source(name)}")
            elif child.type == "namespace_import" or (
                child.type == "identifier"
                and child.parent is not None
                and child.parent.type == "import_clause"
            ):
                name = child.named_children[0] if child.type == "namespace_import" else child
                # a default export is the client class, by whatever name it is taken in
                self._origins[_source(name)] = Origin(vendor, f"{package}.default", is_module=True)

    def _name_pattern(self, target: "Node", vendor: str, package: str) -> None:
        if target.type == "identifier":
            self._origins[_source(target)] = Origin(vendor, f"{package}.default", is_module=True)
            return
        for child in _all(target):
            if child.type == "shorthand_property_identifier_pattern":
                self._origins[_source(child)] = Origin(vendor, f"{package}.{_source(child)}")
            elif child.type == "pair_pattern":
                key, value = child.child_by_field_name("key"), child.child_by_field_name("value")
                if key is not None and value is not None:
                    self._origins[_source(value)] = Origin(vendor, f"{package}.{_source(key)}")

    def _learn_binding(self, node: "Node") -> None:
        if node.type in {"required_parameter", "optional_parameter", "public_field_definition"}:
            name = node.child_by_field_name("pattern") or node.child_by_field_name("name")
            kind = node.child_by_field_name("type")
            value = node.child_by_field_name("value")
            origin = self._class_in(kind) if kind is not None else None
            if name is not None and (origin := origin or self._value_of(value)) is not None:
                own = "this." if node.type == "public_field_definition" else ""
                self._origins.setdefault(f"{own}{_source(name)}", origin)
                self._origins.setdefault(f"this.{_source(name)}", origin)
            return
        if node.type == "variable_declarator":
            target, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        elif node.type == "assignment_expression":
            target, value = node.child_by_field_name("left"), node.child_by_field_name("right")
        else:
            return
        if target is None or value is None:
            return
        name_text = _chain(target)
        text = _text_of(value)
        if text is not None and name_text:
            self._constants[name_text] = text
        origin = self._value_of(value)
        if origin is not None and name_text:
            self._origins.setdefault(name_text, origin)

    def _class_in(self, kind: "Node") -> Origin | None:
        for child in _all(kind):
            if child.type in {"type_identifier", "identifier"}:
                found = self._origins.get(_source(child))
                if found is not None and _makes_client(found):
                    return found.as_client()
        return None

    def _value_of(self, value: "Node | None") -> Origin | None:
        """Return what client a value is."""
        value = _unwrapped(value)
        if value is None:
            return None
        if value.type in {"identifier", "member_expression"}:
            found = self._origins.get(_chain(value))
            return found if found is not None and found.is_client else None
        if value.type in {"binary_expression", "ternary_expression"}:
            sides = [value.child_by_field_name(name) for name in
                     ("left", "right", "consequence", "alternative")]  # fmt: skip
            return next(filter(None, map(self._value_of, sides)), None)
        if value.type in {"new_expression", "call_expression"}:
            if (made := self._client_made(value)) is not None:
                return made
            function = value.child_by_field_name("function")
            if function is not None and function.type == "member_expression":
                last = function.child_by_field_name("property")
                if last is not None and _source(last) == "pipe":
                    given = _arguments(value)
                    return next(filter(None, map(self._value_of, given)), None)
                return self._value_of(function.child_by_field_name("object"))
        return None

    def _client_made(self, node: "Node") -> Origin | None:
        made = node.child_by_field_name("constructor") or node.child_by_field_name("function")
        if made is None:
            return None
        name = _chain(made)
        head, _, rest = name.partition(".")
        found = self._origins.get(name) or self._origins.get(head)
        if found is None or found.is_client:
            return None
        if node.type == "new_expression":
            last = rest or found.name.rpartition(".")[2]
            return found.as_client() if last == "default" or is_client(last) else None
        return found.as_client() if is_client(found.name.rpartition(".")[2]) and not rest else None

    def _of_call(self, node: "Node", helpers: dict[int, Helper]) -> Iterator[Finding]:
        line = node.start_point[0] + 1
        arguments, spread = self._named(node)
        if (made := self._client_made(node)) is not None:
            function = node.child_by_field_name("constructor") or node.child_by_field_name(
                "function"
            )
            call = Call(_chain(function) or "client", made, arguments, spread=spread)
            yield from call_findings(self._path, line, call, Kind.CLIENT)
            return
        if node.type != "call_expression":
            return
        found = self._call(node, arguments, spread=spread)
        if found is None:
            return
        yield from call_findings(self._path, line, found, Kind.MODEL_CALL)
        yield from self._around(node, found, helpers)

    def _call(self, node: "Node", arguments: dict[str, str | None], *, spread: bool) -> Call | None:
        function = node.child_by_field_name("function")
        if function is None:
            return None
        name = _chain(function)
        base = self._base_of(function)
        if base is not None and name.endswith(".send") and base.vendor == "aws":
            given = _arguments(node)
            made = _chain(given[0].child_by_field_name("constructor")) if given else ""
            if "Converse" not in made and "InvokeModel" not in made:
                return None
            inner, _ = self._named(given[0])
            return Call(made, base, inner, spread=True)
        if base is not None and name.endswith(".chat") and base.vendor != "cohere":
            return None
        return of_call(name, base, self._origins.get(name.partition(".")[0]) if base is None else
                       None, arguments, spread=spread)  # fmt: skip

    def _base_of(self, function: "Node") -> Origin | None:
        node: Node | None = function
        while node is not None and node.type == "member_expression":
            node = node.child_by_field_name("object")
            found = self._origins.get(_chain(node)) if node is not None else None
            if found is not None and found.is_client:
                return found
        return self._value_of(node) if node is not None and node is not function else None

    def _named(self, node: "Node") -> tuple[dict[str, str | None], bool]:
        """Return what the objects among the arguments name, and whether more may be in them."""
        found: dict[str, str | None] = {}
        spread = False
        for given in _arguments(node):
            if given.type != "object":
                spread = spread or given.type in {"identifier", "spread_element", "call_expression"}
                continue
            for child in given.named_children:
                key = child.child_by_field_name("key")
                if child.type == "pair" and key is not None:
                    value = child.child_by_field_name("value")
                    found[_source(key).strip("\"'")] = self._given(value)
                elif child.type == "shorthand_property_identifier":
                    found[_source(child)] = self._constants.get(_source(child))
                elif child.type == "spread_element":
                    spread = True
        return found, spread

    def _given(self, value: "Node | None") -> str | None:
        """Return a text, by a constant too; of `openai("gpt-4o")` the model it names."""
        value = _unwrapped(value)
        if value is None:
            return None
        if value.type == "call_expression":
            function = value.child_by_field_name("function")
            head = _chain(function).partition(".")[0]
            given = _arguments(value)
            return self._given(given[0]) if given and head in self._origins else None
        text = _text_of(value)
        return text if text is not None else self._constants.get(_chain(value))

    def _around(self, node: "Node", call: Call, helpers: dict[int, Helper]) -> Iterator[Finding]:
        at, handled, looped = node, False, False
        for _ in range(_PARENTS_MAX):
            parent = at.parent
            if parent is None:
                return
            if parent.type == "try_statement" and parent.child_by_field_name("body") == at:
                handled = handled or _goes_on(parent.child_by_field_name("handler"))
            if parent.type in _LOOPS and handled and not looped:
                looped = True
                condition = parent.child_by_field_name("condition")
                yield Finding(
                    kind=Kind.RETRY_LOOP,
                    path=self._path,
                    line=parent.start_point[0] + 1,
                    vendor=call.origin.vendor,
                    name=call.name,
                    unbounded=condition is not None and _source(condition) in {"(true)", "(1)"},
                )
            if parent.type in _FUNCTIONS:
                self._remember(parent, helpers)
                return
            at = parent

    def _remember(self, function: "Node", helpers: dict[int, Helper]) -> None:
        if function.id in helpers:
            return
        body = function.child_by_field_name("body")
        shape = [one for node in _all(body) if (one := _form(node))] if body is not None else []
        if len(shape) >= _HELPER_NODES_MIN:
            name = function.child_by_field_name("name")
            if name is None and function.parent is not None:
                name = function.parent.child_by_field_name("name")
            helpers[function.id] = Helper(
                path=self._path,
                line=function.start_point[0] + 1,
                name=_source(name) if name is not None else "",
                digest=hashlib.sha256(" ".join(shape).encode()).hexdigest()[:16],
            )

    def _of_text(self, node: "Node") -> Iterator[Finding]:
        parent = node.parent
        if parent is None or parent.type in {"import_statement", "expression_statement",
                                             "export_statement", "literal_type"}:  # fmt: skip
            return
        text = _text_of(node)
        if text:
            literal = Literal(text, *self._place_of(node, parent))
            yield from text_findings(self._path, node.start_point[0] + 1, literal)

    def _place_of(self, node: "Node", parent: "Node") -> tuple[str, bool, bool]:
        while parent.type in {
            "binary_expression",
            "parenthesized_expression",
            "as_expression",
        } and (parent.parent is not None):
            node, parent = parent, parent.parent
        if parent.type == "pair":
            key = parent.child_by_field_name("key")
            name = _source(key).strip("\"'") if key is not None else ""
            return name, self._is_prompt_pair(parent, name), True
        if parent.type == "variable_declarator":
            target = parent.child_by_field_name("name")
            return (_source(target) if target is not None else ""), False, False
        if parent.type == "assignment_expression":
            return _chain(parent.child_by_field_name("left")).rpartition(".")[2], False, False
        if parent.type == "arguments" and parent.parent is not None:
            made = parent.parent.child_by_field_name("function") or (
                parent.parent.child_by_field_name("constructor")
            )
            name = _chain(made).rpartition(".")[2]
            return "", name in PROMPT_MAKERS, True
        if parent.type == "array" and len(parent.named_children) == 2:  # noqa: PLR2004 - role, text
            role = _text_of(parent.named_children[0])
            second = parent.named_children[1] == node
            return "", second and role in {"system", "human", "user", "ai"}, False
        return "", False, False

    def _is_prompt_pair(self, pair: "Node", name: str) -> bool:
        holder = pair.parent
        if holder is None:
            return False
        if name in {"content", "text"}:
            keys = {_source(key).strip("\"'") for one in holder.named_children
                    if (key := one.child_by_field_name("key")) is not None}  # fmt: skip
            return "role" in keys
        given = holder.parent
        call = given.parent if given is not None else None
        if name not in PROMPT_ARGUMENTS or call is None or call.type != "call_expression":
            return False
        arguments, _ = self._named(call)
        return self._call(call, arguments, spread=True) is not None


def _makes_client(origin: Origin) -> bool:
    last = origin.name.rpartition(".")[2]
    return last == "default" or is_client(last)


def _all(root: "Node") -> Iterator["Node"]:
    """Yield a node and all below it, in no order of depth that could end."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(node.children)


def _source(node: "Node") -> str:
    return (node.text or b"").decode("utf-8", "replace")


def _unwrapped(node: "Node | None") -> "Node | None":
    while node is not None and node.type in {
        "await_expression", "parenthesized_expression", "as_expression", "non_null_expression",
        "satisfies_expression",
    }:  # fmt: skip
        node = node.named_children[0] if node.named_children else None
    return node


def _chain(node: "Node | None") -> str:
    """Return `a.b.c` of names and members; what else stands at the start is left out."""
    parts: list[str] = []
    while node is not None and node.type == "member_expression":
        last = node.child_by_field_name("property")
        parts.append(_source(last) if last is not None else "")
        node = _unwrapped(node.child_by_field_name("object"))
    if node is not None and node.type in {"identifier", "this", "import", "property_identifier"}:
        parts.append(_source(node))
    return ".".join(reversed(parts))


def _arguments(call: "Node") -> list["Node"]:
    given = call.child_by_field_name("arguments")
    return [] if given is None else list(given.named_children)


def _text_of(node: "Node | None") -> str | None:
    """Return a text that is written there, `{}` for what is put in; None where it is no text."""
    if node is None:
        return None
    if node.type == "string":
        return _source(node)[1:-1].replace("\\n", "\n").replace("\\'", "'").replace('\\"', '"')
    if node.type == "template_string":
        return "".join(
            "{}" if part.type == "template_substitution" else _source(part)
            for part in node.named_children
        )
    if node.type == "binary_expression":
        sides = [node.child_by_field_name(name) for name in ("left", "right")]
        texts = [_text_of(one) if one is not None and one.type != "binary_expression" else None
                 for one in sides]  # fmt: skip
        return None if texts == [None, None] else "".join(one or "{}" for one in texts)
    return None


def _goes_on(handler: "Node | None") -> bool:
    body = handler.child_by_field_name("body") if handler is not None else None
    if body is None:
        return False
    said = [one for one in body.named_children if one.type != "comment"]
    return not said or said[-1].type not in _LEAVES


def _form(node: "Node") -> str:
    if node.type == "property_identifier":
        return _source(node)
    return node.type if node.is_named and node.type not in _SHAPELESS else ""
