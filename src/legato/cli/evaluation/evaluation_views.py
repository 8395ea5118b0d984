"""What those of `legato eval` do that only look."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
import msgspec

from legato.cli.control_client import ControlClient, open_client
from legato.cli.options import print_json
from legato.cli.tables import print_table

_PAGE = 200


def list_evaluations(*, url: str | None, key: str, data: Path, count: int, as_json: bool) -> None:
    """Print evaluations, newest first."""
    found = open_client(url, key, data).get("/evaluations", limit=count)["data"]
    if as_json:
        print_json(found)
        return
    columns = ("id", "name", "status", "dataset", "subjects", "answers", "failed", "usd", "created")
    rows = [
        (
            one["id"],
            one["name"],
            one["status"],
            one["dataset"],
            str(len(one["subjects"])),
            f"{one['done']}/{one['answers']}",
            str(one["failed"]),
            one["cost_usd"],
            one["created_at"],
        )
        for one in found
    ]
    print_table(columns, rows, numbers=("subjects", "answers", "failed", "usd"))


def show(
    *,
    url: str | None,
    key: str,
    data: Path,
    evaluation_id: str,
    answers: bool,
    amiss: bool,
    as_json: bool,
) -> None:
    """Print an evaluation with its grid, or its answers."""
    client = open_client(url, key, data)
    if answers or amiss:
        _print_answers(client, evaluation_id, amiss=amiss)
        return
    found = client.get(f"/evaluations/{evaluation_id}")
    grid = client.get(f"/evaluations/{evaluation_id}/grid")
    if as_json:
        print_json({"evaluation": found, "grid": grid})
        return
    told = f": {found['told']}" if found["told"] else ""
    click.echo(
        f"{found['name']} {found['id']}: {found['status']}{told}; "
        f"{found['done']} of {found['answers']} answers over {found['dataset']}"
    )
    print_grid(grid)


def compare(
    *, url: str | None, key: str, data: Path, evaluation_id: str, baseline: int, as_json: bool
) -> None:
    """Print every subject's difference to one of them."""
    client = open_client(url, key, data)
    grid = client.get(f"/evaluations/{evaluation_id}/grid", against=baseline)
    if as_json:
        print_json(grid["differences"])
    else:
        _print_differences(grid)


def print_grid(grid: Mapping[str, Any]) -> None:
    """Print subjects with their scores, differences below, and what it all cost."""
    scorers = [one["scorer"] for one in grid["cells"][0]["ratings"]]
    looked = any(cell["accepted"] is not None for cell in grid["cells"])
    each = ("usd each", "usd accepted") if looked else ("usd each",)
    numbers = ("answers", "failed", *each, "p50 ms", "p95 ms")
    columns = ("subject", *scorers, *numbers)
    rows = [_cell(cell, accepted=looked) for cell in grid["cells"]]
    print_table(columns, rows, numbers=numbers)
    if grid["differences"]:
        _print_differences(grid)
    ledger = grid["ledger"]
    click.echo(
        f"Cost {grid['cost_usd']} USD; the ledger has {ledger['cost_usd']} USD in "
        f"{ledger['requests']} requests of this run. Intervals are of 95 %."
    )


def _cell(cell: Mapping[str, Any], *, accepted: bool) -> list[str]:
    return [
        cell["subject"],
        *[_rating(one) for one in cell["ratings"]],
        str(cell["answers"]),
        str(cell["failed"]),
        cell["cost_per_answer_usd"] or "?",
        *([cell["cost_per_accepted_usd"] or "none"] if accepted else []),
        _milliseconds(cell["latency_ms_p50"]),
        _milliseconds(cell["latency_ms_p95"]),
    ]


def _rating(one: Mapping[str, Any]) -> str:
    unscored = f", {one['unscored']} unscored" if one["unscored"] else ""
    if one["mean"] is None:
        return f"none{unscored}"
    return f"{one['mean']:.3f} [{one['low']:.3f}, {one['high']:.3f}]{unscored}"


def _milliseconds(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}"


def _print_differences(grid: Mapping[str, Any]) -> None:
    rows = [
        (
            one["subject"],
            one["baseline"],
            one["scorer"],
            f"{one['difference']:+.3f} [{one['low']:+.3f}, {one['high']:+.3f}]",
            str(one["cases"]),
        )
        for one in grid["differences"]
    ]
    columns = ("subject", "less", "scorer", "difference", "cases")
    print_table(columns, rows, numbers=("cases",))


def _print_answers(client: ControlClient, evaluation_id: str, *, amiss: bool) -> None:
    cursor: str | None = None
    while True:
        page = client.get(
            f"/evaluations/{evaluation_id}/answers",
            limit=_PAGE,
            cursor=cursor,
            amiss="true" if amiss else None,
        )
        for one in page["data"]:
            click.echo(msgspec.json.encode(one))
        cursor = page["next_cursor"]
        if cursor is None:
            return
