"""`legato backup`: copy an instance while it runs, put a copy back, and try whether that works."""

from pathlib import Path

import click

from legato.cli.options import data_option, instance_options, json_option, print_json


@click.group()
def backup() -> None:
    """Copy an instance on SQLite while it runs, put a copy back, and try whether that works."""


@backup.command()
@instance_options
@json_option
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--with-master-key",
    is_flag=True,
    help="Put the master key in, too: whoever has the backup can read it then.",
)
def create(
    config_file: Path | None, data: Path, out: Path, *, with_master_key: bool, as_json: bool
) -> None:
    """Write a backup to the file OUT; what is served meanwhile doesn't wait for it."""
    from legato.app.checks.instance import find_instance  # noqa: PLC0415 - keeps `--help` fast
    from legato.app.desks.backups import MASTER_KEY, make_backup  # noqa: PLC0415 - likewise

    instance = find_instance(data, config_file)
    made = make_backup(instance, out, with_master_key=with_master_key)
    if as_json:
        print_json({"file": str(out), **{name: getattr(made, name) for name in ("at", "files")}})
        return
    click.echo(f"{out}: {', '.join(made.files)}, as of {made.at}")
    if MASTER_KEY not in made.files:
        click.echo("The master key isn't in it: keep it apart, without it nothing can be read.")


@backup.command()
@data_option
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Move the databases that are there aside.")
def restore(data: Path, file: Path, *, replace: bool) -> None:
    """Put the backup FILE into the data directory of a stopped instance.

    At its next start what was revoked or erased since the backup is revoked and erased again, by
    tombstones.copies.
    """
    from legato.app.config.data_dir import DataDir  # noqa: PLC0415 - keeps `--help` fast
    from legato.app.desks.backups import restore_backup  # noqa: PLC0415 - likewise

    place = DataDir(data)
    made, aside = restore_backup(file, place, replace=replace)
    for one in aside:
        click.echo(f"moved aside: {one}")
    click.echo(f"{data} is as of {made.at}: {', '.join(made.files)}")
    if not place.master_key.is_file():
        click.echo(
            f"Put the master key into {place.master_key}, unless it is in the environment or with "
            "a key service."
        )


@backup.command()
@instance_options
@json_option
@click.argument(
    "file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option("--database", help="A variable with the address of a database restored elsewhere.")
@click.option(
    "--scratch",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where to restore to for the drill; it is removed again.",
)
def drill(
    config_file: Path | None,
    data: Path,
    file: Path | None,
    *,
    database: str | None,
    scratch: Path | None,
    as_json: bool,
) -> None:
    """Restore the backup FILE, or a new one, into a scratch folder, look through it, record it.

    The ledger's rules and the audit log are verified there; what runs is not touched. Exit status
    1: it isn't whole.
    """
    import msgspec  # noqa: PLC0415 - keeps `--help` fast

    from legato.app.checks.instance import find_instance  # noqa: PLC0415 - likewise
    from legato.app.config.environment import environment  # noqa: PLC0415 - likewise
    from legato.app.desks.drills import drill_backup, drill_database  # noqa: PLC0415 - likewise

    instance = find_instance(data, config_file)
    if database is not None:
        url = environment().get(database, "")
        if not url or file is not None:
            raise click.UsageError(f"--database {database}: set that variable, and name no FILE")
        done = drill_database(instance, url, database)
    else:
        done = drill_backup(instance, file, scratch)
    if as_json:
        print_json({"passed": done.passed, **msgspec.to_builtins(done)})
    else:
        took = f"restored in {done.restored_ms} ms, looked through in {done.looked_ms} ms"
        click.echo(f"{done.backup}: {done.entries} entries, {done.events} audit events, {took}")
        for problem in done.problems:
            click.echo(f"WRONG: {problem}")
        if done.passed:
            click.echo("All of it is whole. The drill is recorded in the audit log.")
    if not done.passed:
        raise click.exceptions.Exit(1)
