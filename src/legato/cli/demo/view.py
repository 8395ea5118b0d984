"""How the demo looks."""

import shlex
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Self

import click
from rich import box
from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from legato.cli.demo.checks import Check
from legato.cli.demo.console import SignIn
from legato.cli.demo.figures import Figures, Spread, TeamFigures
from legato.cli.demo.premium import Premium
from legato.cli.demo.settings import (
    EVERYDAY,
    MACHINE_HOUR_USD,
    PARTNER,
    PARTNER_PER_MTOK_USD,
    PREMIUM_PER_MTOK_USD,
    SLOTS,
)
from legato.core.money import NanoUSD, exact_usd
from legato.economics.waterfall import BAR_TITLES

_PIPED_WIDTH: Final = 120
_PER_CENT: Final = 100
_MS_PER_S: Final = 1000


def open_console() -> Console:
    """Return a console that a pipe does not squeeze."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_PIPED_WIDTH)


def show_title(console: Console, title: str) -> None:
    """Begin."""
    console.print()
    console.print(Panel.fit(title, border_style="cyan", padding=(0, 2)))


def show_step(console: Console, text: str, *, done: bool = True) -> None:
    """Tell one thing that has been done, or not as it should have been."""
    console.print(f"{_mark(holds=done)} {text}")


class Sample:
    """One answer, shown while it comes."""

    def __init__(self, console: Console, question: str, title: str) -> None:
        self._text = Text(f"{question}\n\n", style="dim")
        self._panel = Panel(self._text, title=title, title_align="left", border_style="cyan")
        self._console = console
        self._live = Live(self._panel, console=console, refresh_per_second=12, transient=True)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._live.stop()
        self._console.print(self._panel)

    def add(self, piece: str) -> None:
        """Show what came."""
        self._text.append(piece, style="not dim bold")


def show_figures(console: Console, figures: Figures, premium: Premium) -> None:
    """Show the tables."""
    for table in (_team_table(figures), _deployment_table(figures), _waterfall_table(figures)):
        console.print()
        console.print(table)
    console.print()
    console.print(_small_print(premium))


def show_checks(console: Console, checks: Iterable[Check], failures: Iterable[str]) -> None:
    """Show what holds and what does not."""
    console.print()
    for check in checks:
        show_step(console, check.says, done=check.holds)
    for failure in failures:
        console.print(_mark(holds=False), escape(failure), soft_wrap=True)


def _mark(*, holds: bool) -> str:
    return "[green]✓[/]" if holds else "[bold red]✗[/]"


def show_what_to_try(url: str, secret: str, data: Path, sign_in: SignIn | None) -> None:
    """Print lines to copy: plainly, so that no frame or wrap gets into them."""
    if sign_in is not None:
        click.echo(
            f"\nThe console, where calls go on coming: {url}/ui/\n\n"
            f"  e-mail    {sign_in.email}\n"
            f"  password  {sign_in.password}   (until the next demo)"
        )
    legato, folder = _own_command(), shlex.quote(str(data))
    message = '{"role": "user", "content": "Suggest a name for a bakery."}'
    body = f'{{"model": "{EVERYDAY}", "max_tokens": 40, "messages": [{message}]}}'
    click.echo(
        f"\nLegato keeps serving at {url}. Try it:\n\n"
        f"  curl {url}/v1/chat/completions -H 'content-type: application/json' \\\n"
        f"    -H 'authorization: Bearer {secret}' \\\n"
        f"    -d '{body}'\n\n"
        "Then see what it cost, and watch:\n\n"
        f"  {legato} ledger sum --by team,feature --data {folder}\n"
        f"  {legato} stats --data {folder}\n\n"
        "Ctrl-C ends it."
    )


def _own_command() -> str:
    """Return how this very command is called, for lines to copy."""
    program = sys.argv[0]
    if Path(program).name != "legato":
        return "python -m legato"
    return "legato" if shutil.which("legato") == program else shlex.quote(program)


def _team_table(figures: Figures) -> Table:
    """Every digit of the money, and still no wider than 80 columns."""
    table = _table("What it cost, by team", padding=0)
    table.add_column("team", no_wrap=True)
    for name in (
        "calls", "cache\nhits", "fall-\nbacks", "spend $", "baseline $", "saved $", "%", "p50 s",
        "p95 s",
    ):  # fmt: skip
        table.add_column(name, justify="right", no_wrap=True, vertical="bottom")
    for one in figures.teams:
        table.add_row(*_team_row(one))
    table.add_section()
    table.add_row(*_team_row(figures.total), style="bold")
    return table


def _team_row(one: TeamFigures) -> list[str]:
    spend = one.spend
    share = spend.saved / spend.baseline_cost if spend.baseline_cost else 0.0
    return [
        one.team,
        str(one.requests),
        str(one.cache_hits),
        str(one.fallbacks),
        _dollars(spend.cost),
        _dollars(spend.baseline_cost),
        _dollars(spend.saved),
        f"{share * _PER_CENT:.0f}",
        _seconds(one.latency.p50_ms),
        _seconds(one.latency.p95_ms),
    ]


def _deployment_table(figures: Figures) -> Table:
    table = _table("Who answered")
    table.add_column("deployment", no_wrap=True)
    for name in ("answers", "failed", "spend $", "p50", "p95"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in figures.deployments:
        table.add_row(
            one.deployment,
            str(one.answers),
            str(one.failed_attempts),
            _dollars(one.cost),
            *_latency(one.latency),
        )
    hits = str(figures.total.cache_hits)
    table.add_row("exact cache", hits, "0", _dollars(0), *_latency(figures.cache_latency))
    return table


def _waterfall_table(figures: Figures) -> Table:
    table = _table("Where the difference comes from")
    table.add_column("step", no_wrap=True)
    table.add_column("$", justify="right")
    *steps, (_, spend) = figures.bars
    for name, amount in steps:
        if amount:
            told = ": every call at the premium tier" if name == "baseline" else ""
            table.add_row(f"{BAR_TITLES[name]}{told}", _dollars(amount))
    table.add_section()
    table.add_row("Spend", _dollars(spend), style="bold")
    return table


def _table(title: str, *, padding: int = 1) -> Table:
    return Table(
        box=box.SIMPLE_HEAD, title=f"{title}\n", title_justify="left", title_style="bold cyan",
        pad_edge=False, padding=(0, padding), show_edge=False,
    )  # fmt: skip


def _small_print(premium: Premium) -> Text:
    premium_price = (
        f"${PREMIUM_PER_MTOK_USD[0]} in and ${PREMIUM_PER_MTOK_USD[1]} out per million tokens for "
        f"{premium.deployment}"
        if premium.simulated
        else f"the price book's for {premium.deployment}"
    )
    return Text(
        f"DEMO PRICES: ${MACHINE_HOUR_USD} per machine hour over {SLOTS} slots for the local "
        f"model, ${PARTNER_PER_MTOK_USD[0]} and ${PARTNER_PER_MTOK_USD[1]} for {PARTNER}, "
        f"{premium_price}. Whatever is called simulated makes its answers up. The baseline is "
        "modelled: the premium model would have written other tokens.",
        style="dim",
    )


def _dollars(nano: int) -> str:
    return exact_usd(NanoUSD(nano))


def _latency(latency: Spread) -> tuple[str, str]:
    return _milliseconds(latency.p50_ms), _milliseconds(latency.p95_ms)


def _milliseconds(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value / _MS_PER_S:.2f} s" if value >= _MS_PER_S else f"{value:.1f} ms"


def _seconds(value_ms: float | None) -> str:
    return "-" if value_ms is None else f"{value_ms / _MS_PER_S:.2f}"
