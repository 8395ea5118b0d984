"""Statements of SQLAlchemy's that run again and again, turned into text once.

Executing one through Core costs 70 to 150 µs, most of it for cache keys and parameters; its
text goes to the driver in a fifth of that.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Connection, CursorResult, Dialect, Executable
from sqlalchemy.sql import ClauseElement

_STATEMENTS_MAX: Final = 256

Rows = CursorResult[*tuple[Any, ...]]


class Prepared:
    """One statement in the words of one database. Values are given by parameter name."""

    __slots__ = ("_fixed", "_names", "_text")

    def __init__(self, statement: ClauseElement, dialect: Dialect) -> None:
        # lists of values are written out: their number is part of such a statement
        compiled = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
        self._text = str(compiled)
        self._names: tuple[str, ...] | None = None
        if dialect.positional:
            self._names = tuple(getattr(compiled, "positiontup", None) or ())
        self._fixed = {name: value for name, value in compiled.params.items() if value is not None}

    def values(self, given: Mapping[str, Any]) -> Any:
        """Return the driver's parameters: a tuple or a dict, by its style."""
        named = {**self._fixed, **given}
        return named if self._names is None else tuple(named[name] for name in self._names)

    def run(self, connection: Connection, rows: Any) -> Rows:
        """Execute with parameters from `values`, or a list of such."""
        return connection.exec_driver_sql(self._text, rows)


@lru_cache(_STATEMENTS_MAX)
def _prepared(statement: Any, dialect: Dialect) -> Prepared:
    return Prepared(statement, dialect)


def run(
    connection: Connection, statement: Executable, **values: Any
) -> CursorResult[*tuple[Any, ...]]:
    """Run a statement that is built once. Booleans come back as SQLite has them, 0 and 1."""
    prepared = _prepared(statement, connection.dialect)
    return prepared.run(connection, prepared.values(values))


def run_many(
    connection: Connection, statement: Executable, rows: Iterable[Mapping[str, Any]]
) -> None:
    """Run a statement that is built once for each of these rows of values; not for none."""
    prepared = _prepared(statement, connection.dialect)
    if values := [prepared.values(row) for row in rows]:
        prepared.run(connection, values)
