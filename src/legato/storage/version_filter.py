"""Rows that a version took part in: columns `versions` name several, divided by commas."""

from typing import Any, Final

from sqlalchemy import ColumnElement, literal

_BETWEEN: Final = ", "


def made_by(column: ColumnElement[Any], version: str) -> ColumnElement[bool]:
    """Return the condition that a version, or several as they stand, is among those named."""
    every = literal(_BETWEEN) + column + literal(_BETWEEN)
    return every.contains(f"{_BETWEEN}{version}{_BETWEEN}", autoescape=True)
