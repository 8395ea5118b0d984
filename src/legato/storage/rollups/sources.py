"""What rollups are made of: how an entry's row counts in each of their columns.

A run and its workflow stand in an entry's tags: the engine writes them, and callers may.
"""

from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Text,
    case,
    cast,
    exists,
    func,
    literal_column,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.visitors import InternalTraversal

from legato.core.records import EntryKind
from legato.core.usage import TOKEN_CLASSES, USAGE_CLASSES
from legato.storage.tables.rollups import (
    AMOUNTS,
    DURATIONS,
    LATENCY_BOUNDS_MS,
    LATENCY_COLUMNS,
)
from legato.storage.tables.schema import ledger_entry

_NS_PER_HOUR: Final = 3_600_000_000_000
HOURS_PER_DAY: Final = 24
_US_PER_MS: Final = 1_000
ENTRY: Final = ledger_entry.c
_INPUT: Final = (
    "in_uncached", "cache_read", "cache_write_5m", "cache_write_1h", "audio_in", "image_in",
)  # fmt: skip
_OUTPUT: Final = tuple(name for name in TOKEN_CLASSES if name not in _INPUT)
# A reversed attempt and its replacement are one attempt.
_UNDOES: Final = ENTRY.kind == EntryKind.CORRECTION.value
_SIGN: Final = case((_UNDOES, -1), else_=1)
_ONE: Final[ColumnElement[int]] = literal_column("1")
_SIGNED: Final = frozenset({*DURATIONS, *LATENCY_COLUMNS, "attempts", "unpriced"})
_EARLIER: Final = ledger_entry.alias("earlier")
_FIRST: Final = ~exists(
    select(literal_column("1")).where(
        _EARLIER.c.request_id == ENTRY.request_id, _EARLIER.c.id < ENTRY.id
    )
)  # fmt: skip
SUCCEEDED: Final = "ok"
_OUTCOME: Final = case(
    (ENTRY.status.in_((SUCCEEDED, "cancelled", "unknown")), ENTRY.status), else_="error"
)


def bucket_of(hours: int) -> ColumnElement[int]:
    """Return the expression that says in which bucket of so many hours an entry is."""
    return (ENTRY.at_ns // (hours * _NS_PER_HOUR)).label("bucket")


class _Tag(ColumnElement[str]):
    """The value of a tag, "" where an entry has none of this name."""

    inherit_cache = True
    _traverse_internals = [("name", InternalTraversal.dp_string)]  # noqa: RUF012 - as it is named

    def __init__(self, name: str) -> None:
        self.type = Text()
        self.name = name


@compiles(_Tag, "sqlite")
def _tag_in_sqlite(tag: _Tag, compiler: SQLCompiler, **given: Any) -> str:
    return f"coalesce(json_extract({compiler.process(ENTRY.tags, **given)}, '$.{tag.name}'), '')"


@compiles(_Tag, "postgresql")
def _tag_in_postgres(tag: _Tag, compiler: SQLCompiler, **given: Any) -> str:
    return f"coalesce({compiler.process(ENTRY.tags, **given)}::json ->> '{tag.name}', '')"


_COMPUTED: Final[dict[str, ColumnElement[Any]]] = {
    "outcome": _OUTCOME,
    "workflow": _Tag("workflow"),
    "run": _Tag("run"),
}


def dimension_of(name: str) -> ColumnElement[Any]:
    """Return what an entry has for a dimension."""
    found = _COMPUTED[name] if name in _COMPUTED else ENTRY[name]
    return found.label(name)


def has(name: str) -> list[ColumnElement[bool]]:
    """Return conditions for entries that have a user, or a run; none for no name."""
    if not name:
        return []
    told = dimension_of(name).element != ""
    # a look at the text spares most entries being read as JSON
    return [ENTRY.tags.contains('"run":"'), told] if name == "run" else [told]


def sum_of(name: str, *, by_kind: bool = False) -> ColumnElement[Any]:
    """Return how entries sum to a measure; 0 where they have none.

    What is grouped `by_kind` is signed once for each group instead of for each entry.
    """
    sign = _ONE if by_kind else _SIGN
    total = func.coalesce(func.sum(_value(name, sign)), 0)
    is_signed = by_kind and name in _SIGNED
    return (total * _SIGN if is_signed else total).label(name)


def _value(name: str, sign: ColumnElement[int]) -> ColumnElement[Any]:
    if name in AMOUNTS or name in USAGE_CLASSES:
        return ENTRY[name]
    if name in DURATIONS:
        return ENTRY[name] if sign is _ONE else ENTRY[name] * sign
    if name in LATENCY_COLUMNS:
        bound = LATENCY_BOUNDS_MS[LATENCY_COLUMNS.index(name)] * _US_PER_MS
        return case((ENTRY.total_us < bound, sign), else_=0)
    if name == "attempts":
        return sign
    if name == "unpriced":
        return case((ENTRY.cost.is_(None), sign), else_=0)
    return _COUNTED[name]


def _tokens(classes: tuple[str, ...]) -> ColumnElement[int]:
    first, *others = (ENTRY[name] for name in classes)
    total: ColumnElement[int] = first
    for one in others:
        total += one
    return total


_REMOVED: Final = func.replace(func.replace(ENTRY.measures, "prompt_cache", ""), "removed:", "")
"""As `core.measures` writes them."""
_COUNTED: Final[dict[str, ColumnElement[Any]]] = {
    "entries": _ONE,
    # Where its first entry stands: an attempt that failed, it may be.
    "requests": case((_FIRST, 1), else_=0),
    "provisional": case((ENTRY.provisional, 1), else_=0) - case((_UNDOES, 1), else_=0),
    "cheaper": case(
        ((ENTRY.step_routing * _SIGN > 0) & (ENTRY.status == SUCCEEDED), _SIGN), else_=0
    ),
    "removed_tokens": case(
        (ENTRY.measures == "", 0),
        else_=cast(func.nullif(func.trim(_REMOVED), ""), BigInteger) * _SIGN,
    ),
    "input_tokens": _tokens(_INPUT),
    "output_tokens": _tokens(_OUTPUT),
}
SOURCE: Final[FromClause] = ledger_entry
