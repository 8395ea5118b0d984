"""Samples of what rules found: to look at, to confirm or reject, and to tune thresholds by."""

from typing import Annotated, Any, Literal

import msgspec
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, Parameter, PathParameter, QueryParameter
from litestar.response import Response
from msgspec import Meta

from legato.api.control.access import Caller, make, read
from legato.api.control.forms import Form, Id, Shown, known_id, moment
from legato.api.control.masking import content_masked
from legato.api.control.once import Made, Once
from legato.api.control.paging import LIMIT, Cursor, Limit, paged
from legato.api.control.services import Services
from legato.core.guard_samples import Judgement
from legato.core.permission import Permission
from legato.core.tenant import Tenant
from legato.insights.guard_samples import REASON_MAX, ShownSample
from legato.storage.kept.guard_samples import SampleFilter

Org = Annotated[
    str | None,
    Parameter(max_length=128, required=False, description="The caller's own unless named."),
]
Of = Annotated[
    str | None,
    Parameter(max_length=257, required=False, description="A policy, or `POLICY/RULE`."),
]
Narrow = Annotated[str | None, Parameter(max_length=128, required=False)]
State = Annotated[
    Literal["open", "confirmed", "rejected"] | None, QueryParameter(name="state", required=False)
]
Command = Annotated[Literal["confirm", "reject"], PathParameter(description="What is said of it.")]
_STATES = {"open": Judgement.OPEN, "confirmed": Judgement.CONFIRMED, "rejected": Judgement.REJECTED}
_COMMANDS = {"confirm": Judgement.CONFIRMED, "reject": Judgement.REJECTED}


class GuardSample(Shown, frozen=True, kw_only=True):
    """A find; `excerpt` has the text before it, its own and the text behind it, where kept."""

    id: str
    at: str
    request_id: str
    policy: str
    version: str
    rule: str
    label: str
    detector: str
    action: str
    mode: str
    place: str
    where: str
    start: int
    end: int
    score: float
    state: Literal["open", "confirmed", "rejected"]
    excerpt: list[str] | None


class GuardSamplePage(Shown, frozen=True, kw_only=True):
    """A page of samples, newest first."""

    data: list[GuardSample]
    next_cursor: str | None


class GuardJudgement(Shown, frozen=True, kw_only=True):
    """What somebody said of a sample."""

    at: str
    actor: str
    state: str
    reason: str


class JudgedSample(Shown, frozen=True, kw_only=True):
    """A sample with all that was said of it, the oldest first."""

    sample: GuardSample
    judgements: list[GuardJudgement]


class Saying(Form, frozen=True, kw_only=True):
    """Why; a rejection needs it."""

    reason: Annotated[str, Meta(max_length=REASON_MAX)] = ""


class WantedThreshold(Form, frozen=True, kw_only=True):
    """Which rule is to be right how often."""

    rule: Annotated[str, Meta(min_length=1, max_length=128)]
    precision: Annotated[float, Meta(gt=0, lt=1)]


class ThresholdTold(Shown, frozen=True, kw_only=True):
    """What the judged finds say; `proposal_id` is null where there is nothing to propose."""

    proposal_id: str | None
    told: str
    now: float
    proposed: float | None
    judged: int
    needed: int
    steps: Any


@read("/guardrails/samples", Permission.SAMPLE_READ, shows="sample.read", tags=["guardrails"])
def list_samples(
    services: Given[Services],
    caller: Given[Caller],
    *,
    org: Org = None,
    policy: Of = None,
    label: Narrow = None,
    in_state: State = None,
    cursor: Cursor = None,
    limit: Limit = LIMIT,
) -> GuardSamplePage:
    """List samples of what rules found that only watch or flag, newest first."""
    tenant = _tenant(caller, org)
    desk = services.guard_samples(tenant)
    name, _, rule = (policy or "").partition("/")
    wanted = SampleFilter(
        name or None, rule or None, label, None if in_state is None else _STATES[in_state]
    )
    rows, following = paged(
        services.cursors,
        "guard samples",
        (cursor, limit),
        lambda count, before: desk.page(count, before, wanted),
        name=lambda one: one.sample.id,
    )
    data = [_shown(one, caller, tenant) for one in rows]
    return GuardSamplePage(data=data, next_cursor=following)


@read(
    "/guardrails/samples/{sample_id:str}",
    Permission.SAMPLE_READ,
    shows="sample.read",
    tags=["guardrails"],
)
def get_sample(
    services: Given[Services], caller: Given[Caller], *, sample_id: Id, org: Org = None
) -> JudgedSample:
    """Show a sample and everything that was said of it."""
    tenant = _tenant(caller, org)
    found, said = services.guard_samples(tenant).get(known_id(sample_id))
    told = [
        GuardJudgement(
            at=moment(one.at_ns), actor=one.actor, state=one.judgement.value, reason=one.reason
        )
        for one in said
    ]
    told = [content_masked(caller, tenant, one, "reason") for one in told]
    return JudgedSample(sample=_shown(found, caller, tenant), judgements=told)


@make(
    "/guardrails/samples/{sample_id:str}/{command:str}",
    Permission.SAMPLE_JUDGE,
    tags=["guardrails"],
    status_code=200,
)
def judge_sample(
    services: Given[Services],
    caller: Given[Caller],
    once: Given[Once],
    *,
    sample_id: Id,
    command: Command,
    data: JSONBody[Saying],
    org: Org = None,
) -> Response[GuardSample]:
    """Confirm that a find was right, or reject it as a false alarm."""

    def work() -> Made:
        tenant = _tenant(caller, org)
        desk = services.guard_samples(tenant)
        actor = caller.author
        done = desk.judge(known_id(sample_id), _COMMANDS[command], actor, data.reason)
        return Made(_shown(done, caller, tenant), status=200)

    return once(data, work)


@make(
    "/guardrails/policies/{policy:str}/tune",
    Permission.THRESHOLD_PROPOSE,
    tags=["guardrails"],
    status_code=200,
)
def tune_rule(
    services: Given[Services],
    caller: Given[Caller],
    once: Given[Once],
    *,
    policy: Annotated[str, PathParameter(description="The policy's name.", max_length=128)],
    data: JSONBody[WantedThreshold],
    org: Org = None,
) -> Response[ThresholdTold]:
    """Propose the lowest threshold whose precision, by what was judged, is high enough."""

    def work() -> Made:
        desk = services.thresholds(_tenant(caller, org))
        actor = caller.author
        done = desk.propose(policy, data.rule, data.precision, actor)
        found = done.tuning
        told = ThresholdTold(
            proposal_id=None if done.proposal is None else done.proposal.id,
            told=found.told,
            now=found.now,
            proposed=found.proposed,
            judged=found.judged,
            needed=found.needed,
            steps=msgspec.to_builtins(found.steps),
        )
        return Made(told, status=200)

    return once(data, work)


HANDLERS = (list_samples, get_sample, judge_sample, tune_rule)


def _tenant(caller: Caller, org: str | None) -> Tenant:
    return caller.tenant(org)


def _shown(one: ShownSample, caller: Caller, tenant: Tenant) -> GuardSample:
    sample, excerpt = one.sample, one.excerpt
    shown = msgspec.convert(
        {
            "id": sample.id,
            "at": moment(sample.at_ns),
            "request_id": sample.request_id,
            "policy": sample.policy,
            "version": sample.version,
            "rule": sample.rule,
            "label": sample.label,
            "detector": sample.detector,
            "action": sample.action,
            "mode": sample.mode,
            "place": sample.place,
            "where": sample.pointer,
            "start": sample.first,
            "end": sample.last,
            "score": sample.score,
            "state": one.judgement.value or "open",
            "excerpt": None if excerpt is None else [excerpt.before, excerpt.found, excerpt.after],
        },
        GuardSample,
    )
    return content_masked(caller, tenant, shown, "excerpt")
