"""Reads the verdict out of what a model said: tolerant of what stands around it, of nothing else.

The verdict is the one JSON object that carries the question's ticket. A model that repeats the text
it judges repeats no verdict with it, as no such text can hold the ticket.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from legato.judging.asking import ASKS_MAX, Ask, Course, Unreadable, Verdict, again

TICKET: Final = "ticket"
_TEXT_MAX: Final = 100_000
_TRIES_MAX: Final = 500

Read = Callable[[dict[str, Any]], Any]


def read_verdict(text: str, ticket: str) -> dict[str, Any]:
    """Return the verdict.

    Raises:
        Unreadable: there is none, or two that differ.
    """
    found: list[dict[str, Any]] = []
    for one in _objects(text):
        if one.get(TICKET) == ticket and one not in found:
            found.append(one)
    if not found:
        raise Unreadable(f"there is no JSON object with the ticket {ticket!r}")
    if len(found) > 1:
        raise Unreadable("there are several verdicts; give one")
    return found[0]


def heard_verdict(ask: Ask, ticket: str, read: Read) -> Course:
    """Ask until a verdict can be read, `ASKS_MAX` times at most."""
    problem = ""
    for _ in range(ASKS_MAX):
        heard = yield ask
        if heard.text is None:
            problem = heard.refusal or "no answer"
        else:
            try:
                return Verdict(read(read_verdict(heard.text, ticket)))
            except Unreadable as error:
                problem = str(error)
        if heard.text is None and not heard.unsupported:
            break  # whoever makes the calls has tried again already
        ask = again(ask, heard, problem)
    return Verdict(None, problem)


def _objects(text: str) -> Iterator[dict[str, Any]]:
    """Yield the outermost JSON objects of a text."""
    decoder = json.JSONDecoder(object_pairs_hook=_once_each)
    text, at = text[:_TEXT_MAX], 0
    for _ in range(_TRIES_MAX):
        at = text.find("{", at)
        if at < 0:
            return
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            at += 1
        else:
            yield value


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object that says something twice: it could be read either way."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError(TICKET)
    return found
