"""Evaluations: suites run over versions and models, and what they show."""

from decimal import Decimal
from functools import partial
from typing import Annotated, Any, Literal

import msgspec
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, Parameter
from litestar.response import Response
from msgspec import Meta

from legato.api.control.access import Caller, lacking, make, read
from legato.api.control.forms import Form, Id, Shown, known_id, moment, optional_moment, usd
from legato.api.control.masking import content_masked
from legato.api.control.once import Made, Once
from legato.api.control.paging import LIMIT, Cursor, Limit, paged
from legato.api.control.registry_desk import Desk
from legato.api.control.resources.evaluation_forms import (
    ShownAnswer,
    ShownGrid,
    shown_answer,
    shown_grid,
)
from legato.api.control.resources.workflow_starting import acting_key, require_may_start
from legato.api.control.resources.workflows import likely_cost
from legato.api.control.services import Services
from legato.core.errors import Erased, Forbidden, InvalidRequest
from legato.core.money import amount
from legato.core.permission import Permission
from legato.core.registry import DEFAULT_LABEL, Kind, ObjectName, checked_name, selector
from legato.evaluation.estimate import estimate
from legato.evaluation.evaluations import Evaluations
from legato.evaluation.grid import grid_of
from legato.evaluation.judge_pins import JudgePins
from legato.evaluation.plans import NO_PLAN, Plan, Planner, Prompts
from legato.evaluation.runs import Rooms
from legato.evaluation.suites import Suite, read_suite
from legato.registry.registry import Registry
from legato.storage.evaluation.evaluations import EvaluationRecord
from legato.storage.ledger.entries import EntryFilter

_NOWHERE = "-1/-1/-1"
_Amount = Annotated[str, Meta(max_length=40)]


class NewEvaluation(Form, frozen=True, kw_only=True):
    """A suite: written out, or NAME or NAME@VERSION of one in the registry."""

    suite: dict[str, Any] | Annotated[str, Meta(max_length=200)]
    name: Annotated[str, Meta(max_length=200)] = ""
    """What people call this run; the suite's name without it."""
    against: Annotated[str, Meta(max_length=64)] = ""
    """A label: each prompt or workflow is compared with the version it points to."""
    environment: Annotated[str, Meta(max_length=64)] = ""
    """Whose labels; the instance's own without it."""
    cost_max_usd: _Amount | None = None
    """Instead of the suite's."""
    key_id: Id | None = None
    """The key whose limits and budget hold: an account names one, a key is it itself."""


class Resuming(Form, frozen=True, kw_only=True):
    """How an evaluation goes on."""

    cost_max_usd: _Amount | None = None
    key_id: Id | None = None


class ShownSubject(Shown, frozen=True, kw_only=True):
    """Who answers; `baseline` is the number of the one it is compared with."""

    label: str
    model: str
    route: str
    version: str
    workflow: str
    """NAME@DIGEST, of one that runs instead of calling `model`."""
    baseline: int | None


class Evaluation(Shown, frozen=True, kw_only=True):
    """One evaluation; `told` is why it ended as it did."""

    id: str
    name: str
    status: Literal["waiting", "running", "done", "cancelled", "failed", "capped"]
    told: str
    author: str
    dataset: str
    split: str
    scorers: list[str]
    subjects: list[ShownSubject]
    repetitions: int
    fail_under: dict[str, float]
    """The least mean score by scorer, of those for which the suite names one."""
    regress_max: float
    answers: int
    done: int
    failed: int
    cost_usd: str | None
    cost_max_usd: str | None
    round: int
    created_at: str
    ended_at: str | None


class EvaluationPage(Shown, frozen=True, kw_only=True):
    """A page of evaluations, newest first."""

    data: list[Evaluation]
    next_cursor: str | None


class Estimated(Shown, frozen=True, kw_only=True):
    """What the answers will cost, roughly; null where no price is known."""

    answers: int
    cost_usd: str | None
    unpriced: list[str]
    output_tokens: list[int]


class AnswerPage(Shown, frozen=True, kw_only=True):
    """A page of answers, in the order of cases."""

    data: list[ShownAnswer]
    next_cursor: str | None


@make("/evaluations/estimate", Permission.EVALUATION_READ, tags=["evaluations"], status_code=200)
def estimate_evaluation(
    services: Given[Services], caller: Given[Caller], data: JSONBody[NewEvaluation]
) -> Estimated:
    """Say what an evaluation would cost, without starting it."""
    _, _, plan, prompts = _planned(services, caller, data)
    found = estimate(
        plan,
        prompts,
        services.price_of,
        partial(likely_cost, services, _desk(services, caller, data)),
    )
    return Estimated(
        answers=found.answers,
        cost_usd=usd(found.cost),
        unpriced=list(found.unpriced),
        output_tokens=list(found.output_tokens),
    )


@make("/evaluations", Permission.EVALUATION_CREATE, tags=["evaluations"])
def start_evaluation(
    services: Given[Services],
    caller: Given[Caller],
    once: Given[Once],
    data: JSONBody[NewEvaluation],
) -> Response[Evaluation]:
    """Start an evaluation that acts for the key which asks, or is named: its limits hold."""
    name, suite, plan, _ = _planned(services, caller, data)
    _require_may_run(services, caller, data, plan)
    asked = suite.cost_max_usd if data.cost_max_usd is None else data.cost_max_usd

    def work() -> Made:
        found, acting = (
            _rooms(services, caller).evaluations,
            acting_key(services, caller, data.key_id),
        )
        author = caller.author
        record = found.start(plan, acting, name=name, cost_max=_nano(asked), author=author)
        services.wake_runs()
        location = {"location": f"/api/v1/evaluations/{record.id}"}
        return Made(_shown(record, plan), location)

    return once(data, work)


@read("/evaluations", Permission.EVALUATION_READ, tags=["evaluations"])
def list_evaluations(
    services: Given[Services],
    caller: Given[Caller],
    cursor: Cursor = None,
    limit: Limit = LIMIT,
) -> EvaluationPage:
    """List evaluations of the key's organisation, newest first."""
    found = _rooms(services, caller).evaluations
    rows, following = paged(
        services.cursors,
        "evaluations",
        (cursor, limit),
        found.store.page,
        name=lambda record: record.id,
    )
    data = [_listed(found, record) for record in rows]
    return EvaluationPage(data=data, next_cursor=following)


@read("/evaluations/{evaluation_id:str}", Permission.EVALUATION_READ, tags=["evaluations"])
def get_evaluation(
    services: Given[Services], caller: Given[Caller], evaluation_id: Id
) -> Evaluation:
    """Show an evaluation and how far it is."""
    found = _rooms(services, caller).evaluations
    record = found.store.get(known_id(evaluation_id))
    return _shown(record, found.plan(record))


@read("/evaluations/{evaluation_id:str}/grid", Permission.EVALUATION_READ, tags=["evaluations"])
def get_grid(
    services: Given[Services],
    caller: Given[Caller],
    evaluation_id: Id,
    against: Annotated[
        int | None,
        Parameter(ge=0, required=False, description="Compare all with the subject of this number."),
    ] = None,
) -> ShownGrid:
    """Show each subject's scores with 95 % intervals, paired differences, and what it all cost.

    `ledger` is the cost as the ledger has it: repeated calls of a run that was cut are in it.
    """
    found = _rooms(services, caller).evaluations
    record = found.store.get(known_id(evaluation_id))
    plan = found.plan(record)
    pairs = None
    if against is not None:
        if against >= len(plan.subjects):
            msg = f"against: the evaluation has subjects 0 to {len(plan.subjects) - 1}"
            raise InvalidRequest(msg, param="against")
        pairs = {n: against for n in range(len(plan.subjects)) if n != against}
    grid = grid_of(plan, found.store.answers(record.id), pairs)
    spent = services.sums(caller.tenant()).total(
        EntryFilter(since_ns=record.created_at_ns, evaluation=record.id)
    )
    return shown_grid(grid, spent)


@read(
    "/evaluations/{evaluation_id:str}/answers",
    Permission.EVALUATION_READ,
    shows="evaluation.read",
    tags=["evaluations"],
)
def list_answers(
    services: Given[Services],
    caller: Given[Caller],
    evaluation_id: Id,
    *,
    amiss: Annotated[
        bool, Parameter(description="Only answers that failed or couldn't be judged.")
    ] = False,
    cursor: Cursor = None,
    limit: Limit = LIMIT,
) -> AnswerPage:
    """List answers with their scores and reasons, in the order of cases."""
    found = _rooms(services, caller).evaluations
    record = found.store.get(known_id(evaluation_id))
    plan = found.plan(record)

    def page(count: int, after: str | None) -> list[Any]:
        place = [int(part) for part in (after or _NOWHERE).split("/")]
        behind = (place[0], place[1], place[2])
        return found.store.answers_page(record.id, behind, count, amiss=amiss)

    rows, following = paged(
        services.cursors,
        f"answers {record.id}",
        (cursor, limit),
        page,
        name=lambda row: f"{row.case_number}/{row.subject}/{row.repetition}",
    )
    tenant = caller.tenant()
    data = []
    for row in rows:
        shown = shown_answer(row, found.answer(record.id, row), plan)
        scores = [content_masked(caller, tenant, one, "reason") for one in shown.scores]
        shown = content_masked(caller, tenant, shown, "text", "told")
        data.append(msgspec.structs.replace(shown, scores=scores))
    return AnswerPage(data=data, next_cursor=following)


@make(
    "/evaluations/{evaluation_id:str}/cancel",
    Permission.EVALUATION_UPDATE,
    tags=["evaluations"],
    status_code=200,
)
def cancel_evaluation(
    services: Given[Services], caller: Given[Caller], once: Given[Once], evaluation_id: Id
) -> Response[Evaluation]:
    """Begin no further answer; what is recorded stays, and `resume` goes on from there."""

    def work() -> Made:
        found = _rooms(services, caller).evaluations
        record = found.cancel(known_id(evaluation_id))
        return Made(_shown(record, found.plan(record)), status=200)

    return once(None, work)


@make(
    "/evaluations/{evaluation_id:str}/resume",
    Permission.EVALUATION_UPDATE,
    tags=["evaluations"],
    status_code=200,
)
def resume_evaluation(
    services: Given[Services],
    caller: Given[Caller],
    once: Given[Once],
    *,
    evaluation_id: Id,
    data: JSONBody[Resuming],
) -> Response[Evaluation]:
    """Go on with one that was cancelled, failed or reached its cost cap."""

    def work() -> Made:
        found = _rooms(services, caller).evaluations
        allowed = _nano(data.cost_max_usd)
        acting = acting_key(services, caller, data.key_id)
        record = found.resume(known_id(evaluation_id), acting, allowed)
        services.wake_runs()
        return Made(_shown(record, found.plan(record)), status=200)

    return once(data, work)


HANDLERS = (
    estimate_evaluation,
    start_evaluation,
    list_evaluations,
    get_evaluation,
    get_grid,
    list_answers,
    cancel_evaluation,
    resume_evaluation,
)


def _rooms(services: Services, caller: Caller) -> Rooms:
    return services.evaluations(caller.tenant())


def _desk(services: Services, caller: Caller, data: NewEvaluation) -> Desk:
    tenant = caller.tenant()
    registry, rollouts = services.registry(tenant), services.rollouts(tenant)
    where = data.environment or services.environment
    return Desk(registry, rollouts, tenant, where, caller.author)


def _require_may_run(services: Services, caller: Caller, data: NewEvaluation, plan: Plan) -> None:
    """Refuse who may not start the workflows that a plan runs. Raises Forbidden."""
    named = [one.workflow.partition("@")[0] for one in plan.subjects if one.workflow]
    if named and not caller.has(Permission.WORKFLOW_RUN_CREATE):
        raise Forbidden(lacking(caller.principal, Permission.WORKFLOW_RUN_CREATE))
    for name in named:
        require_may_start(acting_key(services, caller, data.key_id), name)


def _planned(
    services: Services, caller: Caller, data: NewEvaluation
) -> tuple[str, Suite, Plan, Prompts]:
    """Return the run's name, its suite, and that pinned. Raises NotFound, InvalidRequest."""
    tenant = caller.tenant()
    registry = services.registry(tenant)
    environment = data.environment or services.environment
    name, suite = data.name, data.suite
    if isinstance(suite, str):
        name, suite = name or suite, _kept_suite(registry, suite, environment)
    read_ = read_suite(suite)
    judges = JudgePins(registry, environment, services.judge_records(tenant))
    plan, prompts = Planner(registry, environment, judges).plan(read_, data.against)
    datasets = _rooms(services, caller).datasets
    datasets.require_cases(plan.digest, plan.cases)
    if erased := datasets.erased(plan.digest, plan.split):
        plan = plan.without(erased)
    return name, read_, plan, prompts


def _kept_suite(registry: Registry, text: str, environment: str) -> Any:
    name, _, version = text.partition("@")
    wanted = ObjectName(Kind.SUITE, checked_name(name)), selector(version or DEFAULT_LABEL)
    return registry.content(registry.read.version(*wanted, environment))


def _nano(given: str | Decimal | None) -> int | None:
    if given is None:
        return None
    msg = "cost_max_usd: write an amount above 0, as 1.50"
    try:
        nano = int(amount(given))
    except (ValueError, ArithmeticError):
        raise InvalidRequest(msg, param="cost_max_usd") from None
    if nano <= 0:
        raise InvalidRequest(msg, param="cost_max_usd")
    return nano


def _listed(found: Evaluations, record: EvaluationRecord) -> Evaluation:
    """Return one as a list has it: one whose key was destroyed doesn't hide the others."""
    try:
        return _shown(record, found.plan(record))
    except Erased as error:
        told = record.told or error.message
        return _shown(msgspec.structs.replace(record, told=told), NO_PLAN)


def _shown(record: EvaluationRecord, plan: Plan) -> Evaluation:
    return Evaluation(
        id=record.id,
        name=record.name,
        status=record.status,  # type: ignore[arg-type]
        told=record.told,
        author=record.author,
        dataset=plan.dataset,
        split=plan.split,
        scorers=[str(one.get("name") or one["use"]) for one in plan.scorers],
        subjects=[
            ShownSubject(
                label=one.label,
                model=one.model,
                route=one.route,
                version=one.version,
                workflow=one.workflow,
                baseline=one.baseline,
            )
            for one in plan.subjects
        ],
        repetitions=plan.repetitions,
        fail_under={
            str(one.get("name") or one["use"]): one["fail_under"]
            for one in plan.scorers
            if one.get("fail_under") is not None
        },
        regress_max=plan.regress_max,
        answers=record.answers,
        done=record.done,
        failed=record.failed,
        cost_usd=usd(record.cost),
        cost_max_usd=usd(record.cost_max),
        round=record.round,
        created_at=moment(record.created_at_ns),
        ended_at=optional_moment(record.ended_at_ns),
    )
