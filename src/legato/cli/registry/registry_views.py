"""What those of `legato registry` do that only look."""

from typing import Any

import click
import msgspec

from legato.cli.options import print_json
from legato.cli.registry_desk import Desk, opened, read_name, read_version
from legato.cli.registry_lines import moved, print_moves, told
from legato.cli.spans import time_text
from legato.cli.tables import print_table
from legato.core.errors import InvalidRequest
from legato.core.registry import SHOWN_DIGITS, Kind, MoveState, ObjectName, selector, shown
from legato.registry.content import as_yaml
from legato.storage.registry.records import Use


def list_objects(*, as_json: bool, **options: Any) -> None:
    """Print objects with their labels."""
    with opened(**options) as desk:
        objects = [one for each in desk.both for one in each.read.objects()]
        pointing: dict[ObjectName, dict[str, int]] = {}
        for at in (one for each in desk.both for one in each.read.labels(desk.environment)):
            pointing.setdefault(at.name, {})[at.label] = at.number
    rows = [
        {
            "name": str(one.name),
            "owner": one.details.owner,
            "escalation": one.details.escalation,
            "versions": one.newest,
            "labels": pointing.get(one.name, {}),
        }
        for one in objects
    ]
    if as_json:
        print_json(rows)
        return
    columns = ("name", "owner", "versions", "labels")
    print_table(
        columns,
        [
            (
                str(row["name"]),
                str(row["owner"]),
                str(row["versions"]),
                ", ".join(f"{label}: {number}" for label, number in row["labels"].items()),  # type: ignore[attr-defined]
            )
            for row in rows
        ],
        numbers=("versions",),
    )


def show(*, version: str, as_json: bool, **options: Any) -> None:
    """Print a version whole."""
    with opened(**options) as desk:
        record = desk.version(version)
        registry = desk.of(record.name.kind)
        details = registry.read.object(record.name).details
        content = registry.content(record)
    shown_fields = {**told(record), **msgspec.structs.asdict(details)}
    if as_json:
        print_json({**shown_fields, "spec": content})
        return
    for name, value in shown_fields.items():
        click.echo(f"{name:<12} {value}")
    click.echo(f"\n{as_yaml(content)}", nl=False)


def log(*, name: str, as_json: bool, **options: Any) -> None:
    """Print an object's versions and moves."""
    wanted = read_name(name)
    with opened(**options) as desk:
        reader = desk.of(wanted.kind).read
        reader.object(wanted)
        versions = reader.versions(wanted)
        made = reader.moves(name=wanted)
    if as_json:
        print_json(
            {"versions": [told(one) for one in versions], "moves": [moved(one) for one in made]}
        )
        return
    print_table(
        ("number", "digest", "made", "author", "reason"),
        [
            (
                str(one.number),
                one.digest[:SHOWN_DIGITS],
                time_text(one.created_at_ns),
                one.author,
                one.reason,
            )
            for one in versions
        ],
    )
    print_moves(made)


def compare(*, before: str, after: str, **options: Any) -> None:
    """Print the difference of two versions."""
    name, _ = read_version(before)
    with opened(**options) as desk:
        registry = desk.of(name.kind)
        second = registry.read.version(name, selector(after), desk.environment)
        lines = registry.differences(desk.version(before), second)
    click.echo("\n".join(lines) if lines else "The two say the same.")


def moves(*, pending: bool, count: int, as_json: bool, **options: Any) -> None:
    """Print moves, newest first."""
    state = MoveState.PENDING if pending else None
    with opened(**options) as desk:
        every = [
            one
            for each in desk.both
            for one in each.read.moves(count, environment=desk.environment, state=state)
        ]
        found = sorted(every, key=lambda one: one.id, reverse=True)[:count]
    if as_json:
        print_json([moved(one) for one in found])
    else:
        print_moves(found)


def uses_of(desk: Desk, kind: str, name: str) -> list[Use]:
    """Return the versions that name something, and those that name these: down to the prompts."""
    found: dict[tuple[ObjectName, str], Use] = {}
    waiting = [(kind, name)]
    if kind == Kind.DEPLOYMENT:  # prompts name one as they name a route
        waiting.append((Kind.ROUTE.value, name))
    asked = set(waiting)
    while waiting:
        named = waiting.pop(0)
        for use in (one for each in desk.both for one in each.read.uses(*named)):
            found.setdefault((use.name, use.digest), use)
            called = (use.name.kind.value, use.name.name)
            if called not in asked:
                asked.add(called)
                waiting.append(called)
    return list(found.values())


def where_used(*, name: str, as_json: bool, **options: Any) -> None:
    """Print the versions that name something."""
    kind, colon, called = name.partition(":")
    if not colon or not called:
        raise InvalidRequest(f"{name!r}: write KIND:NAME, as route:chat", param="name")
    with opened(**options) as desk:
        uses = uses_of(desk, kind, called)
    rows = [
        {
            "version": shown(one.name, one.digest),
            "number": one.number,
            "labels": [f"{environment}: {label}" for environment, label in one.labels],
        }
        for one in uses
    ]
    if as_json:
        print_json(rows)
        return
    print_table(
        ("version", "number", "labels"),
        [(str(r["version"]), str(r["number"]), ", ".join(r["labels"])) for r in rows],  # type: ignore[arg-type]
        numbers=("number",),
    )
