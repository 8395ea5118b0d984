"""Expressions in the Common Expression Language, compiled once, bounded in what they can cost.

Loops (macros), regular expressions and functions of one's own are left out: what remains runs in
time that grows with the text of the expression alone, which is bounded, too.
"""

import re
from functools import cache
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from typing import Any, Final, Protocol

from legato.core.errors import ConfigInvalid

CHARACTERS_MAX: Final = 1_000
WORDS_MAX: Final = 120
"""Names, literals and operators."""
DEPTH_MAX: Final = 12
"""Of brackets: the parser calls itself for each."""
FAILURES: Final = (TypeError, ValueError, RuntimeError, LookupError, ArithmeticError)
"""What a program raises: a place that a list hasn't and a division by nothing among it."""
TEXT_LITERAL: Final = r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'"
_FUNCTIONS: Final = frozenset(
    {"_&&_", "_||_", "!_", "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "@in", "_[_]", "_?_:_"}
    | {"_+_", "_-_", "_*_", "_/_", "_%_", "-_", "size", "contains", "startsWith", "endsWith"}
)
_NAMED: Final = ("size", "contains", "startsWith", "endsWith", "has")
_WORD: Final = re.compile(rf"{TEXT_LITERAL}|[A-Za-z_]\w*|[0-9][\w.]*|[&|=!<>][&|=]?|\S")
_CALL: Final = re.compile(r"([A-Za-z_]\w*)\s*\(")
_LITERALS: Final = re.compile(TEXT_LITERAL)


class Program(Protocol):
    """A compiled expression."""

    def execute(self, context: Any) -> Any:
        """Return its value in a context. Raises what is wrong with it there."""
        ...

    def variables(self) -> list[str]:
        """Return the names it uses."""
        ...

    def functions(self) -> list[str]:
        """Return functions and operators it uses."""
        ...


def program_of(source: str) -> Program:
    """Compile an expression.

    Raises:
        ConfigInvalid: it can't be, or costs too much; with the remedy.
    """
    _check_size(source)
    program = _compiled(source)
    plain = _LITERALS.sub('""', source)
    unknown_calls = sorted({name for name in _CALL.findall(plain) if name not in _NAMED})
    unknown_calls += sorted(set(program.functions()) - _FUNCTIONS - set(unknown_calls))
    if unknown_calls:
        msg = f"there is no {unknown_calls[0]!r} here. Known: {', '.join(_NAMED)}, and operators."
        raise ConfigInvalid(msg)
    return program


def context_of(values: dict[str, Any]) -> Any:
    """Return what programs are executed in: made once for all expressions of a request."""
    return _library().Context(values)


@cache
def _library() -> Any:
    """Load the language's own module, past the package around it, which loads a terminal's."""
    package = find_spec("cel")
    folders = None if package is None else package.submodule_search_locations
    found = None if folders is None else PathFinder.find_spec("cel.cel", list(folders))
    if found is None or found.loader is None:
        msg = "rules need the package common-expression-language: install Legato again"
        raise ConfigInvalid(msg)
    module = module_from_spec(found)
    found.loader.exec_module(module)
    return module


def _check_size(source: str) -> None:
    if not source.strip() or len(source) > CHARACTERS_MAX:
        msg = f"a condition has 1 to {CHARACTERS_MAX} characters. Divide it into several rules."
        raise ConfigInvalid(msg)
    depth = deepest = count = 0
    for word in _WORD.findall(source):
        count += 1
        depth += word in "([{"
        depth -= word in ")]}"
        deepest = max(deepest, depth)
    if count > WORDS_MAX or deepest > DEPTH_MAX:
        msg = (
            f"{count} words in brackets {deepest} deep are more than {WORDS_MAX} or {DEPTH_MAX}. "
            "Divide it into several rules."
        )
        raise ConfigInvalid(msg)


def _compiled(source: str) -> Program:
    try:
        program: Program = _library().compile(source)
    except ValueError as error:
        told = " ".join(str(error).partition("ERROR:")[2].partition("\n")[0].split())
        msg = f'can\'t be read: {told or "no condition"}. Write it like content == "code".'
        raise ConfigInvalid(msg) from None
    return program
