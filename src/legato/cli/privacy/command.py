"""`legato privacy`: erase what is held about somebody, or hand it out."""

from pathlib import Path
from typing import Any

import click

from legato.cli.options import instance_options, json_option

_org_option = click.option("--org", default="default", show_default=True, help="Whose.")
_by_option = click.option("--by", help="Who asks for it.  [default: this user]")
_count_option = click.option(
    "-n", "--count", type=click.IntRange(1, 1000), default=20, show_default=True
)
_NAMES = ("subject", "pseudonym", "request_id")


@click.group()
def privacy() -> None:
    """Erase what is held about somebody, or hand it out."""


@privacy.command()
@instance_options
@json_option
@_org_option
@click.option("--subject", help="Everything of this user, named as callers name them.")
@click.option("--pseudonym", help="Everything of this user, as the ledger names them.")
@click.option("--request", "request_id", help="Everything of this request.")
@_by_option
@click.option("--dry-run", is_flag=True, help="Only say what would be erased.")
@click.option("--list", "only_list", is_flag=True, help="List what was erased before, and by whom.")
@_count_option
def erase(config_file: Path | None, data: Path, **options: Any) -> None:
    """Erase all content of a user, or of one request.

    Captured requests, kept responses, cases of data sets, answers of evaluations, reviews, the
    texts of feedback and of samples of guardrails, redacted values that policies keep, accounts,
    and the reasons of live scores. It says what went and what has to stay. Cut off, it is finished
    by asking again.
    """
    from legato.cli.privacy import erase_actions  # noqa: PLC0415 - keeps `--help` fast

    only_list, count = options.pop("only_list"), options.pop("count")
    if _listing(options, only_list=only_list):
        erase_actions.list_erasures(
            data, config_file, options["org"], count=count, as_json=options["as_json"]
        )
        return
    erase_actions.erase(data, config_file, **options)


@privacy.command()
@instance_options
@json_option
@_org_option
@click.option("--subject", help="All about this user, named as callers name them.")
@click.option("--pseudonym", help="All about this user, as the ledger names them.")
@click.option("--request", "request_id", help="All about this request.")
@click.option(
    "-o", "--out", type=click.Path(dir_okay=False, path_type=Path), help="The archive to write."
)
@click.option("--reason", help="Why it is asked for. It is kept, sealed.")
@_by_option
@click.option("--list", "only_list", is_flag=True, help="List what was exported, and by whom.")
@_count_option
def export(config_file: Path | None, data: Path, **options: Any) -> None:
    """Write all that is held about a user, or about one request, into an archive.

    JSON by kind, opened, with a page to read: what was asked and answered, what it cost, where it
    was sent, what was said of it. Who asked, and why, is recorded before anything is read.
    """
    from legato.cli.privacy import export_actions  # noqa: PLC0415 - keeps `--help` fast

    only_list, count = options.pop("only_list"), options.pop("count")
    if _listing(options, only_list=only_list):
        export_actions.list_exports(
            data, config_file, options["org"], count=count, as_json=options["as_json"]
        )
        return
    if options["out"] is None or not (options["reason"] or "").strip():
        raise click.UsageError("give --out FILE and --reason: why the export is asked for")
    export_actions.export(data, config_file, **options)


@privacy.command()
@instance_options
@json_option
@_org_option
@click.option("--team", default="", help="Of one team alone.  [default: all of the organisation]")
@click.option("--region", "regions", multiple=True, help="Where calls may go; repeat it for more.")
@click.option("--anywhere", is_flag=True, help="Let them go anywhere again.")
@_by_option
def residency(config_file: Path | None, data: Path, **options: Any) -> None:
    """Say which regions an organisation's calls may be sent to, or a team's; or show it.

    It holds for every key of theirs, in every attempt: routes, fallbacks, hedges, cascades,
    shadows, judges, embeddings, batches and evaluations.
    """
    from legato.cli.privacy import residency_actions  # noqa: PLC0415 - keeps `--help` fast

    if options["regions"] and options["anywhere"]:
        raise click.UsageError("give --region, or --anywhere")
    residency_actions.residency(data, config_file, **options)


@privacy.command()
@instance_options
@json_option
@click.option("--org", help="Of one organisation, by its own terms.  [default: all]")
@click.option("--due", "only_due", is_flag=True, help="Only tables with rows that are due.")
@click.option("--set", "wanted", metavar="KIND=DAYS", help="Keep a kind for no longer than this.")
@click.option("--unset", "unwanted", metavar="KIND", help="Keep it as the configuration says.")
@click.option("--terms", "only_terms", is_flag=True, help="List what was set, and by whom.")
@_by_option
def retention(config_file: Path | None, data: Path, **options: Any) -> None:
    """Show for every table how long its rows are kept, its oldest row, and what is due.

    With --set a kind is kept for less than the configuration says, of an organisation or of all;
    what is due goes within two minutes.
    """
    from legato.cli.privacy import retention_actions  # noqa: PLC0415 - keeps `--help` fast

    terms = {name: options.pop(name) for name in ("wanted", "unwanted", "only_terms")}
    by = options.pop("by")
    if sum(map(bool, (*terms.values(), options["only_due"]))) > 1:
        raise click.UsageError("give one of --set, --unset, --terms and --due")
    if any(terms.values()):
        del options["only_due"]
        terms.pop("only_terms")
        retention_actions.change(data, config_file, by=by, **terms, **options)
        return
    retention_actions.show(data, config_file, **options)


@privacy.command()
@instance_options
@json_option
def tombstones(config_file: Path | None, data: Path, *, as_json: bool) -> None:
    """Show what was revoked or erased, and how its copies elsewhere stand (tombstones.copies)."""
    from legato.cli.privacy import tombstone_actions  # noqa: PLC0415 - keeps `--help` fast

    tombstone_actions.show(data, config_file, as_json=as_json)


def _listing(options: dict[str, Any], *, only_list: bool) -> bool:
    """Return whether only a list is asked for; otherwise exactly one is named."""
    given = sum(options[name] is not None for name in _NAMES)
    if only_list and not given:
        return True
    if only_list or given != 1:
        raise click.UsageError("give one of --subject, --pseudonym, --request and --list")
    return False
