"""Holdouts as people begin, end and read them."""

import msgspec

from legato.core.errors import Conflict, InvalidRequest
from legato.core.money import NanoUSD, display_usd
from legato.core.registry import HOLDOUT, TREATED
from legato.registry.rollout_watch import moments
from legato.routing.assignment import WHOLE_BP
from legato.routing.rollouts.contrast import Unit
from legato.routing.rollouts.gates import Gate, Metric
from legato.routing.rollouts.measured import Interval, measured, requests_needed
from legato.routing.rollouts.moments import Moments
from legato.storage.registry.holdouts import Holdout, HoldoutStore, RouteTraffic
from legato.storage.registry.rollout_outcomes import RolloutOutcomes

LOOKED_BACK_DAYS = 30
_NS_PER_DAY = 86_400_000_000_000
_DAYS_OF_MONTH = 30
_MEASURED = (
    Gate(Metric.COST),
    Gate(Metric.ERRORS),
    Gate(Metric.LATENCY),
    Gate(Metric.DISAPPROVAL),
    Gate(Metric.QUALITY),
)


class Estimate(msgspec.Struct, frozen=True):
    """What a holdout will cost in a month, as the route's traffic of `days` tells it.

    Those it holds out pay the baseline's price instead of what they pay now. Negative where the
    baseline is cheaper.
    """

    route: str
    share_bp: int
    per_month: NanoUSD
    traffic: RouteTraffic
    days: float


class Compared(msgspec.Struct, frozen=True):
    """One metric in both arms: means, None where nothing was said, and treated less holdout.

    Cost is USD a request, latency a share (0.05 is 5 % slower), the others are shares and scores.
    """

    metric: str
    holdout: float | None
    treated: float | None
    interval: Interval | None


class Statement(msgspec.Struct, frozen=True):
    """What a holdout shows so far."""

    requests: int
    held_out: int
    users: float
    held_out_users: float
    cost: Interval | None
    relative: Interval | None
    """The cost as a share of the holdout's: -0.4 is 40 % less."""
    requests_needed: int | None
    metrics: tuple[Compared, ...]
    modelled: RouteTraffic
    """The same time in the ledger: what the baseline would have cost, by its price alone."""
    unpriced: int

    @property
    def saved_usd(self) -> tuple[float, float, float] | None:
        """What the treated requests saved: the figure, and its 95 % bounds."""
        if self.cost is None:
            return None
        treated = self.requests - self.held_out
        found = (self.cost.difference, self.cost.high, self.cost.low)
        figure, low, high = (-each * treated for each in found)
        return figure, low, high

    @property
    def headline(self) -> str:
        """Say it in one line: measured, or modelled only."""
        if self.cost is None or self.saved_usd is None or not self.cost.is_proven:
            more = self.requests_needed
            told = "" if more is None else f": about {more:,} more requests needed"
            found = "" if self.cost is None else ", no difference is proven"
            return f"not measured yet{found}{told}"
        figure, low, high = self.saved_usd
        return (
            f"measured: {_usd(figure)} saved by {self.requests - self.held_out:,} requests "
            f"(95 %: {_usd(low)} to {_usd(high)})"
        )


class Holdouts:
    """One organisation's. Every method may raise StorageUnavailable."""

    def __init__(self, store: HoldoutStore, outcomes: RolloutOutcomes) -> None:
        self.store = store
        self._outcomes = outcomes

    def estimate(self, route: str, share_bp: int) -> Estimate:
        """Say what a holdout would cost in a month, by the ledger.

        Raises:
            InvalidRequest: the share isn't one.
            Conflict: the route had no traffic lately from which to tell.
        """
        if not 0 < share_bp <= WHOLE_BP // 2:
            raise InvalidRequest(
                f"share_bp: {share_bp} isn't within 1 and {WHOLE_BP // 2} basis points",
                param="share_bp",
            )
        now_ns = self.store.now_ns()
        traffic = self.store.traffic(route, now_ns - LOOKED_BACK_DAYS * _NS_PER_DAY)
        if traffic.first_at_ns is None or not traffic.requests:
            raise Conflict(
                f"route: {route[:140]!r} had no traffic in {LOOKED_BACK_DAYS} days to tell the "
                "cost from: name a route of the ledger, or send it some first",
                param="route",
            )
        days = max(now_ns - traffic.first_at_ns, 1) / _NS_PER_DAY
        more = traffic.baseline_cost - traffic.cost
        per_month = NanoUSD(round(more * share_bp / WHOLE_BP / days * _DAYS_OF_MONTH))
        return Estimate(route, share_bp, per_month, traffic, days)

    def start(
        self, route: str, share_bp: int, accepted: NanoUSD, *, author: str, reason: str
    ) -> Holdout:
        """Begin one, whose monthly cost was seen and accepted.

        Raises:
            InvalidRequest, Conflict: as `estimate`; or it costs more than accepted, or the route
                has one already.
        """
        estimate = self.estimate(route, share_bp)
        if estimate.per_month > accepted:
            cost, limit = display_usd(estimate.per_month), display_usd(accepted)
            raise Conflict(
                f"accepted_usd_per_month: this holdout costs about ${cost} a month, more than the "
                f"${limit} accepted",
                param="accepted_usd_per_month",
            )
        return self.store.start(route, share_bp, author, reason)

    def statement(self, one: Holdout, within: tuple[int, int] | None = None) -> Statement:
        """Say what a holdout shows, by the outcomes that are kept, of all its time or a span."""
        reach = _narrowed(one, within)
        arms = [self._outcomes.of(one.id, arm, *reach) for arm in (HOLDOUT, TREATED)]
        sums = {
            gate.metric: [moments(outcomes, gate, Unit.USER) for outcomes in arms]
            for gate in _MEASURED
        }
        held_out, treated = sums[Metric.COST]
        scale = Metric.QUALITY.scale  # of the mean itself
        cost = measured(held_out, treated, scale)
        return Statement(
            len(arms[0]) + len(arms[1]),
            len(arms[0]),
            _users(held_out) + _users(treated),
            _users(held_out),
            cost,
            measured(held_out, treated, Metric.COST.scale),
            requests_needed(held_out, treated, cost, one.share_bp),
            tuple(_compared(gate.metric, *sums[gate.metric]) for gate in _MEASURED),
            self._modelled(one, reach),
            sum(outcome.cost is None for outcomes in arms for outcome in outcomes),
        )

    def _modelled(self, one: Holdout, reach: tuple[int, int | None]) -> RouteTraffic:
        """Return what the ledger has of the time whose outcomes are kept: both are of the same."""
        first_at_ns = self._outcomes.first_at_ns(one.id)
        since_ns = reach[0] if first_at_ns is None else max(reach[0], first_at_ns)
        return self.store.traffic(one.route, since_ns, reach[1])


def _narrowed(one: Holdout, within: tuple[int, int] | None) -> tuple[int, int | None]:
    if within is None:
        return one.started_at_ns, one.ended_at_ns
    until_ns = within[1] if one.ended_at_ns is None else min(within[1], one.ended_at_ns)
    return max(within[0], one.started_at_ns), until_ns


def _users(summed: Moments) -> float:
    return round(summed.units, 1)


def _compared(metric: Metric, holdout: Moments, treated: Moments) -> Compared:
    scale = Metric.QUALITY.scale if metric is Metric.COST else metric.scale
    means = [
        # of logarithms they say nothing by themselves
        each.mean if each.count and metric is not Metric.LATENCY else None
        for each in (holdout, treated)
    ]
    return Compared(metric.value, means[0], means[1], measured(holdout, treated, scale))


def _usd(amount: float) -> str:
    return f"-${-amount:,.4f}" if amount < 0 else f"${amount:,.4f}"
