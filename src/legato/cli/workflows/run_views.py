"""What those of `legato workflow` print."""

import time
from typing import Any, Final

import click
import msgspec

from legato.cli.control_client import ControlClient
from legato.cli.options import print_json
from legato.cli.tables import print_table
from legato.cli.workflows.run_actions import client_of

_LOOK_S: Final = 0.2
_OVER: Final = frozenset({"done", "failed", "cancelled"})
_SHOWN_MAX: Final = 60
_RUN_COLUMNS: Final = ("RUN", "WORKFLOW", "STATUS", "WHY", "STEPS", "BEGAN", "ENDED")


def list_runs(
    *, workflow: str | None, status: str | None, count: int, as_json: bool, **server: Any
) -> None:
    """List runs."""
    page = client_of(server).get("/workflow-runs", workflow=workflow, status=status, limit=count)
    _print_runs(page["data"], as_json=as_json)


def list_letters(*, workflow: str | None, count: int, as_json: bool, **server: Any) -> None:
    """List dead letters."""
    page = client_of(server).get("/workflow-dead-letters", workflow=workflow, limit=count)
    if as_json:
        print_json(page["data"])
        return
    rows = [
        (one["id"], one["workflow"], one["failed_node"], one["told"], _short(one["message"]),
         one["ended_at"] or "")
        for one in page["data"]
    ]  # fmt: skip
    print_table(("RUN", "WORKFLOW", "NODE", "WHY", "MESSAGE", "ENDED"), rows)


def show(*, run_id: str, lineage: bool, follow: bool, as_json: bool, **server: Any) -> None:
    """Print a run."""
    client = client_of(server)
    if follow:
        _follow(client, run_id)
    found = client.get(f"/workflow-runs/{run_id}")
    if as_json:
        print_json(found)
        return
    _print_head(found)
    _print_steps(found["steps"], found["cost"]["by_node"])
    if found["waits"]:
        waits = [
            (one["node"], one["topic"] or one["event"], one["due_at"] or "")
            for one in found["waits"]
        ]
        print_table(("WAITS", "FOR", "UNTIL"), waits)
    if lineage:
        _print_lineage(client, found)


def show_letter(*, run_id: str, as_json: bool, **server: Any) -> None:
    """Print why a run failed, with what it began with and what was tried."""
    found = client_of(server).get(f"/workflow-runs/{run_id}")
    tried = [{"node": step["node"], **one} for step in found["steps"] for one in step["tried"]]
    if as_json:
        print_json({"run": found["run"], "tried": tried})
        return
    _print_head(found)
    click.echo(f"input     {_json(found['run']['input'])}")
    rows = [(one["node"], one["at"], one["code"], _short(one["message"])) for one in tried]
    print_table(("NODE", "TRIED", "CODE", "MESSAGE"), rows)


def _print_runs(runs: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        print_json(runs)
        return
    rows = [
        (one["id"], one["workflow"], one["status"], one["told"], str(one["steps"]),
         one["created_at"], one["ended_at"] or "")
        for one in runs
    ]  # fmt: skip
    print_table(_RUN_COLUMNS, rows, numbers=("STEPS",))


def _print_head(found: dict[str, Any]) -> None:
    run, cost = found["run"], found["cost"]
    click.echo(f"run       {run['id']}  {run['workflow']}  {run['digest'][:12]}")
    why = f"  {run['told']}: {run['message']}" if run["told"] else ""
    click.echo(f"status    {run['status']}{why}")
    click.echo(f"began     {run['created_at']}  by {run['author']} ({run['origin']})")
    if run["ended_at"]:
        click.echo(f"ended     {run['ended_at']}")
    if found["children"]:
        counted = ", ".join(f"{count} {status}" for status, count in found["children"].items())
        click.echo(f"children  {counted}")
    click.echo(f"cost      {cost['total_usd']} USD, {cost['calls']} calls, {cost['tokens']} tokens")
    if cost["accepted_usd"] is not None:
        click.echo(f"accepted  yes: {cost['accepted_usd']} USD for the outcome")
    elif run["accepted"] is False:
        click.echo("accepted  no")
    if run["status"] == "done":
        click.echo(f"output    {_json(run['output'])}")


def _print_steps(steps: list[dict[str, Any]], costs: dict[str, str]) -> None:
    """Print nodes with what each cost, then what the nodes of runs below cost together."""
    rows = []
    for one in steps:
        if one["name"]:
            continue
        error = one["error"]
        came = f"{error['code']}: {error['message']}" if error else _json(one["output"])
        cost = costs.get(one["node"], "")
        tries = str(one["attempts"])
        rows.append((one["node"], one["state"], one["port"], tries, cost, _short(came)))
    heads = ("NODE", "STATE", "PORT", "TRIES", "USD", "CAME TO")
    print_table(heads, rows, numbers=("TRIES", "USD"))
    below = sorted(costs.items() - {(row[0], row[4]) for row in rows})
    if below:
        print_table(("NODE BELOW", "USD"), below, numbers=("USD",))


def _print_lineage(client: ControlClient, found: dict[str, Any]) -> None:
    """Say of each step what made it: requests, models, versions, verdicts, people, runs."""
    run = found["run"]
    click.echo(f"\ninput     {_json(run['input'])}")
    click.echo(f"runs on   {run['version'] or run['workflow'] or 'a definition'} {run['digest']}")
    for step in found["steps"]:
        if step["name"] or step["state"] == "skipped":
            continue
        click.echo(f"{step['node']}  {step['port'] or step['state']}")
        for name, value in sorted(step["lineage"].items()):
            click.echo(f"  {name}: {value if isinstance(value, str) else _json(value)}")
    children = client.get("/workflow-runs", parent=run["id"], limit=500)["data"]
    for child in children:
        click.echo(f"{child['parent_node']}  run {child['id']} ({child['status']})")


def _follow(client: ControlClient, run_id: str) -> None:
    """Print each step as it comes to its end."""
    told: set[str] = set()
    while True:
        found = client.get(f"/workflow-runs/{run_id}")
        for step in found["steps"]:
            if not step["name"] and step["ended_at"] and step["node"] not in told:
                told.add(step["node"])
                click.echo(f"{step['ended_at']}  {step['node']}  {step['port'] or step['state']}")
        if found["run"]["status"] in _OVER:
            return
        time.sleep(_LOOK_S)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN_MAX else text[: _SHOWN_MAX - 1] + "…"
