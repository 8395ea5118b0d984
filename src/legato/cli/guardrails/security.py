"""`legato security`: does this configuration hold what security asks of it?"""

from pathlib import Path

import click

from legato.cli.options import config_option, data_option, json_option, print_json


@click.group()
def security() -> None:
    """Try adversarial requests on your own configuration."""


@security.command()
@data_option
@config_option
@json_option
@click.option("--team", help="Try as a key of this team.")
@click.option("--feature", help="Try as a key of this feature.")
@click.option("--key", "name", help="Try as a key of this name.")
@click.option("--route", help="Ask this route or deployment.")
@click.option(
    "--value",
    "values",
    multiple=True,
    metavar="TEXT",
    help="A made-up text that a pattern of your policies redacts or blocks. Repeatable.",
)
def check(
    data: Path,
    config_file: Path | None,
    *,
    as_json: bool,
    route: str | None,
    values: tuple[str, ...],
    **who: str | None,
) -> None:
    """Run adversarial cases against your configuration; exit with 1 if one failed.

    The configuration is started in a folder of its own, with an empty database, keys of this run
    and a server of this command in the place of every provider: no vendor is called, nothing is
    spent, and nothing of the running instance is touched. Policies that are live in its registry
    are read and tried, too; its keys aren't there. Without other options it asks as somebody the
    first policy that redacts or blocks is attached to.
    """
    from legato.app.checks.instance import config_file_for  # noqa: PLC0415
    from legato.app.config.data_dir import DataDir  # noqa: PLC0415 - keeps `--help` fast
    from legato.cli.security_check import run, view  # noqa: PLC0415
    from legato.cli.security_check.verdicts import Verdict  # noqa: PLC0415

    fields = {field: text for field, text in who.items() if text is not None}
    wanted = run.Wanted(fields, route, values)
    report = run.check(data, config_file_for(DataDir(data), config_file), wanted, view.said)
    if as_json:
        print_json(report)
    else:
        view.show(report)
    if any(one.verdict is Verdict.FAILED for one in report.cases):
        raise click.exceptions.Exit(1)
