"""Whether an answer holds what a prompt's test expects of it."""

import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import msgspec

from legato.core.json_schema import refuse_address
from legato.registry.prompt import Expectation

_SHOWN_MAX = 120


def unfulfilled(expect: Expectation, answer: str, schema: dict[str, Any] | None) -> Iterator[str]:
    """Yield in words what an answer falls short of; nothing where it holds all."""
    for text in expect.contains:
        if text not in answer:
            yield f"doesn't contain {_shown(text)}"
    for text in expect.not_contains:
        if text in answer:
            yield f"contains {_shown(text)}"
    if expect.regex and re.search(expect.regex, answer) is None:
        yield f"doesn't match {_shown(expect.regex)}"
    if expect.json:
        yield from _json_problems(answer, schema)


def _json_problems(answer: str, schema: dict[str, Any] | None) -> Iterator[str]:
    try:
        value = msgspec.json.decode(answer)
    except (msgspec.DecodeError, RecursionError):
        yield "is no JSON text"
        return
    if schema is None:
        return
    for error in jsonschema_rs.validator_for(schema, retriever=refuse_address).iter_errors(value):
        place = "".join(f"[{step!r}]" for step in error.instance_path)
        yield f"isn't of the output schema{' at ' + place if place else ''}: {error.message}"


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}…")
