"""Values that aren't there yet: what steps of a flow will have come to, typed as if they were.

For a type checker `step.output` is what the step returns, so `step.output.amount > 100` is checked
like any Python. While a flow is written it is a `Value` that remembers how it was come by, and
becomes an expression.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NoReturn

import msgspec

from legato.flow.definition import Part

_FIELD: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


class Value:
    """An expression in the making. `a & b`, `a | b` and `~a` stand for `and`, `or` and `not`."""

    __slots__ = ("_source", "_steps")

    def __init__(self, source: str, steps: tuple[str, ...] = ()) -> None:
        object.__setattr__(self, "_source", source)
        object.__setattr__(self, "_steps", steps)

    def __getattr__(self, name: str) -> "Value":
        if name.startswith("__"):
            raise AttributeError(name)
        return self._made(f"{_operand(self)}.{name}")

    def __setattr__(self, name: str, value: object) -> NoReturn:
        msg = f"{name} can't be set: what a step comes to is its own"
        raise TypeError(msg)

    def __getitem__(self, key: object) -> "Value":
        return self._made(f"{_operand(self)}[{source_of(key)}]", key)

    def __format__(self, _: str) -> str:
        return f"${{{self._source}}}"

    def __str__(self) -> str:
        return f"${{{self._source}}}"

    def __bool__(self) -> NoReturn:
        msg = "it isn't known yet; write & for and, | for or, ~ for not, and `when` for if"
        raise TypeError(msg)

    def __iter__(self) -> Iterator[Any]:
        msg = "it isn't known yet; loop over it by `each`, or write an expression with map(...)"
        raise TypeError(msg)

    def __hash__(self) -> int:
        return hash(self._source)

    def __eq__(self, other: object) -> "Value":  # type: ignore[override]  # an expression
        return self._joined("==", other)

    def __ne__(self, other: object) -> "Value":  # type: ignore[override]  # an expression
        return self._joined("!=", other)

    def __lt__(self, other: object) -> "Value":
        return self._joined("<", other)

    def __le__(self, other: object) -> "Value":
        return self._joined("<=", other)

    def __gt__(self, other: object) -> "Value":
        return self._joined(">", other)

    def __ge__(self, other: object) -> "Value":
        return self._joined(">=", other)

    def __add__(self, other: object) -> "Value":
        return self._joined("+", other)

    def __sub__(self, other: object) -> "Value":
        return self._joined("-", other)

    def __mul__(self, other: object) -> "Value":
        return self._joined("*", other)

    def __truediv__(self, other: object) -> "Value":
        return self._joined("/", other)

    def __and__(self, other: object) -> "Value":
        return self._joined("&&", other)

    def __or__(self, other: object) -> "Value":
        return self._joined("||", other)

    def __invert__(self) -> "Value":
        return self._made(f"!{_operand(self)}")

    def _joined(self, sign: str, other: object) -> "Value":
        return self._made(f"{_operand(self)} {sign} {_operand(other)}", other)

    def _made(self, source: str, other: object = None) -> "Value":
        return Value(source, tuple(dict.fromkeys((*self._steps, *steps_in(other)))))


def _operand(value: object) -> str:
    source = source_of(value)
    plain = all(letter in _FIELD or letter in '.[]"' + "'" for letter in source)
    return source if plain or not isinstance(value, Value) else f"({source})"


def source_of(value: object) -> str:
    """Return the expression that a value, or what is known already, is."""
    if isinstance(value, Value):
        return str(value._source)  # noqa: SLF001 - attributes of values are expressions
    return msgspec.json.encode(value).decode()


def condition_of(value: object) -> str:
    """Return a condition: a text as it is written, a value as its expression."""
    return value if isinstance(value, str) else source_of(value)


def plain_of(value: Any) -> Any:
    """Return plain data with values as `${expressions}`; texts stay as they are written."""
    if isinstance(value, Value):
        return str(value)
    if isinstance(value, Part):
        return msgspec.to_builtins(value)
    if isinstance(value, msgspec.Struct):
        fields = value.__struct_fields__
        return {name: plain_of(getattr(value, name)) for name in fields}
    if isinstance(value, Mapping):
        return {name: plain_of(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain_of(inner) for inner in value]
    return value


def steps_in(value: Any) -> tuple[str, ...]:
    """Return the nodes that values anywhere in some data read, in order."""
    if isinstance(value, Value):
        return tuple(value._steps)  # noqa: SLF001 - attributes of values are expressions
    if isinstance(value, Mapping):
        return tuple(step for inner in value.values() for step in steps_in(inner))
    if isinstance(value, list | tuple):
        return tuple(step for inner in value for step in steps_in(inner))
    return ()
