"""`legato tools`: what workflows and agents may have done."""

from pathlib import Path

import click

from legato.cli.options import instance_options, json_option


@click.group()
def tools() -> None:
    """Look at tools of the configuration, and try them."""


@tools.command("list")
@instance_options
@json_option
@click.option("--org", default="default", show_default=True, help="Whose tools.")
def list_tools(config_file: Path | None, data: Path, *, as_json: bool, org: str) -> None:
    """List the tools, asking servers and documents for theirs."""
    from legato.cli.workflows import tool_actions as actions  # noqa: PLC0415 - fast --help

    actions.list_tools((data, config_file), org, as_json=as_json)


@tools.command()
@instance_options
@click.option("--org", default="default", show_default=True, help="Whose tool.")
@click.argument("tool")
def show(config_file: Path | None, data: Path, tool: str, *, org: str) -> None:
    """Show a tool with its schemas, as JSON."""
    from legato.cli.workflows import tool_actions as actions  # noqa: PLC0415 - as above

    actions.show((data, config_file), tool, org)


@tools.command()
@instance_options
@click.option("--org", default="default", show_default=True, help="For whom.")
@click.option("--arguments", default="{}", metavar="JSON", help="What it is called with.")
@click.option("--key", default="", help="The idempotency key.  [default: a new one]")
@click.argument("tool")
def call(
    config_file: Path | None, data: Path, tool: str, *, org: str, arguments: str, key: str
) -> None:
    """Call a tool now, from here, and print its answer as JSON."""
    from legato.cli.workflows import tool_actions as actions  # noqa: PLC0415 - as above

    actions.call((data, config_file), tool, arguments, (org, key))
