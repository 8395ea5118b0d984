"""`legato version`."""

import platform

import click

from legato import __version__


@click.command()
def version() -> None:
    """Print the version of Legato and of Python."""
    click.echo(f"legato {__version__} (Python {platform.python_version()})")
