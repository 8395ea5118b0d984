"""What `legato ledger` does."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click
import msgspec
from msgspec.structs import asdict

from legato.app.checks.instance import find_instance
from legato.app.desks.stored_data import StoredData, stored_data
from legato.cli.options import print_json
from legato.cli.spans import Moment, time_text
from legato.cli.spend.ledger_export import exported
from legato.cli.tables import print_table
from legato.core.clock import SystemClock
from legato.core.guard_facts import plain_facts
from legato.core.money import NanoUSD, display_places, display_usd, exact_usd
from legato.storage.ledger.entries import EntryFilter, Row
from legato.storage.ledger.sums import SpendSum
from legato.storage.rollups.rolling import BY_NAME

_FOLLOW_S: Final = 0.5
_FOLLOW_ROWS_MAX: Final = 10_000
_TAIL_COLUMNS: Final = (
    "time", "team", "feature", "asked for", "deployment", "kind", "status", "tokens in", "out",
    "cost $", "baseline $", "ms",
)  # fmt: skip
_TAIL_NUMBERS: Final = ("tokens in", "out", "cost $", "baseline $", "ms")
_INPUT: Final = (
    "in_uncached", "cache_read", "cache_write_5m", "cache_write_1h", "audio_in", "image_in",
)  # fmt: skip
_OUTPUT: Final = ("out_text", "reasoning", "audio_out", "image_out")
_SUM_NUMBERS: Final = (
    "requests", "attempts", "tokens in", "out", "cost $", "baseline $", "saved $", "unpriced",
)  # fmt: skip


@contextmanager
def opened(data: Path, config_file: Path | None) -> Iterator[StoredData]:
    """Open the instance's ledger. Raises OperatorError when there is none."""
    with stored_data(find_instance(data, config_file)) as stored:
        yield stored


def entry_filter(
    *,
    since: Moment | None,
    until: Moment | None,
    team: str | None,
    feature: str | None,
    deployment: str | None,
) -> EntryFilter:
    """Turn the options into a filter; spans count back from now."""
    now_ns = SystemClock().now_ns()
    return EntryFilter(
        since_ns=since.before(now_ns) if since else None,
        until_ns=until.before(now_ns) if until else None,
        team=team,
        feature=feature,
        deployment=deployment,
    )


def record_export(stored: StoredData, wanted: EntryFilter, form: str) -> None:
    """Record in the audit log what leaves it. Raises StorageUnavailable: then nothing may."""
    narrowed = {k: v for k, v in msgspec.structs.asdict(wanted).items() if v is not None}
    stored.reads("", "ledger.export", form=form, **narrowed)


def tail(
    stored: StoredData, wanted: EntryFilter, count: int, *, as_json: bool, follow: bool
) -> None:
    """Print the newest entries, and with `follow` each new one until interrupted."""
    entries = stored.entries()
    rows = entries.tail(count, wanted)
    if as_json:
        _print_lines(rows)
    else:
        print_table(_TAIL_COLUMNS, _tail_rows(rows), numbers=_TAIL_NUMBERS)
    last_id = rows[-1]["id"] if rows else 0
    while follow:
        time.sleep(_FOLLOW_S)
        rows = [row for row in entries.tail(_FOLLOW_ROWS_MAX, wanted) if row["id"] > last_id]
        if as_json:
            _print_lines(rows)
        else:
            for shown in _tail_rows(rows):
                click.echo("  ".join(shown))
        last_id = rows[-1]["id"] if rows else last_id


def sum_entries(stored: StoredData, wanted: EntryFilter, by: str, *, as_json: bool) -> None:
    """Print one row for each combination, and the total."""
    names = [] if by == "total" else [name.strip() for name in by.split(",") if name.strip()]
    sums = stored.sums()
    groups = sums.sum_by(names, wanted) if names else []
    total = sums.total(wanted)
    if as_json:
        rows = [dict(zip(names, one.group, strict=True)) | _measures(one) for one in groups]
        print_json({"by": names, "groups": rows, "total": _measures(total)})
        return
    label = ["total", *[""] * (len(names) - 1)]
    labelled = [*((one.group, one) for one in groups), (label, total)]
    places = display_places(
        NanoUSD(nano) for _, one in labelled for nano in (one.cost, one.baseline_cost, one.saved)
    )
    lines = [[*group, *_sum_row(one, places)] for group, one in labelled]
    print_table([*(names or [""]), *_SUM_NUMBERS], lines, numbers=_SUM_NUMBERS)
    if total.provisional:
        click.echo(f"{total.provisional} attempts are estimates: their outcome was lost.")


def verify(stored: StoredData, *, as_json: bool) -> bool:
    """Print the report; return whether every rule holds."""
    report = stored.verify()
    backlog = stored.backlog()
    if as_json:
        print_json({"ok": report.ok, **msgspec.to_builtins(report), "backlog": backlog})
        return report.ok
    cost, baseline = exact_usd(NanoUSD(report.cost)), exact_usd(NanoUSD(report.baseline_cost))
    click.echo(f"{report.entries} entries, cost ${cost}, baseline ${baseline}")
    for problem in report.problems:
        click.echo(f"WRONG: {problem.what} ({problem.where})")
    if report.ok:
        click.echo("Every rule holds.")
    if backlog.open_attempts:
        click.echo(f"{backlog.open_attempts} attempts are still open.")
    if backlog.alarms:
        click.echo(f"{backlog.alarms} journal records could not be read: see `legato journal`.")
    return report.ok


def rebuild_rollups(stored: StoredData) -> None:
    """Empty the sums by hour and day, and take all entries in again."""
    roller = stored.roller()
    stored.reads("", "ledger.rebuild_rollups")
    for name in BY_NAME:
        roller.empty(name)
        roller.catch_up(name, lambda moved: click.echo(f"{moved} entries", err=True))
    click.echo("The sums by hour and day are made anew.")


def _print_lines(rows: list[Row]) -> None:
    for row in rows:
        click.echo(msgspec.json.encode(exported(row)))


def _tail_rows(rows: list[Row]) -> list[list[str]]:
    places = display_places(row[name] for row in rows for name in ("cost", "baseline_cost"))
    return [_tail_row(row, places) for row in rows]


def _tail_row(row: Row, places: int) -> list[str]:
    return [
        time_text(row["at_ns"]),
        row["team"],
        row["feature"],
        row["model_requested"],
        row["deployment"],
        row["kind"] + (" (estimate)" if row["provisional"] else ""),
        row["status"],
        str(sum(row[name] for name in _INPUT)),
        str(sum(row[name] for name in _OUTPUT)),
        _dollars(row["cost"], places),
        _dollars(row["baseline_cost"], places),
        f"{row['total_us'] / 1000:.1f}",
    ]


def _dollars(nano: int | None, places: int) -> str:
    return "unknown" if nano is None else display_usd(NanoUSD(nano), places)


def _sum_row(one: SpendSum, places: int) -> list[str]:
    return [
        str(one.requests),
        str(one.attempts),
        str(sum(one.tokens[name] for name in _INPUT)),
        str(sum(one.tokens[name] for name in _OUTPUT)),
        _dollars(one.cost, places),
        _dollars(one.baseline_cost, places),
        _dollars(one.saved, places),
        str(one.unpriced),
    ]


def _measures(one: SpendSum) -> dict[str, Any]:
    values: dict[str, Any] = msgspec.to_builtins(one)
    values.pop("group")
    for name in ("cost", "baseline_cost", "saved"):
        nano = values.pop(name)
        values[f"{name}_nano_usd"] = nano
        values[f"{name}_usd"] = exact_usd(nano)
    values["steps_nano_usd"] = values.pop("steps")
    return values


def trace(stored: StoredData, request_id: str, *, as_json: bool) -> bool:
    """Print the trace of a request; False where none is kept."""
    row = stored.entries().trace(request_id)
    if row is None:
        click.echo(f"No trace of {request_id} is kept.", err=True)
        return False
    if as_json:
        decision, guarded = row["decision"], row["guarded"]
        facts = {
            "decision": None if decision is None else asdict(decision),
            "guarded": None if guarded is None else plain_facts(guarded),
        }
        print_json({**row, **facts})
        return True
    apart = {"stages", "usage", "decision", "guarded"}
    plain = {name: value for name, value in row.items() if name not in apart}
    shown = {**plain, "at_ns": time_text(row["at_ns"])}
    print_table(("field", "value"), ((name, str(value)) for name, value in shown.items()))
    stages = [(name, str(took_us)) for name, took_us in row["stages"]]
    print_table(("stage", "µs"), stages, numbers=("µs",))
    return True
