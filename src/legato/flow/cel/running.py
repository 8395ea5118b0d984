"""Works expressions out: each tree becomes a function of its scope, made once."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from math import isfinite
from operator import ge, gt, le, lt
from typing import Any, Final

from legato.flow.cel.bound import Bound, ExpressionFailed, TooCostly
from legato.flow.cel.functions import (
    CHARACTERS_AT_ONCE,
    FUNCTIONS,
    is_number,
    kind_of,
    list_of,
    shown,
    whole,
)
from legato.flow.cel.syntax import (
    Binary,
    Call,
    Choice,
    Field,
    Index,
    ListOf,
    Literal,
    Loop,
    MapOf,
    Name,
    Tree,
    Unary,
    size_of,
)


class Scope:
    """The values that names stand for, and what may still be spent."""

    __slots__ = ("bound", "values")

    def __init__(self, values: Mapping[str, Any], bound: Bound) -> None:
        self.values = values
        self.bound = bound


Work = Callable[[Scope], Any]


def compiled(tree: Tree) -> Work:
    """Return what works a tree out. It raises ExpressionFailed where values don't fit."""
    match tree:
        case Literal(value=value):
            return lambda _: value
        case Name(name=name):
            return _name(name)
        case Field(of=of, name=name, tested=tested):
            return _tested(compiled(of), name) if tested else _field(compiled(of), name)
        case Index(of=of, key=key):
            return _index(compiled(of), compiled(key))
        case ListOf(items=items):
            return _list([compiled(item) for item in items])
        case MapOf(pairs=pairs):
            return _map([(compiled(key), compiled(value)) for key, value in pairs])
        case Unary(operator=operator, of=of):
            return _not(compiled(of)) if operator == "!" else _minus(compiled(of))
        case Binary(operator=operator, left=left, right=right):
            return _binary(operator, compiled(left), compiled(right))
        case Choice(condition=condition, then=then, otherwise=otherwise):
            return _choice(compiled(condition), compiled(then), compiled(otherwise))
        case Call(name=name, arguments=arguments):
            return _call(name, [compiled(argument) for argument in arguments])
        case Loop():
            return _loop(tree)


def _name(name: str) -> Work:
    def work(scope: Scope) -> Any:
        if name in scope.values:
            return scope.values[name]
        msg = f"there is no {name!r} here"
        raise ExpressionFailed(msg)

    return work


def _field(of: Work, name: str) -> Work:
    def work(scope: Scope) -> Any:
        value = of(scope)
        if isinstance(value, Mapping):
            if name in value:
                return value[name]
            msg = f"there is no field {name!r}; ask by has(...) first"
        else:
            msg = f"a {kind_of(value)} has no field {name!r}"
        raise ExpressionFailed(msg)

    return work


def _tested(of: Work, name: str) -> Work:
    def work(scope: Scope) -> bool:
        value = of(scope)
        if isinstance(value, Mapping):
            return name in value
        msg = f"has() asks for a field of a map, not of a {kind_of(value)}"
        raise ExpressionFailed(msg)

    return work


def _index(of: Work, key: Work) -> Work:
    def work(scope: Scope) -> Any:
        value, place = of(scope), key(scope)
        if isinstance(value, Mapping):
            if isinstance(place, str | int) and place in value:
                return value[place]
            msg = f"there is no field {shown(place)!r}"
        elif isinstance(value, list | tuple):
            if type(place) is int and 0 <= place < len(value):
                return value[place]
            msg = f"{shown(place)} is no place in a list of {len(value)}"
        else:
            msg = f"a {kind_of(value)} has no fields or places"
        raise ExpressionFailed(msg)

    return work


def _list(items: list[Work]) -> Work:
    def work(scope: Scope) -> list[Any]:
        scope.bound.make(elements=len(items))
        return [item(scope) for item in items]

    return work


def _map(pairs: list[tuple[Work, Work]]) -> Work:
    def work(scope: Scope) -> dict[str, Any]:
        scope.bound.make(elements=len(pairs))
        made = {}
        for key, value in pairs:
            name = key(scope)
            if not isinstance(name, str):
                msg = f"the keys of a map are strings here, not a {kind_of(name)}"
                raise ExpressionFailed(msg)
            made[name] = value(scope)
        return made

    return work


def _truth(value: Any, what: str) -> bool:
    if isinstance(value, bool):
        return value
    msg = f"{what} wants true or false, not a {kind_of(value)}"
    raise ExpressionFailed(msg)


def _not(of: Work) -> Work:
    return lambda scope: not _truth(of(scope), "!")


def _minus(of: Work) -> Work:
    def work(scope: Scope) -> Any:
        value = of(scope)
        if isinstance(value, timedelta):
            return _shifted(timedelta(0), value, "-")
        if isinstance(value, float):
            return -value
        if is_number(value):
            return whole(-value)
        msg = f"- wants a number, not a {kind_of(value)}"
        raise ExpressionFailed(msg)

    return work


def _choice(condition: Work, then: Work, otherwise: Work) -> Work:
    return lambda scope: (then if _truth(condition(scope), "?:") else otherwise)(scope)


def _call(name: str, arguments: list[Work]) -> Work:
    function = FUNCTIONS[name].work

    def work(scope: Scope) -> Any:
        return function(scope.bound, *[argument(scope) for argument in arguments])

    return work


# ---------------------------------------------------------------------- two operands


def _binary(operator: str, left: Work, right: Work) -> Work:
    if operator in {"&&", "||"}:
        return _logic(left, right, decisive=operator == "||", sign=operator)
    if operator in {"==", "!="}:
        wanted = operator == "=="
        return lambda scope: same(left(scope), right(scope), scope.bound) is wanted
    if operator == "in":
        return _member(left, right)
    if operator in _ORDERS:
        return _ordered(operator, left, right)
    calculate = _ARITHMETIC[operator]
    return lambda scope: calculate(left(scope), right(scope), scope.bound)


def _logic(left: Work, right: Work, *, decisive: bool, sign: str) -> Work:
    """Whichever side decides, decides: what fails on the other doesn't matter, as CEL has it."""

    def work(scope: Scope) -> bool:
        try:
            if _truth(left(scope), sign) is decisive:
                return decisive
        except TooCostly:
            raise
        except ExpressionFailed:
            if _truth(right(scope), sign) is decisive:
                return decisive
            raise
        return _truth(right(scope), sign)

    return work


def same(left: Any, right: Any, bound: Bound) -> bool:
    """Return whether two values are equal: numbers by value, different types never."""
    bound.spend(1)
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(
            same(one, other, bound) for one, other in zip(left, right, strict=True)
        )
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return len(left) == len(right) and all(
            name in right and same(value, right[name], bound) for name, value in left.items()
        )
    if isinstance(left, str):
        bound.spend(len(left) // CHARACTERS_AT_ONCE)
    return bool(left == right)


def _member(left: Work, right: Work) -> Work:
    def work(scope: Scope) -> bool:
        value, among = left(scope), right(scope)
        if isinstance(among, Mapping):
            return isinstance(value, str | int) and value in among
        if isinstance(among, list | tuple):
            return any(same(value, each, scope.bound) for each in among)
        msg = f"in wants a list or map, not a {kind_of(among)}"
        raise ExpressionFailed(msg)

    return work


_ORDERS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {"<": lt, "<=": le, ">": gt, ">=": ge}
_ORDERED: Final = (str, datetime, timedelta)


def _ordered(operator: str, left: Work, right: Work) -> Work:
    compare = _ORDERS[operator]

    def work(scope: Scope) -> bool:
        one, other = left(scope), right(scope)
        if is_number(one) and is_number(other):
            return compare(one, other)
        for kind in _ORDERED:
            if isinstance(one, kind) and isinstance(other, kind):
                length = len(one) if isinstance(one, str) else 0
                scope.bound.spend(1 + length // CHARACTERS_AT_ONCE)
                return compare(one, other)
        return bool(_refuse(operator, one, other))

    return work


def _refuse(operator: str, left: Any, right: Any) -> Any:
    msg = f"{kind_of(left)} {operator} {kind_of(right)} means nothing"
    raise ExpressionFailed(msg)


def _plus(left: Any, right: Any, bound: Bound) -> Any:
    if is_number(left) and is_number(right):
        return _number(left + right)
    if isinstance(left, str) and isinstance(right, str):
        bound.make(characters=len(left) + len(right))
        return left + right
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        bound.make(elements=len(left) + len(right))
        return [*left, *right]
    return _shifted(left, right, "+")


def _less(left: Any, right: Any, _: Bound) -> Any:
    if is_number(left) and is_number(right):
        return _number(left - right)
    if isinstance(left, datetime) and isinstance(right, datetime):
        return left - right
    return _shifted(left, right, "-")


def _shifted(left: Any, right: Any, sign: str) -> Any:
    if isinstance(left, timedelta) and isinstance(right, datetime) and sign == "+":
        left, right = right, left
    if isinstance(left, datetime | timedelta) and isinstance(right, timedelta):
        try:
            return left + right if sign == "+" else left - right
        except OverflowError:
            msg = "the time is beyond the years 1 to 9999"
            raise ExpressionFailed(msg) from None
    return _refuse(sign, left, right)


def _times(left: Any, right: Any, _: Bound) -> Any:
    if is_number(left) and is_number(right):
        return _number(left * right)
    return _refuse("*", left, right)


def _over(left: Any, right: Any, _: Bound) -> Any:
    if not (is_number(left) and is_number(right)):
        return _refuse("/", left, right)
    if not right:
        msg = "division by zero"
        raise ExpressionFailed(msg)
    if isinstance(left, int) and isinstance(right, int):
        quotient = abs(left) // abs(right)
        return whole(quotient if (left < 0) == (right < 0) else -quotient)
    return _number(left / right)


def _rest(left: Any, right: Any, _: Bound) -> Any:
    if type(left) is not int or type(right) is not int:
        return _refuse("%", left, right)
    if not right:
        msg = "division by zero"
        raise ExpressionFailed(msg)
    rest = abs(left) % abs(right)
    return -rest if left < 0 else rest


def _number(value: float) -> Any:
    if isinstance(value, int):
        return whole(value)
    if isfinite(value):
        return value
    msg = "the number is too large"
    raise ExpressionFailed(msg)


_ARITHMETIC: Final[Mapping[str, Callable[[Any, Any, Bound], Any]]] = {
    "+": _plus,
    "-": _less,
    "*": _times,
    "/": _over,
    "%": _rest,
}


# ---------------------------------------------------------------------- loops

_COPIED_AT_ONCE: Final = 32
"""Entries that are copied in the time of one operation."""


def _loop(tree: Loop) -> Work:
    over, body = compiled(tree.over), compiled(tree.body)
    keep = None if tree.keep is None else compiled(tree.keep)
    cost = size_of(tree.body) + (0 if tree.keep is None else size_of(tree.keep)) + 1
    macro, name = _MACROS[tree.macro], tree.name

    def work(scope: Scope) -> Any:
        found = over(scope)
        scope.bound.spend(len(scope.values) // _COPIED_AT_ONCE)
        if isinstance(found, Mapping):
            scope.bound.spend(len(found) // _COPIED_AT_ONCE)
        items = list(found) if isinstance(found, Mapping) else list_of(found, tree.macro)
        inner = Scope({**scope.values, name: None}, scope.bound)
        values: dict[str, Any] = inner.values  # type: ignore[assignment]  # made right here

        def each(item: Any, what: Work) -> Any:
            scope.bound.spend(cost)
            values[name] = item
            return what(inner)

        if keep is not None:
            items = [item for item in items if _truth(each(item, keep), tree.macro)]
        return macro(items, lambda item: each(item, body), scope.bound)

    return work


Each = Callable[[Any], Any]


def _mapped(items: Any, each: Each, bound: Bound) -> list[Any]:
    bound.make(elements=len(items))
    return [each(item) for item in items]


def _filtered(items: Any, each: Each, bound: Bound) -> list[Any]:
    bound.make(elements=len(items))
    return [item for item in items if _truth(each(item), "filter")]


def _decided(items: Any, each: Each, *, decisive: bool, what: str) -> bool:
    """Whichever element decides, decides, though others fail."""
    failure: ExpressionFailed | None = None
    for item in items:
        try:
            if _truth(each(item), what) is decisive:
                return decisive
        except TooCostly:
            raise
        except ExpressionFailed as error:
            failure = error
    if failure is not None:
        raise failure
    return not decisive


def _exactly_one(items: Any, each: Each, _: Bound) -> bool:
    return sum(_truth(each(item), "exists_one") for item in items) == 1


_MACROS: Final[Mapping[str, Callable[[Any, Each, Bound], Any]]] = {
    "map": _mapped,
    "filter": _filtered,
    "all": lambda items, each, _: _decided(items, each, decisive=False, what="all"),
    "exists": lambda items, each, _: _decided(items, each, decisive=True, what="exists"),
    "exists_one": _exactly_one,
}
