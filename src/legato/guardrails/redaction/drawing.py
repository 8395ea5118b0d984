"""Draws surrogates of which none is in a text of the request, or part of another one."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from legato.guardrails.redaction.standing import Index
from legato.guardrails.redaction.surrogates import SURROGATES

_DRAWS_MAX: Final = 64
_MISSES_MAX: Final = 16
"""A label of which so many values got none has no more of them to give."""
_ROUNDS_MAX: Final = 4
"""After each, all texts are searched: what still clashes then has no surrogate."""


def surrogates_for(
    values: Mapping[str, str],
    texts: Sequence[str],
    *,
    taken: Iterable[str],
    draw: Callable[[int], int],
) -> dict[str, str]:
    """Return surrogates by value, for those that get one. `values` gives their labels.

    It takes time in proportion to the values and to the texts, never to their product.
    """
    older = frozenset(taken)
    drawn: dict[str, str] = {}  # the value, by its surrogate
    pending = [value for value, label in values.items() if label in SURROGATES]
    missed: Counter[str] = Counter()
    for _ in range(_ROUNDS_MAX):
        fresh: dict[str, str] = {}
        for value in pending:
            label = values[value]
            if missed[label] >= _MISSES_MAX:
                continue
            one = _one(value, label, draw, lambda text: text in older or text in drawn)
            if one:
                fresh[one] = drawn[one] = value
            else:
                missed[label] += 1
        clashing = _clashing(drawn, fresh, older, texts)
        pending = [drawn.pop(one) for one in clashing]
        if not pending:
            break
    return {value: one for one, value in drawn.items()}


def _one(
    value: str, label: str, draw: Callable[[int], int], is_taken: Callable[[str], bool]
) -> str:
    """Return one that nobody has, or ""."""
    for _ in range(_DRAWS_MAX):
        one = SURROGATES[label](value, draw)
        if not one or not is_taken(one):
            return one
    return ""


def _clashing(
    drawn: Mapping[str, str], fresh: Mapping[str, str], older: frozenset[str], texts: Sequence[str]
) -> list[str]:
    """Return new surrogates that a text holds, or that are part of another, or hold one."""
    found: dict[str, None] = {}
    of_fresh = Index(fresh)
    for text in texts:
        found |= dict.fromkeys(one.text for one in of_fresh.found_in(text))
    everything = Index(dict.fromkeys((*drawn, *older), ""))
    for outer in (*drawn, *older):
        for one in everything.found_in(outer):
            if one.text != outer:
                found[one.text if one.text in fresh else outer] = None
    return [one for one in found if one in fresh]
