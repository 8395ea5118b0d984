"""What `legato stats` draws."""

import time
from pathlib import Path
from typing import Any, Final

import click
import msgspec
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from legato.app.checks.instance import lost_server, running_server
from legato.app.config.data_dir import DataDir
from legato.app.desks.statistics import Statistics, statistics
from legato.cli.options import print_json
from legato.cli.spans import time_text
from legato.cli.tables import make_table, print_table
from legato.core.errors import OperatorError
from legato.core.money import NanoUSD, display_places, display_usd, exact_usd
from legato.telemetry.metrics import Counts, load_counts

_COLUMNS: Final = (
    "deployment", "requests", "/s", "failed", "first byte p50 ms", "p99 ms", "tokens in", "out",
    "cost $",
)  # fmt: skip


def print_once(data: Path, interval_s: float, *, as_json: bool) -> None:
    """Measure one interval and print it.

    Raises:
        OperatorError: nothing has run in this data directory.
    """
    place = DataDir(data)
    before, started_s = _read(place), time.monotonic()
    if running_server(place) is not None:
        time.sleep(interval_s)
    shown = statistics(_read(place), before, time.monotonic() - started_s)
    if as_json:
        print_json(_plain(shown))
        return
    click.echo("\n".join(_summary(place, shown)))
    print_table(_COLUMNS, _rows(shown), numbers=_COLUMNS[1:])


def watch(data: Path, interval_s: float) -> None:
    """Redraw until Ctrl-C. Raises OperatorError when nothing has run here."""
    place = DataDir(data)
    before, read_s = _read(place), time.monotonic()
    shown = statistics(before, before, interval_s)
    try:
        with Live(_drawn(place, shown), console=Console(), auto_refresh=False) as live:
            while True:
                time.sleep(interval_s)
                now, now_s = _read(place), time.monotonic()
                shown = statistics(now, before, now_s - read_s)
                before, read_s = now, now_s
                live.update(_drawn(place, shown), refresh=True)
    except KeyboardInterrupt:
        return


def _read(place: DataDir) -> Counts:
    if running_server(place) is None and not any(place.run.glob("metrics-*.bin")):
        if (lost := lost_server(place)) is not None:
            raise OperatorError(
                f"legato (pid {lost.pid}) was killed before it had counted anything: "
                "start `legato up` again"
            )
        raise OperatorError(
            f"nothing has served from {place.root} yet: start `legato up`, "
            "or name the data directory with --data"
        )
    return load_counts(place.run)


def _drawn(place: DataDir, shown: Statistics) -> Group:
    table = make_table(_COLUMNS, _rows(shown), numbers=_COLUMNS[1:])
    return Group(Text("\n".join(_summary(place, shown))), table)


def _summary(place: DataDir, shown: Statistics) -> list[str]:
    server = running_server(place)
    hits = f"{shown.cache_hits} ({_share(shown.cache_hits, shown.requests)})"
    errors = f"{shown.caller_errors} of callers, {shown.server_errors} of ours or a provider's"
    unknown = f", {shown.unpriced} unpriced" if shown.unpriced else ""
    amounts = (shown.cost, shown.baseline, shown.saved)
    places = display_places(amounts)
    spent, baseline, saved = (display_usd(nano, places) for nano in amounts)
    share = _share(shown.saved, shown.baseline)
    total = f"p50 {_ms(shown.latency_ms_p50)} ms, p99 {_ms(shown.latency_ms_p99)} ms"
    ours = f"p50 {_ms(shown.overhead_ms_p50)}, p99 {_ms(shown.overhead_ms_p99)}"
    return [
        f"legato at {server.url}, counted since {time_text(server.started_ns)}"
        if server
        else _stopped(place),
        f"requests   {shown.requests}, {shown.requests_per_s:.1f}/s, {shown.open_requests} open",
        f"cache hits {hits}",
        f"errors     {errors}",
        f"spend      ${spent}{unknown}, baseline ${baseline}, saved ${saved} ({share})",
        f"latency    {total}; of it ours {ours}",
    ]


def _stopped(place: DataDir) -> str:
    lost = lost_server(place)
    if lost is None:
        return "legato is stopped; its last figures:"
    return f"legato (pid {lost.pid}) was killed: `legato up` starts it again; its last figures:"


def _rows(shown: Statistics) -> list[list[str]]:
    places = display_places(one.cost for one in shown.deployments)
    return [
        [
            one.name,
            str(one.requests),
            f"{one.requests_per_s:.1f}",
            str(one.failed_attempts),
            _ms(one.first_byte_ms_p50),
            _ms(one.first_byte_ms_p99),
            str(one.input_tokens),
            str(one.output_tokens),
            display_usd(one.cost, places),
        ]
        for one in shown.deployments
    ]


def _plain(shown: Statistics) -> dict[str, Any]:
    values: dict[str, Any] = msgspec.to_builtins(shown)
    for group in (values, *values["deployments"]):
        group["cost_usd"] = exact_usd(NanoUSD(group.pop("cost")))
    values["baseline_usd"] = exact_usd(NanoUSD(values.pop("baseline")))
    values["saved_usd"] = exact_usd(shown.saved)
    return values


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "-"
