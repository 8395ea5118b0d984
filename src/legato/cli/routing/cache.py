"""`legato cache`: the semantic cache's entries, and what its bounds have seen."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from legato.cli.options import instance_options, json_option
from legato.cli.spans import moment, span

Command = TypeVar("Command", bound=Callable[..., Any])
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_ORG = click.option("--org", default="default", show_default=True, help="Whose.")


def _selection(command: Command) -> Command:
    """Add the options that say which entries are meant."""
    for option in (
        click.option("--older-than", type=span, help="Asked longer ago than this span (24h)."),
        click.option("--entry", help="This entry alone."),
        click.option("--route", help="Answers of this route."),
        click.option("--prompt", help="Answers of this prompt, or of NAME@DIGEST alone."),
        click.option("--document", help="From this document, in any version, or ID@VERSION."),
        click.option("--tag", "tags", multiple=True, help="With this tag; several: any of them."),
    ):
        command = option(command)
    return command


@click.group()
def cache() -> None:
    """Look at what is answered to questions of the same meaning, and take it back."""


@cache.command("list")
@instance_options
@json_option
@_ORG
@_selection
@click.option("-n", "--count", type=click.IntRange(1, 10_000), default=50, show_default=True)
def list_entries(**options: Any) -> None:
    """List entries, oldest first, with how often each was served and what that saved."""
    from legato.cli.routing import cache_actions  # noqa: PLC0415 - keeps `--help` fast

    cache_actions.list_entries(**options)


@cache.command()
@instance_options
@json_option
@_ORG
@click.argument("entry", metavar="ENTRY")
def show(**options: Any) -> None:
    """Print one entry with its question and its answer."""
    from legato.cli.routing import cache_actions  # noqa: PLC0415 - keeps `--help` fast

    cache_actions.show(**options)


@cache.command()
@instance_options
@_ORG
@_selection
@click.option("--all", "everything", is_flag=True, help="All entries of the organisation.")
def purge(**options: Any) -> None:
    """Have all workers forget entries, within a second."""
    from legato.cli.routing import cache_actions  # noqa: PLC0415 - keeps `--help` fast

    cache_actions.purge(**options)


def _recorded(command: Command) -> Command:
    """Add the options that say which captured requests are meant."""
    for option in (
        click.option("--until", type=moment, help="Captured before this time, or a span ago."),
        click.option("--since", type=moment, help="Captured from this time or span ago (24h)."),
        click.option("--route", help="Requests of this route."),
    ):
        command = option(command)
    return command


@cache.command("what-if")
@instance_options
@json_option
@_ORG
@_recorded
@click.option("--bound", type=click.FloatRange(0, 0.2, min_open=True), required=True)
@click.option("--bound-per-hit", "per_hit", type=click.FloatRange(0, 0.5, min_open=True))
@click.option("--confidence", type=click.FloatRange(0.5, 0.999), default=0.95, show_default=True)
@click.option(
    "--check-share",
    "check_rate",
    type=click.FloatRange(0, 0.05, min_open=True),
    default=0.05,
    show_default=True,
)
@click.option("--embedder", help="wordllama or minilm. [default: the configured one]")
def what_if(**options: Any) -> None:
    """Tell what another bound would have done with captured requests."""
    from legato.cli.routing import cache_traffic_actions  # noqa: PLC0415 - keeps `--help` fast

    cache_traffic_actions.what_if(**options)


@cache.command()
@instance_options
@_ORG
@_recorded
@click.argument("file", type=_FILE, required=False)
@click.option("--from-captures", is_flag=True, help="Keep what captured requests were answered.")
@click.option("--key", help="Of a file: for whom its answers are, a key by name or id.")
def warm(**options: Any) -> None:
    """Keep questions with their answers, of FILE or of captured requests, as entries.

    FILE has a JSON object a line: `answer`, and a `question` or the whole `request`.
    """
    from legato.cli.routing import cache_traffic_actions  # noqa: PLC0415 - keeps `--help` fast

    cache_traffic_actions.warm(**options)


@cache.command()
@instance_options
@_ORG
@click.argument("request_id", metavar="REQUEST_ID")
def wrong(config_file: Path | None, data: Path, *, org: str, request_id: str) -> None:
    """Call the hit that a request got wrong: its entry goes, and its bound learns."""
    from legato.cli.routing import cache_actions  # noqa: PLC0415 - keeps `--help` fast

    cache_actions.wrong(config_file, data, org=org, request_id=request_id)


@cache.command()
@instance_options
@json_option
@_ORG
def stats(**options: Any) -> None:
    """Print, by route and team, requests looked up, hits, checks, and those found wrong."""
    from legato.cli.routing import cache_actions  # noqa: PLC0415 - keeps `--help` fast

    cache_actions.stats(**options)
