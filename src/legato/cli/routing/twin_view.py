"""What `legato twin` does and shows."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click
import msgspec

from legato.app.checks.instance import find_instance
from legato.app.desks.twin import opened_twin, started_text
from legato.cli.options import print_json
from legato.cli.tables import print_table
from legato.core.clock import SystemClock
from legato.core.errors import OperatorError
from legato.core.money import NanoUSD, display_places, display_usd, exact_usd
from legato.replay.twin.accounts import Breach
from legato.replay.twin.intervals import Difference
from legato.replay.twin.measures import Groups, Measures
from legato.replay.twin.report import Report, WorldTold

_COLUMNS: Final = (
    "world", "requests", "answered", "refused", "failed", "cost $", "unpriced", "fallback",
    "cache hits", "p50 ms", "p95 ms", "p99 ms",
)  # fmt: skip
_BREACHES_SHOWN: Final = 10
_NANO_PER_USD: Final = 1e9
_MONEY: Final = ("cost_nano_usd", "cost_nano_usd_per_request")
_NS_PER_S: Final = 1_000_000_000


def run(
    scenario: Path, data: Path, config_file: Path | None, *, as_json: bool, out: Path | None
) -> None:
    """Run a scenario and print its report. Raises what the twin raises."""
    with opened_twin(find_instance(data, config_file), SystemClock()) as twin:
        report = twin.run(scenario)
    if out is not None:
        _write(report, out)
    if as_json:
        print_json(report)
    else:
        show(report)


def _write(report: Report, out: Path) -> None:
    try:
        out.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")
    except OSError as error:
        raise OperatorError(f"{out} can't be written: {error.strerror}") from error


def show(report: Report) -> None:
    """Print a report for people."""
    traffic = report.traffic
    click.echo(
        f"{report.scenario}: {traffic.requests} requests of the {traffic.source} over "
        f"{traffic.span_us / 1e6:.0f} s from {started_text(report)}, seed {report.seed}"
    )
    _show_closing(report)
    worlds: dict[str, Groups] = {} if report.recorded is None else {"recorded": report.recorded}
    worlds["as it is"] = report.as_is.groups
    for one in report.candidates:
        worlds[one.name if one.load == 1 else f"{one.name} (load {one.load:g})"] = one.groups
    _show_table({name: groups.total for name, groups in worlds.items()})
    for dimension in ("route", "team", "feature"):
        split = {name: getattr(groups, f"by_{dimension}") for name, groups in worlds.items()}
        values = sorted({value for by in split.values() for value in by})
        if len(values) > 1:
            for value in values:
                click.echo(f"{dimension} {value or '(none)'}")
                _show_table({name: by[value] for name, by in split.items() if value in by})
    for one in report.candidates:
        _show_candidate(one)
    _show_breaches("as it is", report.as_is.breaches)
    click.echo(f"Quality: {report.quality}.")
    for heading in ("measured", "modelled", "assumed"):
        click.echo(f"{heading.capitalize()}:")
        for note in getattr(report, heading):
            click.echo(f"  - {note}")


def _show_closing(report: Report) -> None:
    closing = report.closing
    if closing is None:
        return
    ledger = exact_usd(NanoUSD(closing.ledger))
    if closing.difference:
        read = exact_usd(NanoUSD(closing.read))
        click.echo(
            f"The recorded world does NOT close with the ledger: it has ${read}, "
            f"the ledger ${ledger}."
        )
    else:
        click.echo(f"The recorded world closes with the ledger: ${ledger}.")
    if closing.left_out_requests:
        cost = exact_usd(NanoUSD(closing.left_out_cost))
        click.echo(f"{closing.left_out_requests} requests (${cost}) are in no world:")
        for reason, count in closing.left_out.items():
            click.echo(f"  - {count}: {reason}")


def _show_table(rows: Mapping[str, Measures]) -> None:
    places = display_places(NanoUSD(one.cost) for one in rows.values())
    print_table(
        _COLUMNS,
        [[name, *_row(one, places)] for name, one in rows.items()],
        numbers=_COLUMNS[1:],
    )


def _row(one: Measures, places: int) -> list[str]:
    share = one.fell_back / one.answered if one.answered else 0.0
    times = (one.latency_ms_p50, one.latency_ms_p95, one.latency_ms_p99)
    return [
        str(one.requests),
        str(one.answered),
        str(one.refused),
        str(one.failed),
        display_usd(NanoUSD(one.cost), places),
        str(one.unpriced),
        f"{share:.1%}",
        str(one.cache_hits),
        *("" if time is None else f"{time:.1f}" for time in times),
    ]


def _show_candidate(world: WorldTold) -> None:
    compared = world.differences
    if compared is None:
        return
    click.echo(
        f"{world.name} minus the world as it is, 95 % intervals "
        f"(paired bootstrap over {compared.clusters} groups: {compared.clusters_of})"
    )
    rows = [
        [name.replace("nano_usd", "$"), *_difference(name, one)]
        for name, one in compared.figures.items()
    ]
    print_table(("figure", "difference", "from", "to"), rows, numbers=("difference", "from", "to"))
    _show_breaches(world.name, world.breaches)


def _difference(name: str, one: Difference) -> list[str]:
    def text(value: float | None) -> str:
        if value is None:
            return "too few"
        if name in _MONEY:
            return f"{value / _NANO_PER_USD:+.9f}"
        return f"{value:+.1%}" if name.endswith("_share") else f"{value:+.1f}"

    return [text(one.value), text(one.low), text(one.high)]


def _show_breaches(world: str, breaches: list[Breach]) -> None:
    for one in breaches[:_BREACHES_SHOWN]:
        moment = datetime.fromtimestamp(one.at_ns // _NS_PER_S, UTC)
        limit, settled = exact_usd(NanoUSD(one.limit)), exact_usd(NanoUSD(one.settled))
        click.echo(
            f"{world}: the budget of {one.key} (${limit}) has no room from "
            f"{moment:%Y-%m-%d %H:%M:%S}Z: ${settled} spent, "
            f"${exact_usd(NanoUSD(one.asked))} asked for"
        )
    if len(breaches) > _BREACHES_SHOWN:
        click.echo(f"{world}: {len(breaches) - _BREACHES_SHOWN} more budget windows have no room")
