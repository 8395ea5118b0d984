"""What a check finds, and how it looks things up in an answer."""

from typing import Any


class Unfulfilled(Exception):
    """The server does not do what the check stands for; the message says what it did instead."""


class Skipped(Exception):
    """The check says nothing about this server; the message says why."""


def need(holds: object, otherwise: str) -> None:
    """Go on if it holds. Raises Unfulfilled."""
    if not holds:
        raise Unfulfilled(otherwise)


def at(value: Any, *path: str | int) -> Any:
    """Return what lies at a path of a decoded JSON value. Raises Unfulfilled naming the place."""
    place = ""
    for step in path:
        place = f"{place}.{step}" if place else str(step)
        if isinstance(step, int):
            found = isinstance(value, list) and -len(value) <= step < len(value)
        else:
            found = isinstance(value, dict) and step in value
        need(found, f"there is no {place}")
        value = value[step]
    return value


def count_at(value: Any, *path: str | int) -> int:
    """Return a count at a path. Raises Unfulfilled where it is no whole number from 0."""
    found = at(value, *path)
    good = isinstance(found, int) and not isinstance(found, bool) and found >= 0
    need(good, f"{'.'.join(map(str, path))} is {found!r}, not a count")
    return int(found)


def text_at(value: Any, *path: str | int) -> str:
    """Return a text at a path. Raises Unfulfilled where it is none, or empty."""
    found = at(value, *path)
    place = ".".join(map(str, path))
    need(isinstance(found, str) and found, f"{place} is {found!r}, not a text")
    return str(found)


def list_at(value: Any, *path: str | int) -> list[Any]:
    """Return a list at a path. Raises Unfulfilled where it is none."""
    found = at(value, *path)
    need(isinstance(found, list), f"{'.'.join(map(str, path))} is {found!r}, not a list")
    return list(found)
