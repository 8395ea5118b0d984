"""What `legato triggers` does."""

import sys
from typing import Any, Final
from urllib.parse import quote

import click
import msgspec

from legato.cli.options import print_json
from legato.cli.tables import print_table
from legato.cli.workflows.run_actions import client_of, json_of
from legato.core.errors import InvalidRequest

_NONE: Final = 1
_LISTED: Final = (
    "TRIGGER", "KIND", "STANDS", "STARTED", "DUPLICATES", "PASSED OVER", "DEAD", "HEARD",
)  # fmt: skip
_COUNTED: Final = ("started", "duplicates", "passed_over", "dead")


def list_triggers(*, as_json: bool, **server: Any) -> None:
    """List triggers."""
    found = client_of(server).get("/triggers")["data"]
    if as_json:
        print_json(found)
        return
    rows = [
        (
            f"{one['workflow']}/{one['trigger']}",
            one["kind"],
            _stands(one),
            *(
                str(one["counts"][name])
                for name in ("started", "duplicates", "passed_over", "dead")
            ),
            one["heard_at"] or "",
        )
        for one in found
    ]
    print_table(_LISTED, rows)


def show(*, trigger: str, as_json: bool, **server: Any) -> None:
    """Print how one stands."""
    found = client_of(server).get(_path(trigger))
    if as_json:
        print_json(found)
        return
    lines = {
        "trigger": f"{found['workflow']}/{found['trigger']} ({found['kind'] or 'gone'})",
        "stands": _stands(found),
        "settings": ", ".join(f"{name}: {value}" for name, value in found["settings"].items()),
        "sent to": found["path"],
        "next": ", ".join(found["next_at"]),
        "counts": ", ".join(
            f"{value} {name.replace('_', ' ')}" for name, value in found["counts"].items()
        ),
        "heard": found["heard_at"] or "",
        "late by": "" if found["lag_s"] is None else f"{found['lag_s']:.3f} s",
    }
    for name, text in lines.items():
        if text:
            click.echo(f"{name:<9} {text}")


def pause(*, trigger: str, paused: bool, **server: Any) -> None:
    """Have one rest, or listen again."""
    found = client_of(server).post(f"{_path(trigger)}/{'pause' if paused else 'resume'}")
    click.echo(f"{trigger} {'rests' if found['paused'] else 'listens'}")


def backfill(*, trigger: str, since: str, until: str, **server: Any) -> None:
    """Make up for times."""
    client, path = client_of(server), f"{_path(trigger)}/backfill"
    following: str | None = since
    begun = before = dead = 0
    while following is not None:
        found = client.post(path, {"since": following, "until": until})
        begun, before = begun + found["started"], before + found["duplicate"]
        dead += found["dead"]
        following = found["next_since"]
        if following is not None:
            click.echo(f"{begun} begun, up to {following}", err=True)
    click.echo(f"{begun} begun, {before} had begun before")
    if dead:
        click.echo(f"{dead} became none: `legato triggers dead-letters` says why", err=True)


def try_one(
    *, trigger: str, given: str | None, event_type: str, subject: str, as_json: bool, **server: Any
) -> None:
    """Print what an event would begin."""
    event = {"data": json_of(given, "--event-data"), "type": event_type, "subject": subject}
    found = client_of(server).post(f"{_path(trigger)}/test", event)
    if as_json:
        print_json(found)
    elif found["begins"]:
        click.echo(msgspec.json.format(msgspec.json.encode(found["input"])).decode())
    else:
        click.echo("its condition doesn't hold", err=True)
    if not found["begins"]:
        sys.exit(_NONE)


def dead_letters(
    *, letter_id: str | None, workflow: str, state: str, count: int, as_json: bool, **server: Any
) -> None:
    """List messages, or print one."""
    client = client_of(server)
    if letter_id is not None:
        print_json(client.get(f"/trigger-letters/{quote(letter_id, safe='')}"))
        return
    page = client.get("/trigger-letters", workflow=workflow, letter=state, limit=count)["data"]
    if as_json:
        print_json(page)
        return
    rows = [
        (one["id"], f"{one['workflow']}/{one['trigger']}", one["reason"], one["state"],
         one["run_id"], one["at"])
        for one in page
    ]  # fmt: skip
    print_table(("ID", "TRIGGER", "WHY", "STATE", "RUN", "HEARD"), rows)


def redrive(*, letter_id: str, event: str | None, **server: Any) -> None:
    """Begin a run of a message."""
    body = {} if event is None else {"event": json_of(event, "--event")}
    found = client_of(server).post(f"/trigger-letters/{quote(letter_id, safe='')}/redrive", body)
    click.echo(f"run {found['run_id']}")


def dismiss(*, letter_id: str, **server: Any) -> None:
    """Dismiss a message."""
    found = client_of(server).post(f"/trigger-letters/{quote(letter_id, safe='')}/dismiss")
    click.echo(f"{found['id']} is {found['state']}")


def _path(trigger: str) -> str:
    workflow, _, name = trigger.partition("/")
    if not workflow or not name:
        raise InvalidRequest("name a trigger as WORKFLOW/TRIGGER; `legato triggers list` has them")
    return f"/triggers/{quote(workflow, safe='')}/{quote(name, safe='')}"


def _stands(one: dict[str, Any]) -> str:
    if not one["in_force"]:
        return "not in force"
    if one["paused"]:
        return "rests"
    if one["trouble"]:
        return f"trouble: {one['trouble']}"
    called = one["kind"] in {"webhook", "event"}
    return "listens" if one["listening"] or called else "waits for a process"
