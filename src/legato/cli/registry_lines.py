"""How versions and moves are printed."""

from collections.abc import Sequence
from typing import Any

import click
import msgspec

from legato.cli.spans import time_text
from legato.cli.tables import print_table
from legato.core.registry import SHOWN_DIGITS, MoveState, ObjectName
from legato.storage.registry.records import MoveRecord, VersionRecord


def move_line(name: ObjectName, label: str, from_digest: str, to_digest: str) -> str:
    """Return a move on one line."""
    sign = "-" if not to_digest else "~" if from_digest else "+"
    came, goes = from_digest[:SHOWN_DIGITS] or "nothing", to_digest[:SHOWN_DIGITS] or "nothing"
    return f"{sign} {name}@{label}: {came} -> {goes}"


def say_moves(made: Sequence[MoveRecord]) -> None:
    """Print what moves did, or what they wait for."""
    for one in made:
        line = move_line(one.name, one.label, one.from_digest, one.to_digest)
        if one.rollout_digest:
            line += f"  by rollout {one.id}"
        if one.state is MoveState.PENDING:
            line += f"  waits for {one.approvals_wanted} to approve: {one.id}"
        elif one.state is not MoveState.APPLIED:
            line += f"  {one.state.value}"
        click.echo(line)


def print_moves(found: Sequence[MoveRecord]) -> None:
    """Print moves as a table."""
    print_table(
        ("id", "label", "from", "to", "state", "author", "asked", "reason"),
        [
            (
                one.id,
                f"{one.name}@{one.label} ({one.environment})",
                one.from_digest[:SHOWN_DIGITS],
                one.to_digest[:SHOWN_DIGITS],
                one.state.value,
                one.author,
                time_text(one.asked_at_ns),
                one.reason,
            )
            for one in found
        ],
    )


def told(record: VersionRecord) -> dict[str, Any]:
    """Return what is shown of a version."""
    return {
        "name": str(record.name),
        "number": record.number,
        "digest": record.digest,
        "author": record.author,
        "reason": record.reason,
        "made": time_text(record.created_at_ns),
    }


def moved(record: MoveRecord) -> dict[str, Any]:
    """Return what is shown of a move."""
    plain = msgspec.structs.asdict(record)
    return {**plain, "name": str(record.name), "state": record.state.value}
