"""Checks of `routes[].queue`: that there is something to wait for, and whose weights are meant."""

import re
from collections.abc import Iterator
from typing import Final

from legato.app.checks.cascade_checks import Found
from legato.core.config import Config, Route
from legato.core.config_load import RateLimits

_PARTY: Final = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}(/[A-Za-z0-9][A-Za-z0-9._:-]{0,127})?"
)


def problems_of_queue(route: Route, config: Config) -> Iterator[Found]:
    """Yield what is wrong."""
    if route.queue is None:
        return
    limits = {one.name: one.limits for one in config.deployments}
    limited = any(limits.get(name, RateLimits()) != RateLimits() for name in route.deployments)
    if not limited and not config.load.heed_rate_limits:
        told = "none of the route's deployments has a limit: nobody would ever wait"
        remedy = "Set limits.concurrency_max of a deployment, or load.heed_rate_limits."
        yield ("queue",), told, remedy
    for party in route.queue.weights:
        if not _PARTY.fullmatch(party):
            told = f"`{party}` is neither an organisation nor a team of one"
            yield ("queue", "weights", party), told, "Write `acme`, or `acme/search`."
