"""Moves of labels and their approval; what uses what; who decides over environments."""

from typing import Annotated, Literal

from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, Parameter, QueryParameter
from litestar.response import Response

from legato.api.control.access import make, read
from legato.api.control.forms import Form, Id, Shown, known_id, moment
from legato.api.control.once import Made, Once
from legato.api.control.paging import LIMIT, Cursor, Limit, paged
from legato.api.control.registry_desk import Because, Desk, Move, shown_move
from legato.api.control.services import Services
from legato.core.permission import Permission
from legato.core.registry import MoveState, Truth, checked_label

State = Annotated[
    Literal["pending", "approved", "applied", "rejected", "overtaken"] | None,
    QueryParameter(name="state", description="Only those in this state."),
]
Called = Annotated[str, Parameter(max_length=128)]


class MovePage(Shown, frozen=True, kw_only=True):
    """A page of moves, newest first."""

    data: list[Move]
    next_cursor: str | None


class Verdict(Shown, frozen=True, kw_only=True):
    """What somebody said to a move."""

    approver: str
    approved: bool
    reason: str
    at: str


class MoveWithVerdicts(Shown, frozen=True, kw_only=True):
    """A move and what was said to it."""

    move: Move
    verdicts: list[Verdict]


class Use(Shown, frozen=True, kw_only=True):
    """A version that names something; its labels as `environment: label`."""

    kind: str
    name: str
    number: int
    digest: str
    labels: list[str]


class Uses(Shown, frozen=True, kw_only=True):
    """All of them."""

    data: list[Use]


class Environment(Shown, frozen=True, kw_only=True):
    """An environment, and what decides its labels."""

    name: str
    truth: Literal["database", "directory"]
    changed_by: str
    changed_at: str


class Environments(Shown, frozen=True, kw_only=True):
    """Those that anything was ever said of; any other is kept in the database."""

    data: list[Environment]


class HandOver(Form, frozen=True, kw_only=True):
    """What is to decide an environment's labels."""

    truth: Literal["database", "directory"]


@read("/registry/moves", Permission.REGISTRY_READ, tags=["registry"])
def list_moves(
    services: Given[Services],
    desk: Given[Desk],
    *,
    in_state: State = None,
    cursor: Cursor = None,
    limit: Limit = LIMIT,
) -> MovePage:
    """List the moves of an environment's labels, newest first."""
    wanted = None if in_state is None else MoveState(in_state)
    rows, following = paged(
        services.cursors,
        "moves",
        (cursor, limit),
        lambda count, after: desk.registry.read.moves(
            count, before_id=after, environment=desk.environment, state=wanted
        ),
        name=lambda record: record.id,
    )
    return MovePage(data=[shown_move(record) for record in rows], next_cursor=following)


@read("/registry/moves/{move_id:str}", Permission.REGISTRY_READ, tags=["registry"])
def get_move(desk: Given[Desk], move_id: Id) -> MoveWithVerdicts:
    """Show a move and what was said to it."""
    record, verdicts = desk.registry.read.move(known_id(move_id))
    said = [
        Verdict(
            approver=one.approver, approved=one.approved, reason=one.reason, at=moment(one.at_ns)
        )
        for one in verdicts
    ]
    return MoveWithVerdicts(move=shown_move(record), verdicts=said)


@make(
    "/registry/moves/{move_id:str}/approve",
    Permission.REGISTRY_APPROVE,
    tags=["registry"],
    status_code=200,
)
def approve_move(
    desk: Given[Desk], once: Given[Once], *, move_id: Id, data: JSONBody[Because]
) -> Response[Move]:
    """Approve a move that somebody else asked for; the last approval wanted makes it.

    Where it is the wish to begin a rollout, that begins.
    """
    return _decided(desk, once, move_id, data, approved=True)


@make(
    "/registry/moves/{move_id:str}/reject",
    Permission.REGISTRY_APPROVE,
    tags=["registry"],
    status_code=200,
)
def reject_move(
    desk: Given[Desk], once: Given[Once], *, move_id: Id, data: JSONBody[Because]
) -> Response[Move]:
    """Reject a move that waits."""
    return _decided(desk, once, move_id, data, approved=False)


@read("/registry/uses", Permission.REGISTRY_READ, tags=["registry"])
def list_uses(desk: Given[Desk], kind: Called, name: Called) -> Uses:
    """List the versions that name something, as kind=route and name=chat."""
    found = desk.registry.read.uses(kind, name)
    return Uses(
        data=[
            Use(
                kind=one.name.kind.value,
                name=one.name.name,
                number=one.number,
                digest=one.digest,
                labels=[f"{environment}: {label}" for environment, label in one.labels],
            )
            for one in found
        ]
    )


@read("/registry/environments", Permission.REGISTRY_READ, tags=["registry"])
def list_environments(desk: Given[Desk]) -> Environments:
    """List environments."""
    return _environments(desk)


@make(
    "/registry/truth",
    Permission.REGISTRY_HAND_OVER,
    tags=["registry"],
    status_code=200,
)
def hand_over(
    desk: Given[Desk], once: Given[Once], data: JSONBody[HandOver]
) -> Response[Environments]:
    """Say whether an environment is kept in the database or in a directory."""
    environment = checked_label(desk.environment)

    def work() -> Made:
        desk.registry.hand_over(environment, Truth(data.truth), desk.author)
        return Made(_environments(desk), status=200)

    return once(data, work)


HANDLERS = (
    list_moves,
    get_move,
    approve_move,
    reject_move,
    list_uses,
    list_environments,
    hand_over,
)


def _decided(
    desk: Desk, once: Once, move_id: str, data: Because, *, approved: bool
) -> Response[Move]:
    def work() -> Made:
        act = desk.act(data.reason)
        decided = desk.registry.decide(known_id(move_id), act, approved=approved)
        return Made(shown_move(decided), status=200)

    return once(data, work)


def _environments(desk: Desk) -> Environments:
    return Environments(
        data=[
            Environment(
                name=one.name,
                truth=one.truth.value,
                changed_by=one.changed_by,
                changed_at=moment(one.changed_at_ns),
            )
            for one in desk.registry.read.environments()
        ]
    )
