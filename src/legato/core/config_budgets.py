"""Budgets as they are said: in the configuration, at the control API, at a terminal."""

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from legato.core.budget import Budget, Does, Measure, Period, Step
from legato.core.config_parts import Dollars, Name
from legato.core.errors import InvalidRequest
from legato.core.money import NanoUSD, amount, exact_usd

EVERY_ORG: Final = "*"
"""As whose a budget is: the whole instance's."""
_Text = Annotated[str, Meta(min_length=1, max_length=200)]
_Weight = Annotated[int, Meta(ge=1, le=1_000_000)]
_Whole = Annotated[int, Meta(ge=0, le=2**53)]


class StepSaid(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is done when so much of a budget is used; `to` names what `degrade` gives."""

    at_percent: Annotated[int, Meta(ge=1, le=1000)]
    do: Literal["warn", "degrade", "queue"] = "warn"
    to: Annotated[str, Meta(max_length=128)] = ""


class BudgetSaid(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A budget: whom it covers, what it counts over which time, what is done before the wall."""

    name: Name
    org: Annotated[str, Meta(max_length=128)] = "default"
    """Whose it is: it covers that organisation's calls alone. `*`: the whole instance's."""
    where: Annotated[dict[_Text, _Text], Meta(max_length=10)] = {}
    """Fixed values of dimensions: team, feature, key, user, model, deployment, tag:NAME."""
    each: Annotated[list[_Text], Meta(max_length=3)] = []
    """Dimensions whose values have a counter each, with this limit."""
    usd: Annotated[Dollars, Meta(max_length=20)] | None = None
    """The limit in dollars; instead of one of the next three."""
    tokens: _Whole | None = None
    requests: _Whole | None = None
    concurrency: _Whole | None = None
    window: Literal["minute", "hour", "day", "week", "month", "rolling", "total"] = "month"
    """Concurrency has none."""
    rolling_s: Annotated[int, Meta(ge=0, le=366 * 86_400)] = 0
    """The seconds of `window: rolling`."""
    hard: bool = True
    """False: it refuses nothing, and tells when its steps are reached."""
    steps: list[StepSaid] = []
    share_by: Annotated[str, Meta(max_length=128)] = ""
    """Divide it among the values of a dimension, so that none of them uses another's part."""
    weights: Annotated[
        dict[_Text, Annotated[int, Meta(ge=1, le=1_000_000)]], Meta(max_length=1000)
    ] = {}
    """Their shares. Who has no weight isn't covered."""


def budget_of(
    said: BudgetSaid, *, budget_id: str = "", pseudonym: Callable[[str, str], str]
) -> Budget:
    """Return what was said as a budget; users are kept by their pseudonyms alone.

    Raises:
        InvalidRequest: naming the field.
    """
    measure, limit = _limit(said)
    org = "" if said.org == EVERY_ORG else said.org
    where = dict(said.where)
    if "user" in where:
        if not org:
            msg = "where.user: a user belongs to an organisation: name it in org"
            raise InvalidRequest(msg, param="where.user")
        where["user"] = pseudonym(org, where["user"])
    steps = [Step(one.at_percent, Does(one.do), one.to) for one in said.steps]
    concurrency = measure is Measure.CONCURRENCY
    return Budget(
        id=budget_id,
        name=said.name,
        org=org,
        measure=measure,
        limit=limit,
        period=Period.TOTAL if concurrency else Period(said.window),
        rolling_s=said.rolling_s,
        where=where,
        each=tuple(said.each),
        hard=said.hard,
        steps=tuple(sorted(steps, key=lambda step: step.at_percent)),
        share_by=said.share_by,
        weights=said.weights,
    )


def _limit(said: BudgetSaid) -> tuple[Measure, int]:
    given: list[tuple[Measure, int]] = []
    if said.usd is not None:
        try:
            given.append((Measure.USD, amount(said.usd)))
        except ValueError as error:
            raise InvalidRequest(f"usd: {error}", param="usd") from None
    for measure in (Measure.TOKENS, Measure.REQUESTS, Measure.CONCURRENCY):
        number = getattr(said, measure.value)
        if number is not None:
            given.append((measure, number))
    if len(given) != 1:
        msg = "limit: say one of usd, tokens, requests and concurrency"
        raise InvalidRequest(msg, param="usd")
    return given[0]


def said_of(budget: Budget) -> dict[str, Any]:
    """Return a budget as it may have been said."""
    limits: dict[str, str | int | None] = {measure.value: None for measure in Measure}
    limits[budget.measure.value] = (
        exact_usd(NanoUSD(budget.limit)) if budget.measure is Measure.USD else budget.limit
    )
    return {
        "name": budget.name,
        "org": budget.org or EVERY_ORG,
        "where": budget.where,
        "each": list(budget.each),
        **limits,
        "window": budget.period.value,
        "rolling_s": budget.rolling_s,
        "hard": budget.hard,
        "steps": [
            StepSaid(at_percent=one.at_percent, do=one.do.value, to=one.to) for one in budget.steps
        ],
        "share_by": budget.share_by,
        "weights": budget.weights,
    }
