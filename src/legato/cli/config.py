"""`legato config`: what is in force, whether a file is right, bringing one up to date."""

from pathlib import Path
from typing import Any

import click
import yaml

from legato.app.checks.compliance_rules import breaches_of
from legato.app.checks.configuration import every_secret, load, no_secret
from legato.app.checks.instance import Instance, config_file_for
from legato.app.config.data_dir import DataDir
from legato.app.config.environment import environment
from legato.app.config.problems import ConfigProblems, render
from legato.app.config.shown_config import shown_values
from legato.app.config.versions import migrate as migrate_document
from legato.app.config.weak_secrets import REMEDY, weak_secrets
from legato.app.config.yaml_file import read_yaml
from legato.cli.options import instance_options, json_option, print_json
from legato.core.config import CONFIG_VERSION
from legato.core.errors import ConfigInvalid

_FILE = click.argument(
    "file", required=False, type=click.Path(dir_okay=False, path_type=Path), metavar="[FILE]"
)


@click.group()
def config() -> None:
    """Show, check or migrate a configuration."""


@config.command()
@_FILE
@instance_options
@json_option
def show(file: Path | None, config_file: Path | None, data: Path, *, as_json: bool) -> None:
    """Show every value in force and where it came from. Secrets are shown by name only."""
    found = config_file_for(DataDir(data), file or config_file)
    loaded = load(found, environment(), secrets=no_secret)
    values = shown_values(loaded)
    if as_json:
        print_json({"hash": loaded.content_hash, "values": values})
        return
    click.echo(f"# {found or 'no file'}, hash {loaded.content_hash}")
    left = [f"{shown.path} = {_written(shown.value)}" for shown in values]
    width = min(max(map(len, left)), 72)
    for text, shown in zip(left, values, strict=True):
        click.echo(f"{text:<{width}}  # {shown.source}")


@config.command()
@_FILE
@instance_options
@json_option
@click.option(
    "--secrets/--no-secrets", "with_secrets", default=True, help="Whether secrets must resolve."
)
def check(
    file: Path | None, config_file: Path | None, data: Path, *, as_json: bool, with_secrets: bool
) -> None:
    """Check a configuration; exit with 2 when it has problems, all of them listed.

    A secret of a key that can be guessed is warned of, what breaks a rule of compliance where
    `compliance.on_breach` is `warn`, and routes that the regions of a tenant leave no deployment.
    """
    found = config_file_for(DataDir(data), file or config_file)
    try:
        loaded = load(found, environment(), secrets=every_secret if with_secrets else no_secret)
    except ConfigProblems as error:
        if not as_json:
            raise
        print_json({"ok": False, "problems": [_problem(one) for one in error.problems]})
        raise click.exceptions.Exit(2) from error
    warnings = [f"{one}. {REMEDY}" for one in weak_secrets(loaded, environment())]
    warnings += [
        f"{render(one.path)}: {one.told}: it breaks {one.rule}. {one.remedy}."
        for one in breaches_of(loaded.config)  # one that is refused is no warning
    ]
    if with_secrets:
        from legato.app.desks.residency import residency_warnings  # noqa: PLC0415 - half a second

        warnings += residency_warnings(Instance(DataDir(data), found, loaded))
    if as_json:
        good = {"ok": True, "hash": loaded.content_hash, "problems": [], "warnings": warnings}
        print_json(good)
        return
    for warning in warnings:
        click.echo(f"warning: {warning}", err=True)
    click.echo(f"{found or 'no file'}: good, hash {loaded.content_hash}")


@config.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def migrate(file: Path) -> None:
    """Rewrite FILE for this version of Legato, keeping the old one beside it.

    Comments are not carried over; they stay in the kept file.
    """
    before: Any = read_yaml(file).plain()
    if not isinstance(before, dict):
        raise ConfigInvalid(f"{file}: not a mapping")
    after = migrate_document(before)
    if after == before:
        click.echo(f"{file} has version {CONFIG_VERSION}, the newest there is: nothing to do.")
        return
    kept = file.with_name(f"{file.name}.v{before['config_version']}")
    kept.write_bytes(file.read_bytes())
    part = file.with_name(f"{file.name}.part")
    part.write_text(yaml.safe_dump(after, sort_keys=False, allow_unicode=True), encoding="utf-8")
    part.replace(file)
    click.echo(f"{file} now has version {CONFIG_VERSION}; the old one is {kept}.")


def _written(value: Any) -> str:
    text: str = yaml.safe_dump(value, default_flow_style=True, width=10_000, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...")


def _problem(problem: Any) -> dict[str, str]:
    return {
        "path": render(problem.path),
        "place": problem.place,
        "message": problem.message,
        "remedy": problem.remedy,
    }
