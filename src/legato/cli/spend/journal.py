"""`legato journal`: the spend journal on disk."""

from pathlib import Path

import click
import msgspec

from legato.cli.options import instance_options, json_option, print_json


@click.group()
def journal() -> None:
    """Look at the spend journal, and give up what is lost of it."""


@journal.command()
@instance_options
@json_option
def status(config_file: Path | None, data: Path, *, as_json: bool) -> None:
    """Show each writer and how far its records are in the ledger.

    While the database is away, all that lies on disk counts as still to ingest.
    """
    from legato.app.checks.instance import find_instance  # noqa: PLC0415 - keeps `--help` fast
    from legato.app.desks.stored_data import stored_data  # noqa: PLC0415
    from legato.core.errors import StorageUnavailable  # noqa: PLC0415
    from legato.journal.status import journal_status  # noqa: PLC0415

    instance = find_instance(data, config_file)
    try:
        with stored_data(instance) as stored:
            offsets = stored.ledger_offsets()
    except StorageUnavailable as error:
        click.echo(f"{error.message}; all that lies on disk is shown as still to ingest", err=True)
        offsets = {}
    found = journal_status(instance.data.journal, offsets)
    if as_json:
        print_json(msgspec.to_builtins(found))
        return
    from legato.cli.tables import print_table  # noqa: PLC0415

    columns = ("writer", "alive", "segments", "MiB on disk", "records to ingest", "bytes")
    rows = [
        (
            writer.writer,
            "yes" if writer.is_alive else "no",
            str(writer.segments),
            f"{writer.bytes_on_disk / 2**20:.1f}",
            str(writer.lag_frames),
            str(writer.lag_bytes),
        )
        for writer in found.writers
    ]
    print_table(columns, rows, numbers=columns[2:])
    state = "running" if found.is_ingester_running else "not running: start `legato up`"
    click.echo(f"ingester: {state}")
    for name in found.quarantined:
        click.echo(f"in quarantine: {name}")


@journal.command("write-off")
@click.argument("writer")
@instance_options
def write_off(writer: str, config_file: Path | None, data: Path) -> None:
    """Give up WRITER, whose journal is lost with its disk, and free what it had leased.

    Only when its machine doesn't run: else what it goes on to spend is given out twice. Its open
    calls are entered as unknown, at their estimates.
    """
    from legato.app.checks.instance import find_instance  # noqa: PLC0415 - keeps `--help` fast
    from legato.app.desks.stored_data import stored_data  # noqa: PLC0415
    from legato.core.errors import OperatorError  # noqa: PLC0415

    instance = find_instance(data, config_file)
    if (instance.data.journal / writer).exists():
        msg = f"The journal of {writer} isn't lost: it lies here, and `legato up` reads it."
        raise OperatorError(msg)
    with stored_data(instance) as stored:
        stored.write_off(writer)
    click.echo(f"{writer} is written off.")
