"""Reads an expression: CEL without byte texts, unsigned numbers, messages and triple quotes.

By precedence climbing (Richards, 1979) over the grammar of the CEL specification. Its size is
bounded before anything is read, so reading takes time for its text alone.
"""

import re
import sys
from math import isfinite
from typing import Final, NamedTuple, NoReturn

from legato.flow.cel.functions import FUNCTIONS
from legato.flow.cel.syntax import (
    Binary,
    Call,
    Choice,
    ExpressionInvalid,
    Field,
    Index,
    ListOf,
    Literal,
    Loop,
    MapOf,
    Name,
    Tree,
    Unary,
    loops_deep,
)

CHARACTERS_MAX: Final = 2_000
TOKENS_MAX: Final = 500
DEPTH_MAX: Final = 24
"""Of brackets and operators in a row before an operand: reading calls itself for each."""
LOOPS_DEEP_MAX: Final = 3
INTEGER_MAX: Final = 2**63 - 1
MACROS: Final = frozenset({"map", "filter", "all", "exists", "exists_one"})

_TOKEN: Final = re.compile(
    r"""(?P<space>(?:\s|//[^\n]*)+)
    |(?P<text>[rR]?(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'))
    |(?P<float>\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)
    |(?P<int>0x[0-9a-fA-F]+|\d+)
    |(?P<name>[A-Za-z_]\w*)
    |(?P<sign>&&|\|\||[=!<>]=|[-+*/%<>!?:.,()\[\]{}])""",
    re.VERBOSE,
)
_PRECEDENCE: Final = {
    "||": 1, "&&": 2, "==": 3, "!=": 3, "<": 3, "<=": 3, ">": 3, ">=": 3, "in": 3,
    "+": 4, "-": 4, "*": 5, "/": 5, "%": 5,
}  # fmt: skip
_SURROGATES: Final = range(0xD800, 0xE000)
_WORDS: Final = {"true": True, "false": False, "null": None}
_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|(.))")
_ESCAPED: Final = {
    "n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v",
    "\\": "\\", '"': '"', "'": "'", "`": "`", "?": "?",
}  # fmt: skip


class Token(NamedTuple):
    """A word of an expression."""

    kind: str
    text: str
    at: int


def read(source: str) -> Tree:
    """Return the tree of an expression.

    Raises:
        ExpressionInvalid: it can't be read or is too large; it says where, and the remedy.
    """
    if not source.strip() or len(source) > CHARACTERS_MAX:
        msg = f"an expression has 1 to {CHARACTERS_MAX} characters"
        raise ExpressionInvalid(msg)
    tree = _Reader(tokens_of(source)).whole()
    if loops_deep(tree) > LOOPS_DEEP_MAX:
        msg = f"loops stand at most {LOOPS_DEEP_MAX} deep in each other; take a node for the rest"
        raise ExpressionInvalid(msg)
    return tree


def tokens_of(source: str) -> list[Token]:
    """Return the words of an expression and its end. Raises ExpressionInvalid."""
    tokens, at = [], 0
    while at < len(source):
        found = _TOKEN.match(source, at)
        if found is None:
            _refuse(at, f"{source[at]!r} can't stand here")
        if found.lastgroup != "space":
            tokens.append(Token(str(found.lastgroup), found.group(), at))
        at = found.end()
    if len(tokens) > TOKENS_MAX:
        msg = f"{len(tokens)} words are more than {TOKENS_MAX}. Divide it into several nodes."
        raise ExpressionInvalid(msg)
    return [*tokens, Token("end", "", len(source))]


def end_of(source: str, begin: int) -> int | None:
    """Return where the brace is that closes an expression within a text; None: nowhere."""
    at, deep = begin, 0
    while at < len(source):
        found = _TOKEN.match(source, at)
        if found is None:
            _refuse(at, f"{source[at]!r} can't stand here")
        if found.group() == "}" and not deep:
            return at
        deep += (found.group() == "{") - (found.group() == "}")
        at = found.end()
    return None


def _refuse(at: int, told: str) -> NoReturn:
    msg = f"can't be read at character {at + 1}: {told}"
    raise ExpressionInvalid(msg)


class _Reader:
    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._place = 0
        self._depth = 0

    def whole(self) -> Tree:
        tree = self._choice()
        if self._next.kind != "end":
            _refuse(self._next.at, f"{self._next.text!r} comes after its end")
        return tree

    @property
    def _next(self) -> Token:
        return self._tokens[self._place]

    def _take(self) -> Token:
        token = self._next
        self._place += 1
        return token

    def _takes(self, sign: str) -> bool:
        if self._next.kind == "sign" and self._next.text == sign:
            self._place += 1
            return True
        return False

    def _need(self, sign: str) -> None:
        if not self._takes(sign):
            told = repr(self._next.text) if self._next.text else "its end"
            _refuse(self._next.at, f"{told} stands where {sign!r} is wanted")

    def _choice(self) -> Tree:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            _refuse(self._next.at, f"it is nested more than {DEPTH_MAX} deep")
        tree = self._operation(1)
        at = self._next.at
        if self._takes("?"):
            then = self._choice()
            self._need(":")
            tree = Choice(at, tree, then, self._choice())
        self._depth -= 1
        return tree

    def _operation(self, least: int) -> Tree:
        left = self._unary()
        while True:
            token = self._next
            strength = _PRECEDENCE.get(token.text, 0) if token.kind in {"sign", "name"} else 0
            if strength < least or not strength:
                return left
            self._place += 1
            left = Binary(token.at, token.text, left, self._operation(strength + 1))

    def _unary(self) -> Tree:
        token = self._next
        if token.kind != "sign" or token.text not in {"!", "-"}:
            return self._member()
        self._place += 1
        self._depth += 1
        if self._depth > DEPTH_MAX:
            _refuse(token.at, f"it is nested more than {DEPTH_MAX} deep")
        of = self._unary()
        self._depth -= 1
        if token.text == "-" and isinstance(of, Literal) and type(of.value) in {int, float}:
            return Literal(token.at, -of.value)
        return Unary(token.at, token.text, of)

    def _member(self) -> Tree:
        tree = self._primary()
        while True:
            if self._takes("."):
                tree = self._field(tree)
            elif self._takes("["):
                at = self._next.at
                tree = Index(at, tree, self._choice())
                self._need("]")
            else:
                return tree

    def _field(self, of: Tree) -> Tree:
        token = self._take()
        if token.kind != "name":
            _refuse(token.at, "the name of a field is wanted after the dot")
        if not self._takes("("):
            return Field(token.at, of, token.text)
        if token.text in MACROS:
            return self._loop(token, of)
        arguments = (of, *self._several(")"))
        return _call(token, arguments, method=True)

    def _loop(self, token: Token, over: Tree) -> Tree:
        arguments = self._several(")")
        first = arguments[0] if arguments else None
        if not isinstance(first, Name) or len(arguments) not in (
            (2, 3) if token.text == "map" else (2,)
        ):
            _refuse(token.at, f"write .{token.text}(name, what is done with it)")
        keep = arguments[1] if len(arguments) == len(("name", "keep", "body")) else None
        return Loop(token.at, token.text, over, first.name, arguments[-1], keep)

    def _several(self, closing: str) -> tuple[Tree, ...]:
        found: list[Tree] = []
        while not self._takes(closing):
            if found:
                self._need(",")
                if self._takes(closing):
                    break
            found.append(self._choice())
        return tuple(found)

    def _primary(self) -> Tree:
        token = self._take()
        match token.kind:
            case "int":
                value = int(token.text, 0) if token.text.startswith("0x") else int(token.text)
                if value > INTEGER_MAX:
                    _refuse(token.at, "integers have 64 bits at most")
                return Literal(token.at, value)
            case "float":
                number = float(token.text)
                if not isfinite(number):
                    _refuse(token.at, "the number is too large")
                return Literal(token.at, number)
            case "text":
                return Literal(token.at, _text_of(token))
            case "name":
                return self._named(token)
            case "sign" if token.text == "(":
                tree = self._choice()
                self._need(")")
                return tree
            case "sign" if token.text == "[":
                return ListOf(token.at, self._several("]"))
            case "sign" if token.text == "{":
                return self._map(token)
        told = f"{token.text!r} can't stand here" if token.text else "it ends too early"
        _refuse(token.at, told)

    def _named(self, token: Token) -> Tree:
        if token.text in _WORDS:
            return Literal(token.at, _WORDS[token.text])
        if token.text == "in":
            _refuse(token.at, "'in' can't stand here")
        if not self._takes("("):
            return Name(token.at, token.text)
        arguments = self._several(")")
        if token.text != "has":
            return _call(token, arguments, method=False)
        if len(arguments) != 1 or not isinstance(field := arguments[0], Field):
            _refuse(token.at, "write has(a.b): whether there is a field b in a")
        return Field(field.at, field.of, field.name, tested=True)

    def _map(self, token: Token) -> Tree:
        pairs: list[tuple[Tree, Tree]] = []
        while not self._takes("}"):
            if pairs:
                self._need(",")
                if self._takes("}"):
                    break
            key = self._choice()
            self._need(":")
            pairs.append((key, self._choice()))
        return MapOf(token.at, tuple(pairs))


def _call(token: Token, arguments: tuple[Tree, ...], *, method: bool) -> Call:
    function = FUNCTIONS.get(token.text)
    if function is None:
        _refuse(token.at, f"there is no function {token.text!r}. Known: {', '.join(FUNCTIONS)}")
    if not (function.method if method else function.plain):
        written = f"{token.text}(...)" if function.plain else f"value.{token.text}(...)"
        _refuse(token.at, f"write it as {written}")
    if len(arguments) not in function.counts:
        wanted = " or ".join(str(count - method) for count in sorted(function.counts))
        _refuse(token.at, f"{token.text} takes {wanted} arguments here")
    return Call(token.at, token.text, arguments)


def _text_of(token: Token) -> str:
    if token.text[0] in "rR":
        return token.text[2:-1]

    def unescaped(found: re.Match[str]) -> str:
        digits = found[1] or found[2] or found[3]
        if digits:
            code = int(digits, 16)
            if code > sys.maxunicode or code in _SURROGATES:
                _refuse(token.at, f"\\{digits} is no character")
            return chr(code)
        if found[4] not in _ESCAPED:
            _refuse(token.at, f"\\{found[4]} means nothing; write \\\\ for a backslash")
        return _ESCAPED[found[4]]

    return _ESCAPE.sub(unescaped, token.text[1:-1])
