"""What of a report is measured, what modelled, what assumed: in words."""

from legato.replay.twin.building import Known
from legato.replay.twin.ledger_traffic import LedgerTraffic
from legato.replay.twin.scenario import Scenario, Traffic
from legato.replay.twin.traffic import Copies

_RECORDED = (
    "the recorded world: its cost is the sum of the ledger's entries, its times and outcomes "
    "are the traces'"
)
_HOLDS = (
    "budget holds: an input of four bytes a token, an output of the deployment's maximum, "
    "since a caller's own maximum isn't recorded"
)
_LOST = (
    "an attempt that times out before its first byte costs its upper estimate, as the gateway "
    "books what it can't know"
)
_DRAWN = (
    "failures of attempts that weren't made: as often as the deployment's attempts failed "
    "in the period; what a limit refused has the tokens of another call of its key"
)
_TOKENS = (
    "another model writes as many tokens of each class as the recorded one, unless `tokens` "
    "says otherwise"
)
_NO_HASHES = (
    "the ledger keeps no hash of a request: only what the cache answered for real is a "
    "repeat, others aren't found by turning it on"
)


def measured_notes(ledger: LedgerTraffic | None) -> list[str]:
    """Say what comes from records as it is."""
    if ledger is None:
        return ["arrival times and token counts of the file"]
    return [
        _RECORDED,
        "arrival, token counts, cache hits and failed attempts of each request",
        "the price of a deployment without a change: the one each attempt was stamped with",
    ]


def modelled_notes(known: Known, ledger: LedgerTraffic | None) -> list[str]:
    """Say what is drawn or computed."""
    counts = [f"{name} {len(found)}" for name, found in sorted(known.samples.items()) if found]
    drawn = f"drawn from recorded answers to inputs of about that length ({', '.join(counts)})"
    given = "as the scenario gives it"
    notes = [
        f"how long an answer takes: {f'{drawn}, else {given}' if counts else given}",
        _HOLDS,
        _LOST,
        "breakers, the moving latency and bounded slots as of one worker",
    ]
    return notes if ledger is None else [*notes, _DRAWN]


def assumed_notes(scenario: Scenario, ledger: LedgerTraffic | None) -> list[str]:
    """Say what is taken to be so."""
    notes = [
        _TOKENS,
        "a deployment without `capacity` or slots of its own answers as fast under any load",
        "callers neither retry by themselves nor stay away because of what they get",
    ]
    changes = [scenario.base, *scenario.candidates]
    if any(change.outages for change in changes):
        notes.append("in an outage of kind `error` the answer comes after `after_ms`")
    loads = [scenario.traffic.load, *(one.load for one in scenario.candidates)]
    if any(load != 1 for load in loads):
        notes.append(_copies(scenario.traffic))
    if any(change.cache for change in changes) and ledger is not None:
        notes.append(_NO_HASHES)
    return notes


def _copies(traffic: Traffic) -> str:
    how = f"shifted by up to {traffic.shift_max_s:g} s each"
    if traffic.copies is Copies.TOGETHER:
        how = "that come together"
    return (
        f"more traffic is copies of the recorded one {how}; the keys stay, so their limits and "
        "budgets feel all of it"
    )
