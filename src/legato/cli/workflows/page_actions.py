"""What `legato workflow publish`, `pages` and `unpublish` do."""

from collections.abc import Iterator
from typing import Any, Final

import click

from legato.cli.control_client import ControlClient
from legato.cli.options import print_json
from legato.cli.tables import print_table
from legato.cli.workflows.run_actions import client_of
from legato.core.errors import InvalidRequest, NotFound

_PAGE: Final = 200
_COLUMNS: Final = ("PAGE", "AS", "WORKFLOW", "FEATURE", "FOR", "KEY", "SINCE")


def publish(
    *,
    workflow: str,
    kind: str,
    name: str | None,
    feature: str,
    org: str,
    budget: str,
    window: str,
    as_json: bool,
    **more: Any,
) -> None:
    """Publish a workflow."""
    client = client_of(more)
    body = {
        "name": name or workflow.partition("@")[0].lower(),
        "kind": kind,
        "workflow": workflow,
        "feature_id": _feature_id(client, org, feature),
        "budget": {"usd": budget, "window": window},
        "audience": {one: list(more[one]) for one in ("roles", "teams", "accounts")},
        "title": more["title"],
        "about": more["about"],
    }
    if more["models"]:
        body["models"] = list(more["models"])
    made = client.post("/workflow-pages", body)
    if as_json:
        print_json(made)
        return
    click.echo(f"published at /ui/p/{made['name']}, for {_for(made)}; its key is {made['key_id']}")


def show_all(*, as_json: bool, **server: Any) -> None:
    """List published workflows."""
    found = list(_all(client_of(server), "/workflow-pages"))
    if as_json:
        print_json(found)
        return
    rows = [
        (one["name"], one["kind"], one["workflow"], f"{one['team']}/{one['feature']}", _for(one),
         one["key_id"], one["created_at"])
        for one in found
    ]  # fmt: skip
    print_table(_COLUMNS, rows)


def change(*, name: str, everybody: bool, as_json: bool, **more: Any) -> None:
    """Change a page."""
    audience = {one: list(more[one]) for one in ("roles", "teams", "accounts")}
    said = {one: more[one] for one in ("title", "about") if more[one] is not None}
    if any(audience.values()) is everybody and everybody:
        raise InvalidRequest("--everybody: leave it out, or the roles, teams and accounts")
    if everybody or any(audience.values()):
        said["audience"] = audience
    if not said:
        raise InvalidRequest("say what changes: --title, --about, --role, --team, --account")
    client = client_of(more)
    made = client.post(f"/workflow-pages/{_page(client, name)['id']}/change", said)
    if as_json:
        print_json(made)
        return
    click.echo(f"{made['name']} is now {made['title'] or made['name']!r}, for {_for(made)}")


def unpublish(*, name: str, **server: Any) -> None:
    """End a page."""
    client = client_of(server)
    one = _page(client, name)
    client.post(f"/workflow-pages/{one['id']}/revoke")
    click.echo(f"{one['name']} is no page any more, and its key is revoked")


def _page(client: ControlClient, name: str) -> dict[str, Any]:
    for one in _all(client, "/workflow-pages"):
        if name in {one["name"], one["id"]}:
            return one
    raise NotFound(f"there is no page {name}: `legato workflow pages` lists them")


def _feature_id(client: ControlClient, org: str, feature: str) -> str:
    team, _, name = feature.partition("/")
    if not team or not name:
        raise InvalidRequest("--feature: write TEAM/FEATURE", param="feature")
    org_id = _named(client, "/organisations", org)
    team_id = _named(client, f"/organisations/{org_id}/teams", team)
    return _named(client, f"/teams/{team_id}/features", name)


def _named(client: ControlClient, path: str, name: str) -> str:
    for one in _all(client, path):
        if one["name"] == name:
            return str(one["id"])
    raise NotFound(f"--feature: there is no {name} among {path.rpartition('/')[2]}")


def _all(client: ControlClient, path: str) -> Iterator[dict[str, Any]]:
    cursor = None
    while True:
        page = client.get(path, limit=_PAGE, cursor=cursor)
        yield from page["data"]
        cursor = page["next_cursor"]
        if cursor is None:
            return


def _for(one: dict[str, Any]) -> str:
    named = [name for kind in ("roles", "teams", "accounts") for name in one["audience"][kind]]
    return ", ".join(named) or "whoever may use pages there"
