"""What those of `legato workflow` do that change something."""

import sys
import time
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from legato.app.config.yaml_file import read_yaml
from legato.cli.control_client import ControlClient, open_client
from legato.cli.options import print_json
from legato.core.errors import InvalidRequest

_LOOK_S: Final = 0.2
_OVER: Final = frozenset({"done", "failed", "cancelled"})
_FILES: Final = frozenset({".yaml", ".yml", ".json"})
_FAILED: Final = 1
_PAGE: Final = 500


def run(
    *,
    what: str,
    given: str | None,
    user: str,
    key_id: str | None,
    test: bool,
    detach: bool,
    as_json: bool,
    **server: Any,
) -> None:
    """Start a run and wait for its end."""
    client = client_of(server)
    file = Path(what)
    body: dict[str, Any] = {"input": json_of(given, "--input"), "user": user, "test": test}
    if file.suffix in _FILES:
        body["definition"], body["workflow"] = read_yaml(file).plain(), file.stem
    else:
        body["workflow"] = what
    if key_id is not None:
        body["key_id"] = key_id
    begun = client.post("/workflow-runs", body)
    _follow(client, begun, detach=detach, as_json=as_json)


def signal(*, run_id: str, topic: str, message: str | None, message_id: str, **server: Any) -> None:
    """Tell a run something."""
    body = {"topic": topic, "message": json_of(message, "--message"), "id": message_id}
    told = client_of(server).post(f"/workflow-runs/{run_id}/signals", body)
    click.echo(f"told {told['id']} ({told['status']})")


def cancel(*, run_id: str, **server: Any) -> None:
    """End a run."""
    ended = client_of(server).post(f"/workflow-runs/{run_id}/cancel")
    click.echo(f"{ended['id']} is {ended['status']}")


def resume(*, run_id: str | None, all_paused: bool, **server: Any) -> None:
    """Let runs go on."""
    client = client_of(server)
    if all_paused == (run_id is not None):
        raise InvalidRequest("name a run, or say --all-paused")
    if run_id is not None:
        going = client.post(f"/workflow-runs/{run_id}/resume")
        click.echo(f"{going['id']} is {going['status']}")
        return
    count = 0
    while page := client.get("/workflow-runs", status="paused", limit=_PAGE)["data"]:
        for one in page:
            client.post(f"/workflow-runs/{one['id']}/resume")
            count += 1
    click.echo(f"{count} go on")


def replay(
    *, run_id: str, from_node: str, given: str | None, detach: bool, as_json: bool, **server: Any
) -> None:
    """Begin a run again."""
    client = client_of(server)
    body: dict[str, Any] = {"from_node": from_node}
    if given is not None:
        body["input"] = json_of(given, "--input")
    begun = client.post(f"/workflow-runs/{run_id}/replay", body)
    _follow(client, begun, detach=detach, as_json=as_json)


def redrive(
    *,
    run_ids: tuple[str, ...],
    every: bool,
    workflow: str | None,
    given: str | None,
    **server: Any,
) -> None:
    """Begin dead letters again."""
    body: dict[str, Any] = _meant(run_ids, every=every, workflow=workflow)
    if given is not None:
        body["input"] = json_of(given, "--input")
    settled = client_of(server).post("/workflow-dead-letters/redrive", body)["settled"]
    click.echo(f"{settled} begun again")


def dismiss(*, run_ids: tuple[str, ...], every: bool, workflow: str | None, **server: Any) -> None:
    """Dismiss dead letters."""
    body = _meant(run_ids, every=every, workflow=workflow)
    settled = client_of(server).post("/workflow-dead-letters/dismiss", body)["settled"]
    click.echo(f"{settled} dismissed")


def client_of(server: dict[str, Any]) -> ControlClient:
    """Return the client that the options mean."""
    return open_client(server["url"], server["key"], server["data"])


def json_of(text: str | None, option: str) -> Any:
    """Read JSON that was written, or stands in @FILE, or comes on stdin (-).

    Raises:
        InvalidRequest: it is none.
    """
    if text is None:
        return None
    written = text
    if text == "-":
        written = sys.stdin.read()
    elif text.startswith("@"):
        try:
            written = Path(text[1:]).read_text()
        except OSError as error:
            raise InvalidRequest(f"{option}: {text[1:]}: {error.strerror}") from None
    try:
        return msgspec.json.decode(written)
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"{option}: write JSON (a text in quotes): {error}") from None


def _meant(run_ids: tuple[str, ...], *, every: bool, workflow: str | None) -> dict[str, Any]:
    if every == bool(run_ids):
        raise InvalidRequest("name dead letters, or say --all")
    if workflow is not None and not every:
        raise InvalidRequest("--workflow goes with --all")
    return {"all": True, "workflow": workflow} if every else {"ids": list(run_ids)}


def _follow(client: ControlClient, begun: dict[str, Any], *, detach: bool, as_json: bool) -> None:
    click.echo(f"run {begun['id']}", err=True)
    found = begun
    while not detach and found["status"] not in _OVER:
        time.sleep(_LOOK_S)
        found = client.get(f"/workflow-runs/{begun['id']}")["run"]
    if as_json:
        print_json(found)
    elif found["status"] == "done":
        click.echo(msgspec.json.format(msgspec.json.encode(found["output"])).decode())
    elif not detach:
        said = f" in {found['failed_node']}" if found["failed_node"] else ""
        click.echo(f"{found['status']}{said}: {found['told']}: {found['message']}", err=True)
    if not detach and found["status"] != "done":
        sys.exit(_FAILED)
