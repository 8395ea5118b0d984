"""What `legato route train` and `legato route frontier` do."""

import os
from pathlib import Path
from typing import Any, Final

import click

from legato.app.data_dir import DataDir
from legato.app.instance import find_instance
from legato.cli.options import print_json
from legato.cli.tables import print_table
from legato.core.config import Config
from legato.core.errors import InvalidRequest, LegatoError, NotFound, OperatorError
from legato.embedding.loading import load_embedder

_COLUMNS: Final = ("deployment", "judged", "mean", "95 %", "error", "cost $")


def train(*, output: Path | None, as_json: bool, **options: Any) -> None:
    """Train on a table of judged answers, write what was learned, print how good it is."""
    try:
        report, content = _trained(**options)
        path = output or Path(f"{options['alias']}-{report['version'][7:19]}.router")
        _write(path, content)
    except LegatoError as error:
        raise click.ClickException(error.message) from error
    if as_json:
        print_json({**report, "file": str(path)})
        return
    print_table(
        _COLUMNS,
        [
            (
                one["deployment"],
                str(one["judged"]),
                f"{one['mean']:.3f}",
                f"{one['low']:.3f} to {one['high']:.3f}",
                f"{one['error']:.3f}",
                "-" if one["cost_usd"] is None else f"{one['cost_usd']:.6f}",
            )
            for one in report["deployments"]
        ],
        numbers=_COLUMNS[1:],
    )
    click.echo(f"{path}: {report['version']}")


def frontier(*, as_json: bool, **options: Any) -> None:
    """Print accuracy and cost at each price of quality, cross-fitted, with intervals."""
    try:
        report, _ = _trained(**options)
    except LegatoError as error:
        raise click.ClickException(error.message) from error
    points = report["frontier"]
    if as_json:
        print_json({"version": report["version"], "frontier": points})
        return
    print_table(
        ("cost weight", "quality", "95 %", "cost $"),
        [
            (
                f"{one['cost_weight']:.4g}",
                f"{one['quality']:.3f}",
                f"{one['low']:.3f} to {one['high']:.3f}",
                f"{one['cost_usd']:.6f}",
            )
            for one in points
        ],
        numbers=("cost weight", "quality", "95 %", "cost $"),
    )


def _trained(
    *, alias: str, table: Path, embedder: str, data: Path, config_file: Path | None
) -> tuple[dict[str, Any], bytes]:
    config = find_instance(data, config_file).loaded.config
    models = _models(config, alias)
    made = load_embedder(embedder, DataDir(data).models)
    from legato.evaluation.routing.tables import known_models, read_table  # noqa: PLC0415 - numpy
    from legato.evaluation.routing.training import trained_router  # noqa: PLC0415 - is an extra

    names = [name for name in models if name in known_models(table)]
    if len(names) < 2:  # noqa: PLR2004 - a choice
        told = f"{table}: judges {len(names)} of the deployments of {alias}, 2 are needed"
        raise InvalidRequest(
            f"{told}: name columns DEPLOYMENT|correct; they are {', '.join(models)}"
        )
    return trained_router(read_table(table, names), models, made)


def _models(config: Config, alias: str) -> dict[str, str]:
    route = next((one for one in config.routes if one.alias == alias), None)
    if route is None:
        known = ", ".join(one.alias for one in config.routes) or "none"
        raise NotFound(f"The configuration has no route {alias!r}; known: {known}.")
    by_name = {one.name: one.model for one in config.deployments}
    return {name: by_name[name] for name in route.deployments}


def _write(path: Path, content: bytes) -> None:
    part = path.with_name(f"{path.name}.part")
    try:
        # it holds vectors of the texts it was trained on
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise OperatorError(f"{path} can't be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
