"""`legato doctor`: what this machine lacks and how to get it."""

from pathlib import Path

import click

from legato.cli.options import instance_options, json_option, print_json


@click.command()
@instance_options
@json_option
def doctor(config_file: Path | None, data: Path, *, as_json: bool) -> None:
    """Say what this machine lacks and how to get it; exit with 1 when something failed."""
    from legato.app.checks.instance import find_instance  # noqa: PLC0415 - keeps `--help` fast
    from legato.app.desks.check import State  # noqa: PLC0415
    from legato.app.desks.machine_checks import run_checks  # noqa: PLC0415

    checks = []
    for check in run_checks(find_instance(data, config_file)):
        checks.append(check)
        if not as_json:
            mark = {State.GOOD: "ok", State.WARNING: "warn", State.FAILED: "FAIL"}[check.state]
            click.echo(f"{mark:<5} {check.name:<16} {check.found}")
            if check.state is not State.GOOD:
                click.echo(f"{'':<22} {check.remedy}")
    if as_json:
        print_json(checks)
    if any(check.state is State.FAILED for check in checks):
        raise click.exceptions.Exit(1)
