"""`legato route`: why requests go where they go."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from legato.cli.options import instance_options, json_option
from legato.cli.spans import moment

_ORG = click.option("--org", default="default", show_default=True, help="Whose requests.")
Command = TypeVar("Command", bound=Callable[..., Any])


@click.group()
def route() -> None:
    """Look at how routes decide."""


@route.command()
@click.argument("request_id", required=False)
@click.option("--route", "alias", help="Decide a prompt that nobody sends, by this route.")
@click.option("--prompt", help="Its text, with --route.")
@click.option("--header", "headers", multiple=True, help="NAME: TEXT, with --route; repeatable.")
@_ORG
@instance_options
@json_option
def explain(
    request_id: str | None,
    config_file: Path | None,
    data: Path,
    *,
    as_json: bool,
    alias: str | None,
    prompt: str | None,
    headers: tuple[str, ...],
    org: str,
) -> None:
    """Say why a request went where it went: by its id, or for a prompt with --route and --prompt.

    Exit with 1 where too little of a request is kept.
    """
    if (request_id is None) == (alias is None or prompt is None):
        raise click.UsageError("Give a request's id, or --route and --prompt.")
    from legato.cli.routing import route_actions  # noqa: PLC0415 - keeps `--help` fast

    if request_id is not None:
        route_actions.explain_request(data, config_file, request_id, as_json=as_json)
        return
    named = dict(_header(one) for one in headers)
    route_actions.explain_prompt(
        (data, config_file), (org, alias or "", prompt or ""), headers=named, as_json=as_json
    )


def _training_options(command: Command) -> Command:
    for option in (
        click.argument(
            "table",
            required=False,
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
        ),
        click.option(
            "--from",
            "sources",
            multiple=True,
            type=click.Choice(["evaluations", "scores", "comparisons", "feedback"]),
            help="What is recorded to learn from; repeatable. All of it without a TABLE.",
        ),
        click.option("--since", type=moment, help="Recorded from this time or span ago (30d)."),
        click.option("--until", type=moment, help="Recorded before this time."),
        click.option("--org", default="default", show_default=True, help="Whose records."),
        click.option("--route", "alias", required=True, help="Whose deployments it is about."),
        click.option(
            "--embedder",
            type=click.Choice(["wordllama", "minilm"]),
            default="wordllama",
            show_default=True,
            help="What makes vectors of the texts.",
        ),
        instance_options,
        json_option,
    ):
        command = option(command)
    return command


@route.command()
@_training_options
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file to write.  [default: ROUTE-VERSION.router]",
)
@click.option("--save", "name", help="Keep it in the registry instead, as a version of this name.")
@click.option("--label", default="production", show_default=True, help="That --save points to it.")
@click.option("--environment", help="Of the label.  [default: registry.environment]")
@click.option("--author", help="Who keeps it.  [default: this user]")
@click.option("--reason", default="", help="Why, for the registry's history.")
def train(**options: Any) -> None:
    """Learn from judged answers what each deployment of a route answers well.

    They are an organisation's records: evaluations of the route's deployments, scores of live
    answers, comparisons with the baseline, and feedback; or those of a TABLE; or, with both named,
    all together.

    TABLE is Parquet, CSV or JSON lines with the columns `prompt` and, for each deployment,
    `DEPLOYMENT|correct` (0 to 1) and, if known, `DEPLOYMENT|cost` in USD; an empty cell wasn't
    judged. The file that is written goes into `routes[].quality.router`, or with --save NAME
    `router/NAME`.
    """
    from legato.cli.routing import route_training  # noqa: PLC0415 - keeps `--help` fast

    route_training.train(**options)


@route.command()
@_training_options
def frontier(**options: Any) -> None:
    """Print what quality costs: the operating points a router trained so would have."""
    from legato.cli.routing import route_training  # noqa: PLC0415 - keeps `--help` fast

    route_training.frontier(**options)


@route.command()
@click.argument("alias")
@_ORG
@instance_options
@json_option
def status(alias: str, config_file: Path | None, data: Path, *, org: str, as_json: bool) -> None:
    """Show what is proven of a route's quality: which share may leave its baseline, and why."""
    from legato.cli.routing import route_actions  # noqa: PLC0415 - keeps `--help` fast

    route_actions.status((data, config_file), alias, org, as_json=as_json)


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise click.BadParameter(f"{text!r}: write it as NAME: TEXT.", param_hint="--header")
    return name.strip(), value.strip()
