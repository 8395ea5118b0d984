"""What those of `legato eval` do that start, end or judge a run."""

import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from legato.app.config.yaml_file import read_yaml
from legato.cli.control_client import ControlClient, open_client
from legato.cli.evaluation.evaluation_views import print_grid
from legato.cli.options import print_json
from legato.core.errors import LegatoError
from legato.evaluation.gate import Demands, Verdict, as_junit, judge, passed, read_bounds
from legato.evaluation.grid import Cell, Difference, Grid, Rating

_LOOK_S: Final = 0.3
_LEDGER_S: Final = 10.0
_OPEN: Final = frozenset({"waiting", "running"})
_FAILED: Final = 1
_NOT_JUDGED: Final = 2


class _Gate(msgspec.Struct, frozen=True, kw_only=True):
    """The options of the gate."""

    fail_under: tuple[str, ...]
    regress_max: float | None
    undecided: str
    junit: Path | None

    @property
    def undecided_passes(self) -> bool:
        return self.undecided == "pass"


def run(
    *,
    suite: str,
    against: str,
    name: str,
    environment: str,
    cost_max: str | None,
    detach: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Start a run, wait for it, judge it."""
    try:
        client = open_client(*(options.pop(option) for option in ("url", "key", "data")))
        file = Path(suite)
        written: Any = read_yaml(file).plain() if file.suffix in {".yaml", ".yml"} else suite
        body = {
            "suite": written,
            "name": name or (file.stem if file.suffix in {".yaml", ".yml"} else ""),
            "against": against,
            "environment": environment,
            "cost_max_usd": cost_max,
        }
        _say_estimate(client.post("/evaluations/estimate", body))
        begun = client.post("/evaluations", body)
        click.echo(f"evaluation {begun['id']}", err=True)
        _follow(client, begun, _Gate(**options), detach=detach, as_json=as_json)
    except LegatoError as error:
        click.echo(f"legato: {error.message}", err=True)
        sys.exit(_NOT_JUDGED)


def resume(
    *,
    url: str | None,
    key: str,
    data: Path,
    evaluation_id: str,
    cost_max: str | None,
    detach: bool,
    as_json: bool,
    **gate: Any,
) -> None:
    """Go on with a run; one that goes on by itself after a crash is only waited for."""
    try:
        client = open_client(url, key, data)
        found = client.get(f"/evaluations/{evaluation_id}")
        if found["status"] not in _OPEN:
            body = {"cost_max_usd": cost_max}
            found = client.post(f"/evaluations/{evaluation_id}/resume", body)
        _follow(client, found, _Gate(**gate), detach=detach, as_json=as_json)
    except LegatoError as error:
        click.echo(f"legato: {error.message}", err=True)
        sys.exit(_NOT_JUDGED)


def cancel(*, url: str | None, key: str, data: Path, evaluation_id: str) -> None:
    """Begin no further answer."""
    found = open_client(url, key, data).post(f"/evaluations/{evaluation_id}/cancel")
    click.echo(f"{found['id']}: {found['status']}, {found['done']} of {found['answers']} answers")


def _say_estimate(found: dict[str, Any]) -> None:
    cost = "no price is known" if found["cost_usd"] is None else f"about {found['cost_usd']} USD"
    longest = max(found["output_tokens"])
    basis = f"with {longest} tokens an answer" if longest else "by what a run likely costs"
    click.echo(
        f"{found['answers']} answers, {cost}, reckoned {basis} and without what scorers spend.",
        err=True,
    )
    for one in found["unpriced"] if found["cost_usd"] is not None else ():
        click.echo(f"no price is known for {one}: not in the estimate", err=True)


def _follow(
    client: ControlClient, begun: dict[str, Any], gate: _Gate, *, detach: bool, as_json: bool
) -> None:
    """Wait for a run's end, print its grid, end with the gate's status."""
    if detach:
        click.echo(begun["id"])
        return
    found = _waited(client, begun)
    grid = _settled_grid(client, found["id"])
    demands = Demands(
        fail_under={**_own_bounds(found), **read_bounds(gate.fail_under, tuple(found["scorers"]))},
        regress_max=found["regress_max"] if gate.regress_max is None else gate.regress_max,
    )
    verdicts = judge(_read_grid(grid), demands)
    if as_json:
        print_json({"evaluation": found, "grid": grid, "verdicts": verdicts})
    else:
        print_grid(grid)
        _say_verdicts(verdicts)
    if found["status"] != "done":
        click.echo(f"legato: the run is {found['status']}: {found['told']}", err=True)
        sys.exit(_NOT_JUDGED)
    if gate.junit is not None:
        written = as_junit(
            found["name"] or found["id"], verdicts, undecided_passes=gate.undecided_passes
        )
        gate.junit.write_bytes(written)
    if not passed(verdicts, undecided_passes=gate.undecided_passes):
        sys.exit(_FAILED)


def _waited(client: ControlClient, found: dict[str, Any]) -> dict[str, Any]:
    """Return a run that has ended; who doesn't want to wait is told how to come back."""
    try:
        return _watched(client, found)
    except KeyboardInterrupt:
        click.echo(f"\nthe run goes on: legato eval resume {found['id']}, or cancel", err=True)
        sys.exit(_NOT_JUDGED)


def _watched(client: ControlClient, found: dict[str, Any]) -> dict[str, Any]:
    with click.progressbar(length=found["answers"], label="answers", file=sys.stderr) as bar:
        bar.update(found["done"])
        while found["status"] in _OPEN:
            time.sleep(_LOOK_S)
            before = found["done"]
            found = client.get(f"/evaluations/{found['id']}")
            bar.update(found["done"] - before)
    return found


def _settled_grid(client: ControlClient, evaluation_id: str) -> Any:
    """Return the grid once the ledger has taken in every call, or doesn't in a few seconds."""
    until_s = time.monotonic() + _LEDGER_S
    while True:
        grid = client.get(f"/evaluations/{evaluation_id}/grid")
        behind = Decimal(grid["ledger"]["cost_usd"]) < Decimal(grid["cost_usd"])
        if not behind or time.monotonic() > until_s:
            return grid
        time.sleep(_LOOK_S)


def _own_bounds(found: dict[str, Any]) -> dict[str, float]:
    bounds: dict[str, float] = found["fail_under"]
    return bounds


def _read_grid(plain: dict[str, Any]) -> Grid:
    """Return as much of a grid as the gate looks at."""
    cells = [
        Cell(
            subject=one["subject"],
            answers=one["answers"],
            failed=one["failed"],
            ratings=msgspec.convert(one["ratings"], tuple[Rating, ...]),
            cost=0,
            scoring_cost=0,
            unpriced=one["unpriced"],
            latency_ms_p50=one["latency_ms_p50"],
            latency_ms_p95=one["latency_ms_p95"],
        )
        for one in plain["cells"]
    ]
    differences = msgspec.convert(plain["differences"], tuple[Difference, ...])
    return Grid(cells=tuple(cells), differences=differences)


def _say_verdicts(verdicts: list[Verdict]) -> None:
    for one in verdicts:
        click.echo(f"{one.outcome.value:<10} {one.subject}: {one.demand} ({one.told})")
