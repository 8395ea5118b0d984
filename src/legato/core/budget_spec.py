"""What may be said of a budget, whoever says it: the configuration, the API, a terminal."""

from collections.abc import Mapping
from typing import Final

import msgspec

from legato.core.budget import DIMENSIONS, TAG, Budget, Does, Measure, Period, Step
from legato.core.errors import InvalidRequest

NAME_CHARACTERS_MAX: Final = 100
VALUE_CHARACTERS_MAX: Final = 200
STEPS_MAX: Final = 10
EACH_MAX: Final = 3
_AMOUNT_MAX: Final = 2**62
_ROLLING_S: Final = (60, 366 * 86_400)
_PARTS_S: Final = 24
_WITHIN_ATTEMPT: Final = "deployment"
_NOT_SHARED: Final = frozenset({"user", "deployment"})
"""Users are known by pseudonyms alone, and a deployment only when an attempt is made."""


def check(budget: Budget) -> None:
    """Refuse what makes no sense, naming the field and the remedy.

    Raises:
        InvalidRequest: with the field as its `param`.
    """
    _check_name(budget.name)
    if not 0 <= budget.limit <= _AMOUNT_MAX:
        raise _wrong("limit", "a whole number from 0 on, or an amount in dollars for usd")
    _check_window(budget)
    for name in (*budget.where, *budget.each, *((budget.share_by,) if budget.share_by else ())):
        _check_dimension(budget, name)
    for name, value in budget.where.items():
        if not 0 < len(value) <= VALUE_CHARACTERS_MAX:
            raise _wrong(f"where.{name}", f"1 to {VALUE_CHARACTERS_MAX} characters")
    if len(budget.each) > EACH_MAX or len(set(budget.each)) != len(budget.each):
        raise _wrong("each", f"at most {EACH_MAX} dimensions, each once")
    if both := sorted(set(budget.each) & budget.where.keys()):
        raise _wrong("each", f"{both[0]} is fixed by `where` already: leave it out of one of them")
    _check_shares(budget)
    _check_steps(budget)
    if budget.measure is Measure.CONCURRENCY and not budget.hard:
        raise _wrong("hard", "a budget in concurrency is always hard")


def _check_name(name: str) -> None:
    plain = name.isprintable() and name.strip() == name
    if not plain or not 0 < len(name) <= NAME_CHARACTERS_MAX:
        raise _wrong("name", f"1 to {NAME_CHARACTERS_MAX} printable characters")


def _check_window(budget: Budget) -> None:
    if budget.measure is Measure.CONCURRENCY:
        if budget.period is not Period.TOTAL:
            raise _wrong("window", "calls at the same time have no window: leave it out, or total")
        return
    if budget.period is not Period.ROLLING:
        if budget.rolling_s:
            raise _wrong("rolling_s", "only with `window: rolling`")
        return
    shortest, longest = _ROLLING_S
    if not shortest <= budget.rolling_s <= longest or budget.rolling_s % _PARTS_S:
        msg = f"seconds from {shortest} to {longest}, a multiple of {_PARTS_S}: 86400 for a day"
        raise _wrong("rolling_s", msg)


def _check_dimension(budget: Budget, name: str) -> None:
    known = name in DIMENSIONS or (name.startswith(TAG) and len(name) > len(TAG))
    if not known:
        msg = f"{name!r} is none of {', '.join(DIMENSIONS)}, tag:NAME"
        raise _wrong("where", msg)
    counts_requests = budget.measure in (Measure.REQUESTS, Measure.CONCURRENCY)
    if name == _WITHIN_ATTEMPT and counts_requests:
        msg = (
            "requests are counted before a deployment is chosen: use usd or tokens, or the "
            "deployment's own limits"
        )
        raise _wrong("where", msg)
    if name == "org" and budget.org:
        raise _wrong("where", "a budget of an organisation covers that one alone: leave org out")


def _check_shares(budget: Budget) -> None:
    if bool(budget.share_by) is not bool(budget.weights):
        raise _wrong("weights", "share_by and weights belong together")
    if budget.share_by in _NOT_SHARED:
        msg = f"{budget.share_by} can't be shared by: take `each`, or a budget for each one"
        raise _wrong("share_by", msg)
    for value, weight in budget.weights.items():
        if not value or not 0 < weight <= 1_000_000:  # noqa: PLR2004
            raise _wrong("weights", "a whole number from 1 to 1000000 for each name")


def _check_steps(budget: Budget) -> None:
    steps = budget.steps
    if len(steps) > STEPS_MAX or list(steps) != sorted(steps, key=_percent):
        raise _wrong("steps", f"at most {STEPS_MAX}, in the order of at_percent")
    if steps and budget.measure is Measure.CONCURRENCY:
        msg = "calls at the same time have no steps: let them wait, by routes[].queue"
        raise _wrong("steps", msg)
    for step in steps:
        if not 0 < step.at_percent <= 1_000:  # noqa: PLR2004 (a soft one goes on above 100)
            raise _wrong("steps", "at_percent: from 1 to 1000")
        if (step.do is Does.DEGRADE) is not bool(step.to):
            raise _wrong("steps", "`to` names what `degrade` gives, and stands with it alone")
        if step.do is not Does.WARN and _WITHIN_ATTEMPT in budget.dimensions:
            msg = f"{step.do} comes before a deployment is chosen: leave `deployment` out"
            raise _wrong("steps", msg)


def _percent(step: Step) -> int:
    return step.at_percent


def _wrong(field: str, remedy: str) -> InvalidRequest:
    return InvalidRequest(f"{field}: {remedy}", param=field)


def digest_parts(budget: Budget) -> Mapping[str, object]:
    """Return what makes two budgets the same but for their ids."""
    parts: dict[str, object] = msgspec.to_builtins(budget)
    return {name: value for name, value in parts.items() if name != "id"}
