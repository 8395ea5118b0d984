"""Checks of `routes[].cascade`: its steps, what answers must be like, and what goes with it."""

from collections.abc import Iterator, Sequence

from legato.app.config.problems import suggestion
from legato.core.config import Route, Strategy
from legato.core.errors import ConfigInvalid

Found = tuple[tuple[str | int, ...], str, str]
"""Where within the route, what is wrong, and the remedy."""


def problems_of_cascade(route: Route, named: Sequence[str]) -> Iterator[Found]:
    """Yield what is wrong; `named` are all aliases and deployments."""
    cascade = route.cascade
    if route.strategy is not Strategy.CASCADE:
        if cascade is not None:
            told = f"the strategy `{route.strategy.value}` has no steps"
            yield ("cascade",), told, "Write strategy: cascade, or leave cascade out."
        return
    if cascade is None:
        yield ("cascade",), "the strategy `cascade` needs it", "Name its steps and their check."
        return
    yield from _of_steps(route, cascade.steps)
    check = cascade.check
    if check.judge is not None and check.judge not in named:
        told = f"no alias or deployment `{check.judge}`"
        yield ("cascade", "check", "judge"), told, suggestion(check.judge, list(named))
    if check.judge == route.alias:
        told = "a route can't judge its own answers"
        yield ("cascade", "check", "judge"), told, "Name a deployment or another alias."
    try:
        from legato.routing.cascade.checks import Checks  # noqa: PLC0415 - where it is used only

        Checks(check)
    except ConfigInvalid as error:
        yield (
            ("cascade", "check"),
            error.message.removeprefix("check: "),
            "See how answers are checked.",
        )


def _of_steps(route: Route, steps: Sequence[str]) -> Iterator[Found]:
    for index, name in enumerate(steps):
        at = ("cascade", "steps", index)
        if name not in route.deployments:
            told = f"no deployment of this route `{name}`"
            yield at, told, suggestion(name, list(route.deployments))
        elif name in steps[:index]:
            yield at, f"`{name}` is listed twice", "List each deployment once."
    if route.hedge is not None:
        told = "a step that is slow is not asked twice"
        yield ("hedge",), told, "Leave hedge out where the strategy is cascade."
    guaranteed = route.quality is not None and route.quality.guarantee is not None
    if guaranteed and route.baseline not in {None, steps[-1]}:
        told = "a cascade's floor is held against its last step"
        yield ("baseline",), told, f"Name {steps[-1]}, or leave it out."
