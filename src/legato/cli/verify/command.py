"""`legato verify`."""

from pathlib import Path

import click

from legato.cli.options import instance_options, json_option


@click.group()
def verify() -> None:
    """Call a provider for real and see whether it works."""


@verify.command("provider")
@instance_options
@click.argument("name")
@click.option(
    "--deployment", help="Ask this one.  [default: the provider's first one for each kind of work]"
)
@click.option(
    "--max-tokens",
    type=click.IntRange(16, 100_000),
    help="The longest answer to a call.  [default: 256, or 2048 of a model that reasons]",
)
@click.option(
    "--timeout-s",
    type=click.FloatRange(1, 600),
    default=60.0,
    show_default=True,
    help="The longest a call may take.",
)
@click.option("--yes", is_flag=True, help="Agree to the cost; needed where nobody can be asked.")
@json_option
def verify_provider(
    config_file: Path | None,
    data: Path,
    name: str,
    *,
    deployment: str | None,
    max_tokens: int | None,
    timeout_s: float,
    yes: bool,
    as_json: bool,
) -> None:
    """Make small real calls to a provider of the configuration; exit with 1 when a check fails.

    Says first what it will do and the most that can cost, and asks. The calls go through the
    gateway's own adapters with the provider's own key, but not through the gateway: they are in
    no ledger. What was seen is written to DATA/evidence.
    """
    from legato.cli.verify import actions  # noqa: PLC0415 - keeps `--help` fast

    wish = actions.Wish(name, deployment, max_tokens, timeout_s)
    prepared = actions.prepare(data, config_file, wish)
    actions.announce(prepared)
    if not yes:
        actions.ask_for_consent()
    if not actions.carry_out(prepared, as_json=as_json):
        raise click.exceptions.Exit(1)
