"""`legato audit`: what was done, by whom, and the proof that nobody changed the record."""

from pathlib import Path
from typing import Any

import click

from legato.cli.options import instance_options, json_option
from legato.cli.spans import moment

COUNT_MAX = 10_000
_INDEX = click.argument("index", type=click.IntRange(0))
_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.group()
def audit() -> None:
    """Read the audit log, export it, and verify that it is whole."""


@audit.command("list")
@instance_options
@json_option
@click.option("--org", help="Only this organisation's.  [default: all]")
@click.option("--action", help="Only these, as key.create or key.*")
@click.option("--since", type=moment, help="From this time (2026-08-06) or span ago (24h).")
@click.option("--until", type=moment, help="Before this time, or a span ago.")
@click.option("-n", "--count", type=click.IntRange(1, COUNT_MAX), default=20, show_default=True)
def list_events(config_file: Path | None, data: Path, **options: Any) -> None:
    """Show the newest events; with --json one a line, as they were hashed."""
    from legato.cli.governance import audit_actions  # noqa: PLC0415 - keeps `--help` fast

    audit_actions.list_events(data, config_file, **options)


@audit.command()
@instance_options
@_INDEX
def show(config_file: Path | None, data: Path, index: int) -> None:
    """Print one event as JSON."""
    from legato.cli.governance import audit_actions  # noqa: PLC0415

    audit_actions.show(data, config_file, index)


@audit.command()
@instance_options
@click.argument("directory", type=_FOLDER)
@click.option("--org", help="Only this organisation's, each with its proof.  [default: all]")
def export(config_file: Path | None, data: Path, directory: Path, org: str | None) -> None:
    """Write the log to a new folder, which anybody can verify with `legato audit verify`."""
    from legato.cli.governance import audit_actions  # noqa: PLC0415

    audit_actions.export(data, config_file, directory, org)


@audit.command()
@instance_options
@json_option
@click.argument("export", type=click.Path(path_type=Path), required=False)
@click.option(
    "--checkpoint",
    "checkpoints",
    type=click.Path(dir_okay=False, path_type=Path),
    multiple=True,
    help="A checkpoint kept from before, which the log must have grown from; may be repeated.",
)
@click.option(
    "--against",
    help="A copy that the log must have grown from: a name in audit.export, or a folder.",
)
@click.option(
    "--key", help="The key that must have signed it.  [default: the export's, the vault's]"
)
def verify(config_file: Path | None, data: Path, **options: Any) -> None:
    """Say whether the log is whole, and else which event is the first that isn't.

    With an EXPORT (a folder, a file of the control API's, or a copy of audit.export in a folder)
    it looks at that and needs nothing else; without one, at the database.
    Exit status 1 where something was changed, moved, taken out or added.
    """
    from legato.cli.governance import audit_actions  # noqa: PLC0415

    audit_actions.verify(data, config_file, **options)


@audit.command()
@instance_options
@_INDEX
@click.option("--size", type=click.IntRange(1), help="Of the log when it had so many events.")
def prove(config_file: Path | None, data: Path, index: int, size: int | None) -> None:
    """Print an event with the hashes that prove it stands in the log, and a checkpoint."""
    from legato.cli.governance import audit_actions  # noqa: PLC0415

    audit_actions.prove(data, config_file, index, size)


@audit.command()
@instance_options
@click.option("--size", type=click.IntRange(0), help="Of the log when it had so many events.")
def checkpoint(config_file: Path | None, data: Path, size: int | None) -> None:
    """Print a signed checkpoint: keep it off this machine, and verify against it later."""
    from legato.cli.governance import audit_actions  # noqa: PLC0415

    audit_actions.checkpoint(data, config_file, size)


@audit.command()
@instance_options
def key(config_file: Path | None, data: Path) -> None:
    """Print the public key that checkpoints are verified by."""
    from legato.cli.governance import audit_actions  # noqa: PLC0415

    audit_actions.key(data, config_file)
