"""`legato workflow publish`, `pages` and `unpublish`: workflows as pages for people who sign in."""

from typing import Any

import click

from legato.cli.options import json_option, server_options


@click.command()
@server_options
@json_option
@click.option("--as", "kind", type=click.Choice(["form", "chat"]), required=True)
@click.option("--name", help="The last part of its address.  [default: the workflow's name]")
@click.option(
    "--feature", required=True, metavar="TEAM/FEATURE", help="To which its calls are charged."
)
@click.option("--org", default="default", show_default=True, help="Whose feature.")
@click.option("--budget", required=True, metavar="USD", help="What all its runs may cost.")
@click.option(
    "--window",
    type=click.Choice(["day", "week", "month", "total"]),
    default="month",
    show_default=True,
)
@click.option("--role", "roles", multiple=True, help="Who may use it: a role. May be repeated.")
@click.option("--team", "teams", multiple=True, help="A team. May be repeated.")
@click.option("--account", "accounts", multiple=True, help="An account. May be repeated.")
@click.option("--model", "models", multiple=True, help="What it may call.  [default: all]")
@click.option("--title", default="", help="[default: its name]")
@click.option("--about", default="", help="A sentence or two, shown below the title.")
@click.argument("workflow", metavar="WORKFLOW")
def publish(**options: Any) -> None:
    """Publish WORKFLOW (NAME[@VERSION]) as a form or a chat, with a budget of its own.

    For whom is said by roles, teams and accounts; without any it is for whoever may use pages of
    the feature.
    """
    from legato.cli.workflows import page_actions  # noqa: PLC0415 - keeps `--help` fast

    page_actions.publish(**options)


@click.command()
@server_options
@json_option
def pages(**options: Any) -> None:
    """List published workflows."""
    from legato.cli.workflows import page_actions  # noqa: PLC0415 - keeps `--help` fast

    page_actions.show_all(**options)


@click.command()
@server_options
@click.argument("name", metavar="PAGE")
def unpublish(**options: Any) -> None:
    """End a page, by its name or id: what runs there calls no models any more."""
    from legato.cli.workflows import page_actions  # noqa: PLC0415 - keeps `--help` fast

    page_actions.unpublish(**options)


@click.command("change-page")
@server_options
@json_option
@click.argument("name", metavar="PAGE")
@click.option("--title", help="The title it has from now on.")
@click.option("--about", help="What it is for, in words.")
@click.option("--role", "roles", multiple=True, help="Who may use it from now on.")
@click.option("--team", "teams", multiple=True, help="Likewise.")
@click.option("--account", "accounts", multiple=True, help="Likewise: by id or login.")
@click.option("--everybody", is_flag=True, help="For whoever may use pages of its feature.")
def change_page(**options: Any) -> None:
    """Change the title, the text or the audience of a page, by its name or id.

    Roles, teams and accounts that are named take the place of all there were.
    """
    from legato.cli.workflows import page_actions  # noqa: PLC0415 - keeps `--help` fast

    page_actions.change(**options)


COMMANDS = (publish, pages, change_page, unpublish)
