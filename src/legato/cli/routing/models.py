"""`legato models`: what each deployment can do, where it is, what becomes of the data."""

from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import msgspec

from legato.cli.options import instance_options, json_option, print_json
from legato.core.config import Capabilities, DataUse

_FLAGS = (
    "chat", "embeddings", "rerank", "tools", "parallel_tools", "vision", "json_object",
    "json_schema", "streaming", "reasoning",
)  # fmt: skip


class ModelRow(msgspec.Struct, frozen=True):
    """A deployment with all that is known of its model. None is unknown."""

    deployment: str
    provider: str
    model: str
    region: str
    capabilities: Capabilities
    data_use: DataUse


@click.command()
@instance_options
@json_option
def models(config_file: Path | None, data: Path, *, as_json: bool) -> None:
    """List each deployment's capabilities, region and data use; `?` is what nobody has said."""
    from legato.app.checks.instance import find_instance  # noqa: PLC0415 - keeps `--help` fast
    from legato.app.desks.served_now import served_now  # noqa: PLC0415
    from legato.app.prices.pricing import address_of  # noqa: PLC0415
    from legato.routing import known_models  # noqa: PLC0415
    from legato.routing.ability import capabilities_in_force, data_use_in_force  # noqa: PLC0415

    instance = find_instance(data, config_file)
    config = served_now(instance, partial(click.echo, err=True)).config
    providers = {provider.name: provider for provider in config.providers}
    rows = []
    for deployment in config.deployments:
        provider = providers[deployment.provider]
        host = urlsplit(address_of(provider)).hostname or ""
        rows.append(
            ModelRow(
                deployment.name,
                deployment.provider,
                deployment.model,
                deployment.region,
                capabilities_in_force(deployment, provider.kind),
                data_use_in_force(deployment, provider.kind, host),
            )
        )
    if as_json:
        print_json({"catalogue_as_of": known_models.AS_OF, "deployments": rows})
        return
    _print_table(rows)
    click.echo(f"What the configuration leaves open is from the catalogue of {known_models.AS_OF}.")


def _print_table(rows: list[ModelRow]) -> None:
    from rich.console import Console  # noqa: PLC0415 - keeps `--help` fast
    from rich.table import Table  # noqa: PLC0415

    table = Table(
        "deployment", "model", "can", "can't", "unknown", "context", "output", "in", "out",
        "region", "trains", "kept days", "certified",
    )  # fmt: skip
    for row in rows:
        can = row.capabilities
        said = {name: getattr(can, name) for name in _FLAGS}
        table.add_row(
            row.deployment,
            row.model,
            *(_named(said, value) for value in (True, False, None)),
            _shown(can.context_tokens),
            _shown(can.output_tokens_max),
            _shown(can.modalities_in),
            _shown(can.modalities_out),
            row.region or "?",
            _shown(row.data_use.training),
            _shown(row.data_use.retention_days),
            _shown(row.data_use.certifications),
        )
    # a pipe has no width: whole lines are worth more there than a frame that fits
    console = Console()
    Console(width=None if console.is_terminal else 240).print(table)


def _named(said: dict[str, bool | None], value: bool | None) -> str:  # noqa: FBT001 -- a value
    return ", ".join(name.replace("_", " ") for name, known in said.items() if known is value)


def _shown(value: Any) -> str:
    if value is None:
        return "?"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(value) or "none"
    return str(value)
