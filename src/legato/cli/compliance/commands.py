"""`legato compliance`: which controls are met, what shows it, and reports for those who ask."""

from pathlib import Path
from typing import Any

import click

from legato.cli.options import instance_options, json_option
from legato.cli.spans import moment
from legato.core.compliance import Framework

_FRAMEWORK = click.Choice([one.value for one in Framework])


@click.group()
def compliance() -> None:
    """Hold this instance against GDPR, HIPAA and SOC 2 by live checks."""


@compliance.command()
@instance_options
@json_option
@click.option("--framework", type=_FRAMEWORK, help="Only its controls.")
@click.option("--failing", is_flag=True, help="Only what fails or warns.")
def status(config_file: Path | None, data: Path, **options: Any) -> None:
    """Show how each control stands, by the newest results of its checks."""
    from legato.cli.compliance import actions  # noqa: PLC0415 - keeps `--help` fast

    actions.status((data, config_file), **options)


@compliance.command()
@instance_options
@json_option
def checks(config_file: Path | None, data: Path, *, as_json: bool) -> None:
    """List the checks: what each looks at, what it came to last, and when."""
    from legato.cli.compliance import actions  # noqa: PLC0415

    actions.checks((data, config_file), as_json=as_json)


@compliance.command()
@instance_options
@json_option
@click.option("--check", "names", multiple=True, metavar="ID", help="Only this one; repeatable.")
@click.option("--heavy", is_flag=True, help="Also those that read the whole ledger and audit log.")
def look(
    config_file: Path | None, data: Path, *, as_json: bool, names: tuple[str, ...], heavy: bool
) -> None:
    """Look now, and keep what is found. A running server looks by itself."""
    from legato.cli.compliance import actions  # noqa: PLC0415

    actions.look((data, config_file), names, as_json=as_json, heavy=heavy)


@compliance.command()
@instance_options
@json_option
@click.option("--check", default="", metavar="ID", help="Only this one.")
@click.option("--from", "since", type=moment, help="From this time.  [default: 90d]")
@click.option("--to", "until", type=moment, help="Until this time.  [default: now]")
def history(config_file: Path | None, data: Path, **options: Any) -> None:
    """Show what checks came to, and from when to when."""
    from legato.cli.compliance import actions  # noqa: PLC0415

    actions.history((data, config_file), **options)


@compliance.command()
@instance_options
@click.option("--framework", type=_FRAMEWORK, required=True)
@click.option(
    "--format", "form", type=click.Choice(["json", "pdf"]), default="json", show_default=True
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The file to write.",
)
@click.option("--from", "since", type=moment, help="Its beginning.  [default: 90 days before]")
@click.option("--to", "until", type=moment, help="Its end.  [default: now]")
def report(config_file: Path | None, data: Path, **options: Any) -> None:
    """Write a report. Its SHA-256 goes into the audit log."""
    from legato.cli.compliance import actions  # noqa: PLC0415

    actions.report((data, config_file), **options)
