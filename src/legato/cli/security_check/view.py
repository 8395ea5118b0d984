"""Shows the verdicts to people."""

import sys
from collections import Counter

import click

from legato.cli.security_check.run import Report


def said(line: str) -> None:
    """Say how far it is, where somebody watches."""
    if sys.stderr.isatty():
        click.echo(line, err=True)


def show(report: Report) -> None:
    """Print each case with its verdict, then what was changed and how many ended how."""
    caller = report.caller
    click.echo(
        f"Asked {report.route} as a key {caller.name} of team {caller.team}, "
        f"feature {caller.feature}, organisation {caller.org}."
    )
    for one in report.cases:
        click.echo(f"{one.case:>2}  {one.verdict.value:<15} {one.title}")
        click.echo(f"{'':<20}{one.evidence}")
    click.echo("What differs from your instance:")
    for line in report.changed:
        click.echo(f"  {line}")
    counts = Counter(one.verdict.value for one in report.cases)
    click.echo(", ".join(f"{count} {verdict}" for verdict, count in counts.most_common()))
