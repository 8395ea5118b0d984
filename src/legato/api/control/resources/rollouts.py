"""Rollouts: versions that are tried against another, step by step."""

from typing import Annotated, Any, Literal

import msgspec
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody
from litestar.response import Response
from msgspec import Meta

from legato.api.control.access import make, read
from legato.api.control.forms import Form, Id, Shown, known_id, moment, optional_moment
from legato.api.control.once import Made, Once
from legato.api.control.paging import LIMIT, Cursor, Limit, paged
from legato.api.control.registry_desk import Because, Desk, Reason, object_name, wanted_version
from legato.api.control.services import Services
from legato.core.errors import InvalidRequest
from legato.core.permission import Permission
from legato.core.registry import CHAMPION, DEFAULT_LABEL, Selector
from legato.registry.rollouts import Wish, read_plan
from legato.routing.rollouts.course import Command
from legato.routing.rollouts.plan import CANDIDATES_MAX, Mode
from legato.storage.registry.rollout_events import Event as StoredEvent
from legato.storage.registry.rollouts import Rollout as StoredRollout
from legato.storage.registry.shadow_outcomes import ShadowSummary

Text = Annotated[str, Meta(max_length=128)]
Version = Annotated[str, Meta(max_length=64)]


class NewRollout(Form, frozen=True, kw_only=True):
    """What is tried against what a label points to, and how: `plan` has steps and gates.

    `candidates` where there are several, as an experiment or a challenger may have; else
    `candidate`.
    """

    kind: Text = "prompt"
    name: Text
    candidate: Version = ""
    candidates: Annotated[tuple[Version, ...], Meta(max_length=CANDIDATES_MAX)] = ()
    label: Annotated[str, Meta(max_length=64)] = DEFAULT_LABEL
    plan: dict[str, Any]
    reason: Reason = ""


class Steering(Because, frozen=True, kw_only=True):
    """What is to be done."""

    command: Literal["pause", "resume", "promote", "abort"]
    arm: Text = ""


class Arm(Shown, frozen=True, kw_only=True):
    """One of those that callers are divided among; `out` says that it was taken out for harm."""

    name: str
    version: str
    share_bp: int
    out: bool


class Rollout(Shown, frozen=True, kw_only=True):
    """A rollout; `told` is the last decision in words, `chosen` the arm proposed or promoted.

    `approvals` is how many others must approve its start, or have: a move with its id waits.
    """

    id: str
    environment: str
    kind: str
    name: str
    label: str
    champion: str
    candidate: str
    mode: Literal["canary", "experiment", "shadow", "challenger"]
    arms: list[Arm]
    chosen: str | None
    phase: Literal[
        "waiting",
        "running",
        "paused",
        "proposed",
        "promoted",
        "rolled_back",
        "aborted",
        "done",
    ]
    approvals: int
    step: int
    share_bp: int
    told: str
    author: str
    reason: str
    plan: Any
    started_at: str
    ended_at: str | None


class RolloutPage(Shown, frozen=True, kw_only=True):
    """A page of rollouts, newest first."""

    data: list[Rollout]
    next_cursor: str | None


class Event(Shown, frozen=True, kw_only=True):
    """What was done, by whom, and the evidence it rested on."""

    at: str
    actor: str
    action: str
    reason: str
    evidence: list[Any]


class ShadowFigures(Shown, frozen=True, kw_only=True):
    """What a shadow's copies showed beside the calls. Costs in nano-USD.

    Means are over the `answered_both`; `agree` and the counts of JSON texts over the `compared`.
    """

    sent: int
    dropped: int
    over_budget: int
    failed: int
    live_failed: int
    cost: int
    live_cost: int
    unpriced: int
    answered_both: int
    mean_us: float | None
    live_mean_us: float | None
    mean_output_tokens: float | None
    live_mean_output_tokens: float | None
    compared: int
    agree: int
    json: int
    live_json: int


class RolloutWithEvents(Shown, frozen=True, kw_only=True):
    """A rollout and everything that was done."""

    rollout: Rollout
    events: list[Event]
    shadow: ShadowFigures | None


@read("/registry/rollouts", Permission.REGISTRY_READ, tags=["registry"])
def list_rollouts(
    services: Given[Services],
    desk: Given[Desk],
    cursor: Cursor = None,
    limit: Limit = LIMIT,
) -> RolloutPage:
    """List rollouts, newest first."""
    rows, following = paged(
        services.cursors,
        "rollouts",
        (cursor, limit),
        desk.rollouts.store.page,
        name=lambda record: record.id,
    )
    return RolloutPage(data=[_shown(record) for record in rows], next_cursor=following)


@make("/registry/rollouts", Permission.REGISTRY_MOVE, tags=["registry"])
def start_rollout(
    desk: Given[Desk], once: Given[Once], data: JSONBody[NewRollout]
) -> Response[Rollout]:
    """Begin a rollout at its plan's first step, or ask others to approve that."""
    name = desk.registry.read.object(object_name(data.kind, data.name)).name
    wish = Wish(name, data.label, _candidates(data), read_plan(data.plan))

    def work() -> Made:
        begun = desk.rollouts.start(wish, desk.act(data.reason))
        return Made(_shown(begun), {"location": f"/api/v1/registry/rollouts/{begun.id}"})

    return once(data, work)


@read("/registry/rollouts/{rollout_id:str}", Permission.REGISTRY_READ, tags=["registry"])
def get_rollout(desk: Given[Desk], rollout_id: Id) -> RolloutWithEvents:
    """Show a rollout and everything that was done."""
    store = desk.rollouts.store
    found = store.get(known_id(rollout_id))
    return RolloutWithEvents(
        rollout=_shown(found),
        events=[_event(one) for one in store.events(found.id)],
        shadow=_figures(store.shadow(found.id)) if found.plan.mode is Mode.SHADOW else None,
    )


@make(
    "/registry/rollouts/{rollout_id:str}/steer",
    Permission.REGISTRY_MOVE,
    tags=["registry"],
    status_code=200,
)
def steer_rollout(
    desk: Given[Desk], once: Given[Once], *, rollout_id: Id, data: JSONBody[Steering]
) -> Response[Rollout]:
    """Pause, resume, promote or abort a rollout."""
    found = desk.rollouts.store.get(known_id(rollout_id))

    def work() -> Made:
        act = desk.act(data.reason)
        steered = desk.rollouts.steer(found.id, Command(data.command), act, data.arm)
        return Made(_shown(steered), status=200)

    return once(data, work)


HANDLERS = (list_rollouts, start_rollout, get_rollout, steer_rollout)


def _candidates(data: NewRollout) -> tuple[Selector, ...]:
    named = (data.candidate,) if data.candidate else data.candidates
    if not named or (data.candidate and data.candidates):
        raise InvalidRequest("candidate: name one, or several as candidates", param="candidate")
    return tuple(wanted_version(one) for one in named)


def _arms(record: StoredRollout) -> list[Arm]:
    division, ended = record.division, record.state.ended
    versions = [(CHAMPION, record.champion)]
    versions += [(arm.name, arm.version) for arm in division.candidates]
    return [
        Arm(
            name=name,
            version=version,
            share_bp=0 if ended else division.share_bp(name),
            out=name in division.out,
        )
        for name, version in versions
    ]


def _shown(record: StoredRollout) -> Rollout:
    return Rollout(
        id=record.id,
        environment=record.environment,
        kind=record.name.kind.value,
        name=record.name.name,
        label=record.label,
        champion=record.champion,
        candidate=record.candidate,
        mode=record.plan.mode.value,
        arms=_arms(record),
        chosen=record.state.chosen or None,
        phase=record.state.phase.value,
        approvals=record.approvals,
        step=record.state.step + 1,
        share_bp=record.share_bp,
        told=record.told,
        author=record.author,
        reason=record.reason,
        plan=msgspec.to_builtins(record.plan),
        started_at=moment(record.started_at_ns),
        ended_at=optional_moment(record.ended_at_ns),
    )


def _figures(summary: ShadowSummary) -> ShadowFigures:
    return ShadowFigures(**msgspec.structs.asdict(summary))


def _event(record: StoredEvent) -> Event:
    return Event(
        at=moment(record.at_ns),
        actor=record.actor,
        action=record.action,
        reason=record.reason,
        evidence=msgspec.json.decode(record.evidence),
    )
