"""`legato erase`: everything that was kept of a user or a request."""

from pathlib import Path
from typing import Any

import click

from legato.cli.options import instance_options, json_option


@click.command()
@instance_options
@json_option
@click.option("--org", default="default", show_default=True, help="Whose.")
@click.option("--user", help="Everything of this user, named as callers name them.")
@click.option("--pseudonym", help="Everything of this user, as the ledger names them.")
@click.option("--request", "request_id", help="Everything of this request.")
@click.option("--by", help="Who asks for it.  [default: this user]")
@click.option("--dry-run", is_flag=True, help="Only say what would be erased.")
@click.option("--list", "only_list", is_flag=True, help="List what was erased before, and by whom.")
@click.option("-n", "--count", type=click.IntRange(1, 1000), default=20, show_default=True)
def erase(config_file: Path | None, data: Path, **options: Any) -> None:
    """Erase all content of a user, or of one request.

    Captured requests, kept responses, cases of data sets, answers of evaluations, reviews, the
    texts of feedback and of samples of guardrails, redacted values that policies keep, and the
    reasons of live scores. It says what went and what has to stay. Cut off, it is finished by
    asking again.
    """
    from legato.cli.governance import erase_actions  # noqa: PLC0415 - keeps `--help` fast

    only_list, count = options.pop("only_list"), options.pop("count")
    given = sum(options[name] is not None for name in ("user", "pseudonym", "request_id"))
    if only_list and not given:
        erase_actions.list_erasures(
            data, config_file, options["org"], count=count, as_json=options["as_json"]
        )
        return
    if only_list or given != 1:
        raise click.UsageError("give one of --user, --pseudonym, --request and --list")
    erase_actions.erase(data, config_file, **options)
