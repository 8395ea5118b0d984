"""Runs the worlds of a scenario and compares them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from msgspec.structs import replace

from legato.core.config import Strategy
from legato.core.errors import InvalidRequest
from legato.replay.twin.building import Known, build_world
from legato.replay.twin.intervals import differences
from legato.replay.twin.kernel import Run, simulate
from legato.replay.twin.ledger_traffic import LedgerTraffic
from legato.replay.twin.measures import measured, recorded_outcomes
from legato.replay.twin.notes import assumed_notes, measured_notes, modelled_notes
from legato.replay.twin.report import QUALITY, Closing, Report, TrafficTold, WorldTold
from legato.replay.twin.scenario import Candidate, Change, Scenario
from legato.replay.twin.traffic import Load, Request, more


@dataclass(frozen=True)
class Source:
    """The traffic of a scenario. `ledger` and `ledger_cost` are None for a file's."""

    told: str
    requests: Sequence[Request]
    ledger: LedgerTraffic | None = None
    ledger_cost: int | None = None


def run_scenario(scenario: Scenario, known: Known, source: Source) -> Report:
    """Simulate the world as it is and each candidate on the same traffic.

    Raises:
        InvalidRequest: no request asks for a name that is configured, or it isn't known how long
            a deployment takes.
    """
    requests, unknown = _answerable(scenario, known, source.requests)
    span_us = max(1, requests[-1].at_us + 1)
    used = {request.name for request in requests}
    load = Load(scenario.traffic.load, scenario.traffic.copies, scenario.traffic.shift_max_s)
    traffic = more(requests, load, span_us, scenario.seed)
    world = build_world(known, "as it is", (scenario.base,), used)
    base = simulate(world, traffic, scenario.seed)
    as_is = _AsIs(known, traffic, base, span_us, used)
    told = [_candidate(scenario, one, as_is) for one in scenario.candidates]
    recorded = None
    if source.ledger is not None:
        recorded = measured(requests, recorded_outcomes(requests, _preferred(known)))
    return Report(
        scenario=scenario.name,
        seed=scenario.seed,
        traffic=TrafficTold(
            source=source.told,
            requests=len(requests),
            started_ns=known.started_ns,
            span_us=span_us,
            guessed=sum(one.is_guessed for one in requests),
            untraced=0 if source.ledger is None else source.ledger.untraced,
        ),
        recorded=recorded,
        closing=_closing(source, requests, unknown),
        as_is=_told("as it is", load.factor, traffic, base),
        candidates=told,
        quality=QUALITY,
        measured=measured_notes(source.ledger),
        modelled=modelled_notes(known, source.ledger),
        assumed=assumed_notes(scenario, source.ledger),
    )


def _answerable(
    scenario: Scenario, known: Known, requests: Sequence[Request]
) -> tuple[list[Request], list[Request]]:
    """Part the requests by whether the name they ask for is there."""
    config = known.config
    names = {one.alias for one in config.routes} | {one.name for one in config.deployments}
    names |= {one.name for one in scenario.base.deployments}
    found = [one for one in requests if one.name in names or one.refused_as]
    unknown = [one for one in requests if not (one.name in names or one.refused_as)]
    if not any(one.name in names for one in found):
        asked = ", ".join(sorted({one.name for one in requests})[:10])
        msg = f"no request asks for a route or deployment of this configuration, but for {asked}"
        raise InvalidRequest(msg, param="traffic.route")
    return found, unknown


def _preferred(known: Known) -> dict[str, str]:
    routes = known.config.routes
    return {one.alias: one.deployments[0] for one in routes if one.strategy is Strategy.ORDERED}


class _AsIs(NamedTuple):
    """The world without a change: what candidates are compared with."""

    known: Known
    traffic: list[Request]
    run: Run
    span_us: int
    used: set[str]


def _candidate(scenario: Scenario, candidate: Candidate, as_is: _AsIs) -> WorldTold:
    given, span_us = scenario.traffic, as_is.span_us
    load = Load(candidate.load, given.copies, given.shift_max_s)
    requests = more(as_is.traffic, load, span_us, scenario.seed + 1)
    changes: tuple[Change, ...] = (scenario.base, candidate)
    world = build_world(as_is.known, candidate.name, changes, as_is.used)
    other = simulate(world, requests, scenario.seed)
    compared = differences(
        (as_is.traffic, as_is.run.outcomes), (requests, other.outcomes), span_us, scenario.seed
    )
    told = _told(candidate.name, given.load * candidate.load, requests, other)
    return replace(told, differences=compared)


def _told(name: str, load: float, requests: Sequence[Request], run: Run) -> WorldTold:
    return WorldTold(
        name=name, load=load, groups=measured(requests, run.outcomes), breaches=run.breaches
    )


def _closing(
    source: Source, requests: Sequence[Request], unknown: Sequence[Request]
) -> Closing | None:
    ledger = source.ledger
    if ledger is None or source.ledger_cost is None:
        return None
    kept = sum(one.recorded.cost for one in requests if one.recorded)
    left_out = Counter(ledger.left_out)
    if unknown:
        left_out["what they asked for isn't configured any more"] = len(unknown)
    return Closing(
        source.ledger_cost,
        ledger.cost,
        ledger.cost - source.ledger_cost,
        left_out.total(),
        ledger.cost - kept,
        dict(left_out),
    )
