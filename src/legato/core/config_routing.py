"""What a route may say of choosing among its deployments."""

from typing import Annotated

import msgspec
from msgspec import Meta

from legato.core.config_parts import Count, Dollars, Name, Share


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class Expected(_Strict, frozen=True):
    """What is known of a deployment's answers from an evaluation: the share that is good enough."""

    mean: Share
    deviation: Share = 0.02
    """The standard deviation of what isn't known about it."""


class Guarantee(_Strict, frozen=True):
    """How far quality may fall below the baseline's, proven before requests leave it."""

    margin: Annotated[float, Meta(gt=0, lt=1)] = 0.01
    """The share of answers that may be worse than the baseline's, less those that are better."""
    alpha: Annotated[float, Meta(gt=0, le=0.5)] = 0.05
    """The chance that more freedom than that is ever given."""
    shadow_share: Share = 0.05
    """Of the requests that would leave the baseline: the other one answers a copy of these."""
    shadow_usd_per_day: Dollars = "1"
    """What copies and their judge may cost, for each organisation."""
    judge: Name | None = None
    """The deployment or alias that says which answer is better, where they aren't the same."""


class Quality(_Strict, frozen=True):
    """How a route by `cheapest_good_enough` chooses."""

    floor: Share = 0.8
    """The probability that an answer is good enough, at least."""
    caution: Annotated[float, Meta(ge=0, le=10)] = 1.0
    """Standard deviations taken off an expected quality first."""
    expected: dict[str, Expected] = {}
    """By deployment."""
    output_tokens: Count = 300
    """What an answer is expected to have, where the caller asks for no less."""
    cost_weight: Annotated[float, Meta(ge=0)] = 0.0
    """Quality that a dollar is worth."""
    latency_weight: Annotated[float, Meta(ge=0)] = 0.0
    """Quality that a second until the first byte is worth."""
    router: str = ""
    """A file of `legato route train`: what is expected of each deployment, by the text asked."""
    guarantee: Guarantee | None = None


class RouteRule(_Strict, frozen=True):
    """Where requests of one kind go. The first rule whose condition holds decides."""

    name: Name
    when: str
    """A condition in the Common Expression Language over `legato.routing.rules.features`."""
    use: list[Name] = []
    """Only these of the route's deployments, tried in this order."""
    prefer: list[Name] = []
    """These first, the rest by the route's strategy."""
    exclude: list[Name] = []
    """None of these."""
    floor: Share | None = None
    """Instead of `quality.floor` for these requests."""
