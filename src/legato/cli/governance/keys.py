"""`legato keys`: who may call, as what team and feature, within which limits."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from legato.cli.options import instance_options, json_option
from legato.cli.spans import Moment, moment, span
from legato.core.config_parts import Requirements
from legato.core.permission import Permission

_KEY = click.argument("key", metavar="ID|NAME")
_Command = TypeVar("_Command", bound=Callable[..., Any])
_LIMITS = (
    click.option(
        "--tag", "tags", multiple=True, metavar="NAME=VALUE", help="Stands in each entry."
    ),
    click.option("--rpm", type=click.IntRange(min=1), help="Requests a minute."),
    click.option("--concurrency", type=click.IntRange(min=1), help="Open requests at once."),
    click.option("--budget-usd", help="A hard limit in dollars, as 12.50."),
    click.option(
        "--window",
        type=click.Choice(["day", "week", "month", "total"]),
        help="The budget's.  [default: month]",
    ),
    click.option("--expires", type=moment, help="A span from now (30d) or a time (2026-08-06)."),
    click.option(
        "--require-region",
        "regions",
        multiple=True,
        metavar="NAME",
        help="Only deployments in one of these regions.",
    ),
    click.option(
        "--require-no-training",
        "no_training",
        is_flag=True,
        help="Only deployments known not to train on it.",
    ),
    click.option(
        "--require-retention-days",
        "retention_days",
        type=click.IntRange(min=0),
        help="Only deployments that keep data no longer.",
    ),
    click.option(
        "--require-certification",
        "certifications",
        multiple=True,
        metavar="NAME",
        help="Only deployments that have all of these.",
    ),
    click.option(
        "--allow-from",
        "allow_from",
        multiple=True,
        metavar="NETWORK",
        help="Only calls from there: 10.0.0.0/8, or one address.",
    ),
)


def _limits(command: _Command) -> _Command:
    """Give a command the options that say within what a key may call."""
    for option in reversed(_LIMITS):
        command = option(command)
    return command


@click.group()
def keys() -> None:
    """Create, change, list, show, rotate and revoke keys. A running server follows in 2 s."""


@keys.command()
@instance_options
@json_option
@click.option("--team", required=True, help="Whose spend it is.")
@click.option("--feature", required=True, help="What the spend is for.")
@click.option("--name", help="Unique among keys in force.  [default: made from team and feature]")
@click.option("--org", default="default", show_default=True)
@click.option("--models", default="*", show_default=True, help="Aliases or deployments: a,b,c.")
@_limits
@click.option("--admin", is_flag=True, help="May administer Legato, every organisation.")
@click.option("--org-admin", is_flag=True, help="May administer its organisation.")
@click.option(
    "--permission",
    "permissions",
    multiple=True,
    type=click.Choice([one.value for one in Permission]),
    metavar="NAME",
    help="One thing it may do at the control API.",
)
def create(  # noqa: PLR0913 - one parameter for each option
    config_file: Path | None,
    data: Path,
    *,
    as_json: bool,
    team: str,
    feature: str,
    name: str | None,
    org: str,
    models: str,
    tags: tuple[str, ...],
    rpm: int | None,
    concurrency: int | None,
    budget_usd: str | None,
    window: str | None,
    expires: Moment | None,
    admin: bool,
    org_admin: bool,
    permissions: tuple[str, ...],
    regions: tuple[str, ...],
    no_training: bool,
    retention_days: int | None,
    certifications: tuple[str, ...],
    allow_from: tuple[str, ...],
) -> None:
    """Create a key and print its secret, this once; only a keyed hash of it is kept."""
    from legato.cli.governance import key_actions  # noqa: PLC0415 - keeps `--help` fast

    wanted = key_actions.WantedKey(
        team=team,
        feature=feature,
        name=name,
        org=org,
        models=models,
        tags=tags,
        requests_per_minute=rpm,
        concurrency_max=concurrency,
        budget_usd=budget_usd,
        window=window or "month",
        expires=expires,
        admin=admin,
        org_admin=org_admin,
        permissions=permissions,
        require=_required(
            regions, certifications, no_training=no_training, retention_days=retention_days
        ),
        allow_from=allow_from,
    )
    key_actions.create(key_actions.open_keys(data, config_file), wanted, as_json=as_json)


@keys.command()
@instance_options
@json_option
@_KEY
@click.option("--models", help="Aliases or deployments: a,b,c; * for all.")
@_limits
@click.option(
    "--without",
    multiple=True,
    type=click.Choice(["tags", "rpm", "concurrency", "budget", "expires", "require", "allow-from"]),
    help="What the key shall have no longer.",
)
def change(  # noqa: PLR0913 - one parameter for each option
    config_file: Path | None,
    data: Path,
    key: str,
    *,
    as_json: bool,
    models: str | None,
    tags: tuple[str, ...],
    rpm: int | None,
    concurrency: int | None,
    budget_usd: str | None,
    window: str | None,
    expires: Moment | None,
    regions: tuple[str, ...],
    no_training: bool,
    retention_days: int | None,
    certifications: tuple[str, ...],
    allow_from: tuple[str, ...],
    without: tuple[str, ...],
) -> None:
    """Change what a key may call and its limits; what isn't named stays.

    Tags, requirements and networks are replaced as a whole. The secret, the team and the
    feature stay.
    """
    from legato.cli.governance import key_actions, key_changes  # noqa: PLC0415 - keeps `--help` fast

    wanted = key_changes.WantedChange(
        models=models,
        tags=tags,
        requests_per_minute=rpm,
        concurrency_max=concurrency,
        budget_usd=budget_usd,
        window=window,
        expires=expires,
        require=_required(
            regions, certifications, no_training=no_training, retention_days=retention_days
        ),
        allow_from=allow_from,
        without=frozenset(without),
    )
    instance = key_actions.open_keys(data, config_file)
    key_changes.change(instance, key, wanted, as_json=as_json)


@keys.command("list")
@instance_options
@json_option
@click.option("--all", "with_revoked", is_flag=True, help="Revoked and expired ones too.")
def list_keys(config_file: Path | None, data: Path, *, as_json: bool, with_revoked: bool) -> None:
    """List the keys in force."""
    from legato.cli.governance import key_actions  # noqa: PLC0415

    instance = key_actions.open_keys(data, config_file)
    key_actions.list_keys(instance, as_json=as_json, with_revoked=with_revoked)


@keys.command()
@instance_options
@json_option
@_KEY
def show(config_file: Path | None, data: Path, key: str, *, as_json: bool) -> None:
    """Show one key; its secret is not kept and can't be shown."""
    from legato.cli.governance import key_actions  # noqa: PLC0415

    key_actions.show(key_actions.open_keys(data, config_file), key, as_json=as_json)


@keys.command()
@instance_options
@_KEY
def revoke(config_file: Path | None, data: Path, key: str) -> None:
    """End a key for good."""
    from legato.cli.governance import key_actions  # noqa: PLC0415

    key_actions.revoke(key_actions.open_keys(data, config_file), key)


@keys.command()
@instance_options
@json_option
@_KEY
@click.option(
    "--overlap", type=span, default="24h", show_default=True, help="How long the old one works."
)
def rotate(config_file: Path | None, data: Path, key: str, *, as_json: bool, overlap: int) -> None:
    """Give a key a new secret and print it, this once."""
    from legato.cli.governance import key_actions  # noqa: PLC0415

    instance = key_actions.open_keys(data, config_file)
    key_actions.rotate(instance, key, overlap, as_json=as_json)


def _required(
    regions: tuple[str, ...],
    certifications: tuple[str, ...],
    *,
    no_training: bool,
    retention_days: int | None,
) -> Requirements:
    return Requirements(
        regions=list(regions) or None,
        no_training=no_training,
        retention_days_max=retention_days,
        certifications=list(certifications),
    )
