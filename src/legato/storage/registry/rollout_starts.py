"""Rollouts that begin only when others approve.

The wish to begin one is kept as a move of its label that waits, under the rollout's id, and is
approved or rejected like any. What is approved is the promotion of these candidates by this plan,
known by a digest: a rollout that isn't that any more neither begins nor is promoted.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, insert, select, update

from legato.core.errors import Conflict
from legato.core.registry import SHOWN_DIGITS, MoveState
from legato.core.tenant import Tenant
from legato.routing.rollouts.course import Phase, begun
from legato.routing.rollouts.division import Division
from legato.routing.rollouts.plan import Plan
from legato.storage.registry.records import MoveRecord, Verdict
from legato.storage.registry.rollout_events import Event, note
from legato.storage.tables.registry import registry_move
from legato.storage.tables.rollouts import rollout

_encode: Final = msgspec.json.Encoder().encode
_PLACE: Final = ("environment", "kind", "name", "label")


def ask(connection: Connection, row: Mapping[str, Any]) -> None:
    """Keep the wish to begin a rollout, given as its row, as a move that waits."""
    plan, division = _read(row)
    digests = ", ".join(arm.version[:SHOWN_DIGITS] for arm in division.candidates)
    told = f"{plan.mode} of {digests}"
    move = {
        **{name: row[name] for name in ("org", "id", *_PLACE, "author")},
        "from_digest": row["champion"],
        "to_digest": row["candidate"],
        "reason": f"{told}: {row['reason']}" if row["reason"] else told,
        "state": MoveState.PENDING.value,
        "approvals_wanted": row["approvals"],
        "asked_at_ns": row["started_at_ns"],
        "ended_at_ns": None,
        "rollout_digest": _agreed(row),
    }
    connection.execute(insert(registry_move), move)


def decided(
    connection: Connection, tenant: Tenant, said: tuple[MoveRecord, Verdict], state: MoveState
) -> MoveState:
    """Follow a verdict on a rollout's start; return what becomes of the move.

    `state` is what would become of it if it moved the label.

    Raises:
        Conflict: the rollout isn't the one that was asked for.
    """
    move, verdict = said
    action = "approve" if verdict.approved else "reject"
    event = Event(verdict.at_ns, verdict.approver, action, verdict.reason)
    note(connection, tenant, move.id, event)
    if state is MoveState.PENDING:
        return state
    if state is MoveState.APPLIED:
        _begin(connection, tenant, move, verdict)
        return MoveState.APPROVED
    told = f"{state.value} by {verdict.approver}" if state is MoveState.REJECTED else state.value
    values = {
        "waits": False,
        "phase": Phase.ABORTED.value,
        "told": f"{told}: {verdict.reason}" if verdict.reason else told,
        "ended_at_ns": verdict.at_ns,
        "version": rollout.c.version + 1,
    }
    connection.execute(update(rollout).where(*_is(tenant, move.id)).values(values))
    return state


def withdraw(connection: Connection, tenant: Tenant, rollout_id: str, now_ns: int) -> None:
    """End the wish to begin a rollout that is aborted before it began."""
    table = registry_move.c
    waiting = (table.org == tenant.org, table.id == rollout_id, table.state == MoveState.PENDING)
    values = {"state": MoveState.OVERTAKEN.value, "ended_at_ns": now_ns}
    connection.execute(update(registry_move).where(*waiting), values)


def require_agreed(connection: Connection, tenant: Tenant, rollout_id: str) -> None:
    """Refuse a rollout that isn't what others approved. Raises Conflict."""
    table = registry_move.c
    wanted = select(table.rollout_digest).where(
        table.org == tenant.org,
        table.id == rollout_id,
        table.state.in_((MoveState.PENDING.value, MoveState.APPROVED.value)),
    )
    if connection.execute(wanted).scalar() != _agreed(_row(connection, tenant, rollout_id)):
        raise Conflict(
            "this rollout's plan or candidates aren't those that others were asked to approve: "
            "abort it, and start another",
            param="id",
        )


def _begin(connection: Connection, tenant: Tenant, move: MoveRecord, verdict: Verdict) -> None:
    require_agreed(connection, tenant, move.id)
    row = _row(connection, tenant, move.id)
    plan, division = _read(row)
    state = begun(verdict.at_ns)
    values = {
        "waits": False,
        "phase": state.phase.value,
        "told": "",
        "step": state.step,
        "since_ns": state.since_ns,
        "started_at_ns": verdict.at_ns,
        "begun": _encode([verdict.at_ns]).decode(),
        "division": _encode(Division.begun(plan, division.candidates)).decode(),
        "version": row["version"] + 1,
    }
    connection.execute(update(rollout).where(*_is(tenant, move.id)), values)
    told = f"approved by {move.approvals_wanted}"
    note(connection, tenant, move.id, Event(verdict.at_ns, verdict.approver, "start", told))


def _agreed(row: Mapping[str, Any]) -> str:
    """Return the digest of what is approved of a rollout, given as its row."""
    _, division = _read(row)
    agreed = {
        **{name: row[name] for name in (*_PLACE, "champion", "plan")},
        "candidates": division.candidates,
    }
    return sha256(msgspec.json.encode(agreed, order="sorted")).hexdigest()


def _read(row: Mapping[str, Any]) -> tuple[Plan, Division]:
    plan = msgspec.json.decode(row["plan"], type=Plan)
    return plan, msgspec.json.decode(row["division"], type=Division)


def _row(connection: Connection, tenant: Tenant, rollout_id: str) -> Mapping[str, Any]:
    wanted = select(rollout).where(*_is(tenant, rollout_id))
    found = connection.execute(wanted).one()
    return {column.name: value for column, value in zip(rollout.columns, found, strict=True)}


def _is(tenant: Tenant, rollout_id: str) -> tuple[Any, ...]:
    return (rollout.c.org == tenant.org, rollout.c.id == rollout_id)
