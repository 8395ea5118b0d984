"""Walks a judge's course with a model that a test writes."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from legato.judging.asking import Ask, Heard

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


def walked(course: Generator[Ask, Heard, Any], model: Callable[[Ask], Heard | str]) -> Any:
    """Return what a course comes to."""
    try:
        ask = next(course)
        while True:
            said = model(ask)
            ask = course.send(said if isinstance(said, Heard) else Heard(text=said))
    except StopIteration as ended:
        return ended.value


def ticket_in(ask: Ask) -> str:
    found = re.search(r'"ticket": "([0-9a-f]+)"', ask["messages"][0]["content"])
    assert found is not None
    return found[1]


def verdict(ask: Ask, **fields: Any) -> str:
    return json.dumps({"ticket": ticket_in(ask), **fields})
