"""Rows that a version, or an arm, took part in.

Columns `versions` name several, divided by commas; columns `arm` one of a rollout and one of a
holdout, divided by a space.
"""

from typing import Any, Final

from sqlalchemy import ColumnElement, literal

_BETWEEN: Final = ", "


def made_by(column: ColumnElement[Any], version: str) -> ColumnElement[bool]:
    """Return the condition that a version, or several as they stand, is among those named."""
    every = literal(_BETWEEN) + column + literal(_BETWEEN)
    return every.contains(f"{_BETWEEN}{version}{_BETWEEN}", autoescape=True)


def in_arm(column: ColumnElement[Any], arm: str) -> ColumnElement[bool]:
    """Return the condition that an arm, or both as they stand, is among those named."""
    every = literal(" ") + column + literal(" ")
    return every.contains(f" {arm} ", autoescape=True)
