"""`legato notifications`: what people were told, and by which channels."""

from pathlib import Path

import click

from legato.cli.options import instance_options, json_option


@click.group()
def notifications() -> None:
    """Look at notifications, try channels, send again what couldn't be sent."""


@notifications.command("list")
@instance_options
@json_option
@click.option("--kind", default="", metavar="KIND", help="Of this kind, as budget.blocked.")
@click.option(
    "--state",
    type=click.Choice(["waiting", "sent", "dead"]),
    default=None,
    help="With a delivery in this state.",
)
@click.option("--count", type=click.IntRange(1, 1000), default=50, show_default=True)
def list_notifications(
    config_file: Path | None,
    data: Path,
    *,
    as_json: bool,
    kind: str,
    state: str | None,
    count: int,
) -> None:
    """List notifications, newest first, and how their deliveries stand."""
    from legato.cli.notices import notification_actions as actions  # noqa: PLC0415 - fast --help

    actions.list_notifications((data, config_file), (kind, state or ""), count, as_json=as_json)


@notifications.command()
@instance_options
@json_option
@click.argument("notification", metavar="ID")
def show(config_file: Path | None, data: Path, notification: str, *, as_json: bool) -> None:
    """Show one notification."""
    from legato.cli.notices import notification_actions as actions  # noqa: PLC0415

    actions.show((data, config_file), notification, as_json=as_json)


@notifications.command()
@instance_options
@json_option
def channels(config_file: Path | None, data: Path, *, as_json: bool) -> None:
    """List the channels of the configuration, and what goes by each. No secret is shown."""
    from legato.cli.notices import notification_actions as actions  # noqa: PLC0415

    actions.channels((data, config_file), as_json=as_json)


@notifications.command()
@instance_options
@click.argument("channel")
def test(config_file: Path | None, data: Path, channel: str) -> None:
    """Send a test by a channel now, from here, and say whether it arrived."""
    from legato.cli.notices import notification_actions as actions  # noqa: PLC0415

    actions.test((data, config_file), channel)


@notifications.command()
@instance_options
@click.argument("notification", metavar="ID")
@click.option("--channel", default="", help="By this one only.  [default: all that failed]")
def retry(config_file: Path | None, data: Path, notification: str, channel: str) -> None:
    """Have a running server send again what is dead or waits."""
    from legato.cli.notices import notification_actions as actions  # noqa: PLC0415

    actions.retry((data, config_file), notification, channel)
