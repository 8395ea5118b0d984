"""`legato replay`: decides recorded requests again, or asks a candidate what was captured."""

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import click

from legato.cli.options import instance_options, json_option
from legato.cli.spans import moment

_CANDIDATE_LIMIT = 100


def dollars(text: str) -> Decimal:
    """Read an amount: the type of an option."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal(0)
    if not (amount.is_finite() and amount > 0):
        raise click.BadParameter(f"{text!r}: write an amount above 0, such as 1.50.")
    return amount


@click.command()
@instance_options
@json_option
@click.option("--from", "since", type=moment, help="From this time (2026-08-06) or span ago (24h).")
@click.option("--to", "until", type=moment, help="Before this time, or a span ago.")
@click.option("--request", "request_id", help="This request alone.")
@click.option("--limit", type=click.IntRange(min=1), help="No more than so many.")
@click.option(
    "--access-now", is_flag=True, help="By the rules of access in force now, not those of then."
)
@click.option("--strict", is_flag=True, help="Fail where a request can't be replayed, too.")
@click.option("--candidate", help="Ask this model, route or prompt:NAME@VERSION for real.")
@click.option("--key", envvar="LEGATO_KEY", help="Whose key asks the candidate.")
@click.option("--url", help="Where Legato answers.  [default: what runs on the data directory]")
@click.option("--org", default="default", show_default=True, help="Whose captures.")
@click.option("--max-usd", type=dollars, help="What the candidate's answers may cost.")
@click.pass_context
def replay(
    ctx: click.Context,
    /,
    config_file: Path | None,
    data: Path,
    *,
    as_json: bool,
    strict: bool,
    **options: Any,
) -> None:
    """Decide recorded requests again, by the versions of then, and compare with the ledger.

    With --candidate, captured chat completions are sent to it instead and what comes is set beside
    what was: cost, latency, answers. Exit status 1: something differs or failed, or nothing could
    be replayed.
    """
    candidate = {name: options.pop(name) for name in ("candidate", "key", "url", "org", "max_usd")}
    if candidate["candidate"] is not None:
        ctx.exit(_ask_candidate(config_file, data, candidate, options, as_json=as_json))
    from legato.cli.routing import replay_actions  # noqa: PLC0415 - keeps `--help` fast

    chosen = replay_actions.Wanted(**options)
    ctx.exit(replay_actions.replay(data, config_file, chosen, as_json=as_json, strict=strict))


def _ask_candidate(
    config_file: Path | None,
    data: Path,
    candidate: dict[str, Any],
    options: dict[str, Any],
    *,
    as_json: bool,
) -> int:
    for name in ("key", "max_usd"):
        if not candidate[name]:
            raise click.UsageError(f"--candidate needs --{name.replace('_', '-')}")
    if options.pop("access_now"):
        raise click.UsageError("--candidate sends its calls by the rules of access anyhow")
    if options.pop("request_id") is not None:
        raise click.UsageError("--candidate takes --from, --to and --limit, not --request")
    from legato.cli.routing import replay_candidate  # noqa: PLC0415

    limit = options.pop("limit") or _CANDIDATE_LIMIT
    asked = replay_candidate.Asked(**candidate, limit=limit, **options)
    return replay_candidate.side_by_side(data, config_file, asked, as_json=as_json)
