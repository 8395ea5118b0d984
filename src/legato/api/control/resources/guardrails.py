"""What guardrails did: with one request, and over all of a time."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from litestar.di import NamedDependency as Given
from litestar.params import FromPath, Parameter

from legato.api.control.access import Caller, read
from legato.api.control.forms import Shown, known_id, moment_ns
from legato.api.control.services import Services
from legato.core.errors import NotFound
from legato.core.guard_facts import plain_facts
from legato.core.guard_output import plain_output
from legato.core.permission import Permission
from legato.guardrails.policy.precision import Precision
from legato.guardrails.policy.reporting import RuleReport, policy_name, report_of
from legato.insights.guard_samples import Key

Narrow = Annotated[str | None, Parameter(max_length=64, required=False)]
_DAY_NS = 86_400_000_000_000
_BOUNDS = ("precision", "precision_low", "precision_high")


class GuardedRequest(Shown, frozen=True, kw_only=True):
    """What guardrails did with one request, and with its answer; null where no policy applied.

    What fired in the answer has places in characters of its texts as the model wrote them.
    """

    request_id: str
    http_status: int
    error_code: str
    guarded: dict[str, Any] | None
    answer: dict[str, Any] | None


class FiredRule(Shown, frozen=True, kw_only=True):
    """What one rule of one version found of one label.

    `confirmed` and `rejected` are samples that people judged, of all its versions; `precision` is
    the share of the confirmed, with its 95 % interval.
    """

    policy: str
    rule: str
    label: str
    action: str
    mode: str
    requests: int
    findings: int
    examples: list[str]
    confirmed: int
    rejected: int
    precision: float | None
    precision_low: float | None
    precision_high: float | None


class GuardReport(Shown, frozen=True, kw_only=True):
    """What all policies did; `acted` has requests by the strictest action that was taken."""

    requests: int
    acted: dict[str, int]
    passed_over: dict[str, int]
    rules: list[FiredRule]


@read("/guardrails/requests/{request_id:str}", Permission.LEDGER_READ, tags=["guardrails"])
def explain_request(
    services: Given[Services], caller: Given[Caller], request_id: FromPath[str]
) -> GuardedRequest:
    """Tell what fired in a request, where, and how long it took: never the text."""
    wanted = known_id(request_id)
    trace = services.entries(caller.narrowed(None)).trace(wanted)
    if trace is None:
        raise NotFound("no trace of this request is kept", param="request_id")
    guarded, answer = trace["guarded"], trace["decision"].output
    return GuardedRequest(
        request_id=wanted,
        http_status=trace["http_status"],
        error_code=trace["error_code"],
        guarded=None if guarded is None else plain_facts(guarded),
        answer=None if answer is None else plain_output(answer),
    )


@read("/guardrails/report", Permission.LEDGER_READ, tags=["guardrails"])
def report(
    services: Given[Services], caller: Given[Caller], org: Narrow = None, since: Narrow = None
) -> GuardReport:
    """Sum up what policies did, those that only watch too: of the last day unless `since` says."""
    since_ns = moment_ns(since, "since")
    if since_ns is None:
        since_ns = services.now_ns() - _DAY_NS
    whose = caller.tenant(org)
    precisions = services.guard_samples(whose).precisions()
    traces = services.entries(caller.narrowed(org)).traces(since_ns)
    found = report_of(
        (one["request_id"], one["guarded"]) for one in traces if one["guarded"] is not None
    )
    return GuardReport(
        requests=found.requests,
        acted=found.acted,
        passed_over=found.passed_over,
        rules=[FiredRule(**_plain(one), **_judged(one, precisions)) for one in found.rules],
    )


HANDLERS = (explain_request, report)


def _judged(one: RuleReport, precisions: Mapping[Key, Precision]) -> dict[str, Any]:
    found = precisions.get((policy_name(one.policy), one.rule, one.label))
    if found is None:
        return {"confirmed": 0, "rejected": 0} | dict.fromkeys(_BOUNDS)
    return {
        "confirmed": found.confirmed,
        "rejected": found.rejected,
        "precision": found.share,
        "precision_low": found.low,
        "precision_high": found.high,
    }


def _plain(one: msgspec.Struct) -> dict[str, Any]:
    plain = msgspec.structs.asdict(one)
    return {**plain, "examples": list(plain["examples"])}
