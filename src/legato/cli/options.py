"""Options that several commands take, always with the same names and meaning."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from legato.app.config.data_dir import DEFAULT_DATA_DIR

Command = TypeVar("Command", bound=Callable[..., Any])

data_option = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    default=DEFAULT_DATA_DIR,
    envvar="LEGATO_DATA",
    show_default=True,
    help="The data directory.",
)
config_option = click.option(
    "--config",
    "config_file",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="LEGATO_CONFIG",
    help="The configuration file.  [default: the data directory's last one, or ./legato.yaml]",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def instance_options(command: Command) -> Command:
    """Add `--data` and `--config`."""
    return data_option(config_option(command))


def server_options(command: Command) -> Command:
    """Add which server, and with which key."""
    for option in (
        click.option("--url", help="Where.  [default: the server that runs in the data directory]"),
        click.option("--key", required=True, envvar="LEGATO_KEY", help="[env: LEGATO_KEY]"),
    ):
        command = option(command)
    return data_option(command)


def print_json(value: object) -> None:
    """Print one JSON document on stdout."""
    click.echo(msgspec.json.format(msgspec.json.encode(value, enc_hook=str), indent=2))
