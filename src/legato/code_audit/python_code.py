"""Python, by its own parser: nothing is imported, nothing runs."""

import ast
import hashlib
import warnings
from collections.abc import Iterator
from typing import Final

from legato.code_audit.calls import Call, Origin, call_findings, of_call
from legato.code_audit.finding import Finding, Helper, Kind, Parsed, Unparsed
from legato.code_audit.python_texts import texts_of
from legato.code_audit.texts import Literal, text_findings
from legato.code_audit.vendors import (
    PROMPT_ARGUMENTS,
    PROMPT_MAKERS,
    is_client,
    vendor_of_package,
)

_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)
_LOOPS: Final = (ast.For, ast.While, ast.AsyncFor)
_PARENTS_MAX: Final = 60
_RETRIES: Final = ("retry", "backoff", "tenacity")
_BOTO: Final = "bedrock-runtime"
_HELPER_NODES_MIN: Final = 12
_PAIR: Final = 2
_ROUNDS: Final = 4
_HANDED_ON: Final = frozenset({"litellm", "openai", "anthropic", "cohere", "ollama"})


def parse_python(path: str, source: str) -> Parsed:
    """Return what a file holds.

    Raises:
        Unparsed: it is no Python of this version, or nested deeper than any code that works.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes in the strings of others
            tree = ast.parse(source)
        return _Reader(path, tree).read()
    except SyntaxError as error:
        raise Unparsed(f"line {error.lineno or 0}: {error.msg}") from None
    except (RecursionError, MemoryError, ValueError) as error:
        raise Unparsed(f"it can't be parsed: {type(error).__name__}") from None


class _Reader:
    """Goes over a tree once for names and once for findings; neither recursively."""

    def __init__(self, path: str, tree: ast.Module) -> None:
        self._path = path
        self._nodes: list[ast.AST] = []
        self._parents: dict[int, ast.AST] = {}
        waiting: list[ast.AST] = [tree]
        while waiting:
            node = waiting.pop()
            self._nodes.append(node)
            for child in ast.iter_child_nodes(node):
                self._parents[id(child)] = node
                waiting.append(child)
        self._origins: dict[str, Origin] = {}
        self._constants: dict[str, str] = {}
        self._docstrings = {id(one) for node in self._nodes for one in _docstrings(node)}

    def read(self) -> Parsed:
        for node in self._nodes:
            self._learn_import(node)
        for _ in range(_ROUNDS):  # a name may be bound to what another one is, further down
            for node in self._nodes:
                self._learn_binding(node)
        findings: list[Finding] = []
        helpers: dict[int, Helper] = {}
        for node in self._nodes:
            if isinstance(node, ast.Call):
                findings += self._of_call(node, helpers)
            elif isinstance(node, ast.Constant | ast.JoinedStr):
                findings += self._of_text(node)
        findings.sort(key=lambda one: (one.line, one.kind))
        texts = texts_of(self._nodes, self._parents, self._place_of)
        return Parsed(findings, sorted(helpers.values(), key=lambda one: one.line), texts)

    def _learn_import(self, node: ast.AST) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                if vendor := vendor_of_package(alias.name):
                    name = alias.asname or alias.name
                    self._origins[name] = Origin(vendor, alias.name, is_module=True)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if alias.name in _HANDED_ON:  # from a module of one's own, which loads it late
                    name = alias.asname or alias.name
                    self._origins[name] = Origin(alias.name, alias.name, is_module=True)
                    continue
                if not node.module or node.level:
                    continue
                vendor = vendor_of_package(f"{node.module}.{alias.name}")
                if vendor:
                    name = alias.asname or alias.name
                    whole = bool(vendor_of_package(f"{node.module}.{alias.name}")) and not (
                        vendor_of_package(node.module)
                    )
                    self._origins[name] = Origin(
                        vendor,
                        f"{node.module}.{alias.name}",
                        is_module=whole or alias.name.islower(),
                    )

    def _learn_binding(self, node: ast.AST) -> None:
        """Remember which names are bound to clients, and which texts constants are."""
        if isinstance(node, ast.arg) and node.annotation is not None:
            self._bind(node.arg, self._class_of(node.annotation))
            return
        if isinstance(node, ast.withitem) and node.optional_vars is not None:
            self._bind(_dotted(node.optional_vars), self._value_of(node.context_expr))
            return
        targets: list[ast.expr] = []
        value: ast.expr | None = None
        if isinstance(node, ast.Assign):
            targets, value = node.targets, node.value
        elif isinstance(node, ast.AnnAssign | ast.NamedExpr):
            targets, value = [node.target], node.value
        if value is None:
            if isinstance(node, ast.AnnAssign):
                self._bind(_dotted(node.target), self._class_of(node.annotation))
            return
        text = _text_of(value)
        for target in targets:
            name = _dotted(target)
            if text is not None and name:
                self._constants[name] = text
            self._bind(name, self._value_of(value))

    def _bind(self, name: str, origin: Origin | None) -> None:
        if name and origin is not None:
            self._origins.setdefault(name, origin)

    def _value_of(self, value: ast.expr) -> Origin | None:
        """Return what client a value is: made here, another name's, or a chain that ends in one."""
        if isinstance(value, ast.Await):
            value = value.value
        if isinstance(value, ast.BinOp) and isinstance(value.op, ast.BitOr):
            return self._value_of(value.right) or self._value_of(value.left)
        if isinstance(value, ast.BoolOp):
            return next(filter(None, map(self._value_of, value.values)), None)
        if isinstance(value, ast.IfExp):
            return self._value_of(value.body) or self._value_of(value.orelse)
        if isinstance(value, ast.Name | ast.Attribute):
            found = self._origins.get(_dotted(value))
            return found if found is not None and found.is_client else None
        if isinstance(value, ast.Call):
            made = self._client_made(value)
            if made is not None:
                return made
            if isinstance(value.func, ast.Attribute):  # llm.with_structured_output(...), bind_tools
                return self._value_of(value.func.value)
        return None

    def _class_of(self, annotation: ast.expr) -> Origin | None:
        for node in ast.walk(annotation):
            if isinstance(node, ast.Name | ast.Attribute):
                origin = self._resolved(_dotted(node))
                if origin is not None and is_client(origin.name.rpartition(".")[2]):
                    return origin.as_client()
        return None

    def _resolved(self, name: str) -> Origin | None:
        """Return what a dotted name stands for, by the imports of this file."""
        head, rest = name, ""
        while head:
            found = self._origins.get(head)
            if found is not None:
                full = f"{found.name}.{rest}" if rest else found.name
                return Origin(found.vendor, full, found.is_client and not rest, found.is_module)
            head, _, tail = head.rpartition(".")
            rest = f"{tail}.{rest}" if rest else tail
        return None

    def _client_made(self, call: ast.Call) -> Origin | None:
        name = _dotted(call.func)
        origin = self._resolved(name)
        last = name.rpartition(".")[2]
        if origin is not None and not origin.is_client:
            if is_client(origin.name.rpartition(".")[2]):
                return origin.as_client()
            if last in {"start_chat", "chats.create"}:
                return origin.as_client()
        first = _text_of(call.args[0]) if call.args else None
        service = first or next(
            (_text_of(one.value) for one in call.keywords if one.arg == "service_name"), None
        )
        if last == "client" and service == _BOTO:
            return Origin("aws", "boto3.client", is_client=True)
        return None

    def _of_call(self, node: ast.Call, helpers: dict[int, Helper]) -> Iterator[Finding]:
        name = _dotted(node.func)
        arguments = {one.arg: self._given(one.value) for one in node.keywords if one.arg}
        spread = any(one.arg is None for one in node.keywords)
        if (made := self._client_made(node)) is not None:
            call = Call(name or "client", made, arguments, spread=spread)
            yield from call_findings(self._path, node.lineno, call, Kind.CLIENT)
            return
        base = self._base_of(node.func)
        method = _chain(node.func)
        found = of_call(method, base, self._resolved(name), arguments, spread=spread)
        if found is None:
            return
        yield from call_findings(self._path, node.lineno, found, Kind.MODEL_CALL)
        yield from self._around(node, found, helpers)

    def _base_of(self, func: ast.expr) -> Origin | None:
        """Return the client that a method is called on: `self.llm.chat` is one of `self.llm`."""
        node = func
        while isinstance(node, ast.Attribute):
            node = node.value
            found = self._origins.get(_dotted(node))
            if found is not None and found.is_client:
                return found
        if isinstance(node, ast.Call):
            return self._value_of(node)
        if isinstance(node, ast.BinOp):
            return self._value_of(node)
        return None

    def _given(self, value: ast.expr) -> str | None:
        """Return the text of an argument, by a constant of this file too; None for others."""
        text = _text_of(value)
        return text if text is not None else self._constants.get(_dotted(value))

    def _around(self, node: ast.Call, call: Call, helpers: dict[int, Helper]) -> Iterator[Finding]:
        """Look at what stands around a call: its function, loops, handlers, decorators."""
        loop: ast.AST | None = None
        handled = False
        at: ast.AST = node
        for _ in range(_PARENTS_MAX):
            parent = self._parents.get(id(at))
            if parent is None:
                return
            if isinstance(parent, ast.Try) and any(at is one for one in parent.body):
                handled = handled or any(_goes_on(handler) for handler in parent.handlers)
            if (
                isinstance(parent, _LOOPS)
                and handled
                and loop is None
                and at is not getattr(parent, "iter", None)
            ):
                loop = parent
                yield Finding(
                    kind=Kind.RETRY_LOOP,
                    path=self._path,
                    line=getattr(parent, "lineno", 0),
                    vendor=call.origin.vendor,
                    name=call.name,
                    unbounded=isinstance(parent, ast.While) and _always(parent.test),
                )
            if isinstance(parent, _FUNCTIONS):
                yield from self._decorated(parent, call)
                self._remember(parent, helpers)
                return
            at = parent

    def _decorated(
        self, function: ast.FunctionDef | ast.AsyncFunctionDef, call: Call
    ) -> Iterator[Finding]:
        for decorator in function.decorator_list:
            name = _dotted(decorator.func if isinstance(decorator, ast.Call) else decorator)
            if any(word in name.lower() for word in _RETRIES):
                bare = not isinstance(decorator, ast.Call) or not decorator.keywords
                yield Finding(
                    kind=Kind.RETRY_LOOP,
                    path=self._path,
                    line=decorator.lineno,
                    vendor=call.origin.vendor,
                    name=f"@{name}",
                    unbounded=bare and not (isinstance(decorator, ast.Call) and decorator.args),
                )

    def _remember(
        self, function: ast.FunctionDef | ast.AsyncFunctionDef, helpers: dict[int, Helper]
    ) -> None:
        if id(function) in helpers:
            return
        shape = list(_shape(function))
        if len(shape) >= _HELPER_NODES_MIN:
            digest = hashlib.sha256(" ".join(shape).encode()).hexdigest()[:16]
            helpers[id(function)] = Helper(
                path=self._path, line=function.lineno, name=function.name, digest=digest
            )

    def _of_text(self, node: ast.Constant | ast.JoinedStr) -> Iterator[Finding]:
        parent = self._parents.get(id(node))
        if id(node) in self._docstrings or isinstance(parent, ast.JoinedStr | ast.FormattedValue):
            return
        text = _text_of(node)
        if text:
            literal = Literal(text, *self._place_of(node))
            yield from text_findings(self._path, getattr(node, "lineno", 0), literal)

    def _place_of(self, node: ast.AST) -> tuple[str, bool, bool]:
        """Return the name a text is given to, whether it is a prompt for sure, or an argument."""
        parent = self._parents.get(id(node))
        while isinstance(parent, ast.BinOp | ast.IfExp) or (
            isinstance(parent, ast.Call)
            and isinstance(parent.func, ast.Attribute)
            and _dotted(parent.func).rpartition(".")[2] in {"dedent", "strip", "format", "join"}
        ):
            node, parent = parent, self._parents.get(id(parent))
        if isinstance(parent, ast.keyword):
            call = self._parents.get(id(parent))
            known = isinstance(call, ast.Call) and self._calls_model(call)
            return parent.arg or "", known and parent.arg in PROMPT_ARGUMENTS, True
        if isinstance(parent, ast.Dict):
            return _key_of(parent, node), _is_message(parent, node), False
        if isinstance(parent, ast.Assign | ast.AnnAssign):
            target = parent.targets[0] if isinstance(parent, ast.Assign) else parent.target
            name = _dotted(target).rpartition(".")[2]
            return name, False, False
        if isinstance(parent, ast.Call):
            made = _dotted(parent.func).rpartition(".")[2]
            return "", made in PROMPT_MAKERS, True
        if isinstance(parent, ast.Tuple) and len(parent.elts) == _PAIR and parent.elts[1] is node:
            role = _text_of(parent.elts[0])
            return "", role in {"system", "human", "user", "ai"}, False
        return "", False, False

    def _calls_model(self, call: ast.Call) -> bool:
        name = _dotted(call.func)
        if self._client_made(call) is not None or name.rpartition(".")[2] in PROMPT_MAKERS:
            return True
        arguments: dict[str, str | None] = {one.arg: None for one in call.keywords if one.arg}
        found = of_call(
            _chain(call.func),
            self._base_of(call.func),
            self._resolved(name),
            arguments,
            spread=True,
        )
        return found is not None


def _docstrings(node: ast.AST) -> Iterator[ast.AST]:
    """Yield texts that stand alone: they say something to people, and nothing to models."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant | ast.JoinedStr):
        yield node.value


def _dotted(node: ast.AST) -> str:
    """Return `a.b.c` of names and attributes, "" where anything else stands among them."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join((node.id, *reversed(parts)))


def _chain(func: ast.expr) -> str:
    """Return the attributes a call goes over, whatever they are of: `chat.completions.create`."""
    parts: list[str] = []
    node: ast.AST = func
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        parts.append(node.id)
    return ".".join(reversed(parts))


def _text_of(node: ast.AST) -> str | None:
    """Return a text that is written there, `{}` for what is put in; None where it is no text."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values
        )
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _flat_text(node.left), _flat_text(node.right)
        return None if left is None and right is None else f"{left or '{}'}{right or '{}'}"
    return None


def _flat_text(node: ast.AST) -> str | None:
    return _text_of(node) if isinstance(node, ast.Constant | ast.JoinedStr) else None


def _key_of(holder: ast.Dict, value: ast.AST) -> str:
    for key, one in zip(holder.keys, holder.values, strict=True):
        if one is value and key is not None:
            return _text_of(key) or ""
    return ""


def _is_message(holder: ast.Dict, value: ast.AST) -> bool:
    """A message is an object with a role, whose content the text is."""
    keys = {_text_of(key) for key in holder.keys if key is not None}
    return "role" in keys and _key_of(holder, value) in {"content", "text"}


def _goes_on(handler: ast.ExceptHandler) -> bool:
    """Whether after a failure the loop goes on: the handler doesn't end by leaving."""
    return bool(handler.body) and not isinstance(
        handler.body[-1], ast.Raise | ast.Return | ast.Break
    )


def _always(test: ast.expr) -> bool:
    return isinstance(test, ast.Constant) and bool(test.value)


def _shape(function: ast.AST) -> Iterator[str]:
    """Yield a function's form without names and texts: two that do the same look alike."""
    waiting: list[ast.AST] = [function]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.keyword):
            yield node.arg or "**"
        elif not isinstance(node, ast.expr_context | ast.arguments | ast.arg):
            yield type(node).__name__
        waiting.extend(ast.iter_child_nodes(node))
