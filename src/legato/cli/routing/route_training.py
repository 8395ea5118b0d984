"""What `legato route train` and `legato route frontier` do."""

import os
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click
import msgspec

from legato.app.checks.instance import find_instance
from legato.app.config.data_dir import DataDir
from legato.app.desks.stored_data import stored_data
from legato.cli.options import print_json
from legato.cli.registry_desk import opened
from legato.cli.spans import Moment
from legato.cli.tables import print_table
from legato.core.clock import SystemClock
from legato.core.config import Config
from legato.core.errors import InvalidRequest, LegatoError, NotFound, OperatorError
from legato.core.origin import Origin
from legato.core.registry import Kind, MoveState, checked_name, shown
from legato.embedding.loading import load_embedder
from legato.registry.documents import Document
from legato.registry.routers import Learned, RouterManifest

if TYPE_CHECKING:
    from legato.app.checks.instance import Instance
    from legato.app.desks.stored_data import StoredData
    from legato.evaluation.routing.evidence import Gathered
    from legato.evaluation.routing.tables import JudgedTable

_COLUMNS: Final = ("deployment", "judged", "mean", "95 %", "error", "cost $")


class Keeping(NamedTuple):
    """How a router is kept in the registry; without a name it is written to a file."""

    name: str | None
    label: str
    environment: str | None
    author: str | None
    reason: str


class Trained(NamedTuple):
    """What was learned: a report, the router's file, and by question whose it was."""

    report: dict[str, Any]
    content: bytes
    origins: "Sequence[frozenset[Origin]]"


def train(
    *,
    output: Path | None,
    as_json: bool,
    name: str | None,
    label: str,
    environment: str | None,
    author: str | None,
    reason: str,
    **options: Any,
) -> None:
    """Train on judged answers, keep what was learned, print how good it is."""
    keeping = Keeping(name, label, environment, author, reason)
    try:
        if name is not None:
            checked_name(name)
        trained = _trained(**options)
        if name is None:
            path = output or Path(f"{options['alias']}-{trained.report['version'][7:19]}.router")
            _write(path, trained.content)
            kept, told = {"file": str(path)}, f"{path}: {trained.report['version']}"
        else:
            kept, told = _save(trained, keeping, options)
    except LegatoError as error:
        raise click.ClickException(error.message) from error
    report = trained.report
    if as_json:
        print_json({**report, **kept})
        return
    _print_evidence(report)
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
    _print_held_out(report["held_out"])
    click.echo(told)


def _save(
    trained: Trained, keeping: Keeping, options: Mapping[str, Any]
) -> tuple[dict[str, str], str]:
    """Keep it as a version; return how that is named, and what to say of it."""
    place = {key: options[key] for key in ("config_file", "data", "org")}
    with opened(environment=keeping.environment, **place) as desk:
        instance = find_instance(options["data"], options["config_file"])
        with stored_data(instance) as stored:
            routers = stored.routers(instance, options["org"])
            digest = routers.keep(trained.content, trained.origins)
        report = trained.report
        learned = {
            one["deployment"]: Learned(one["judged"], round(one["mean"], 4))
            for one in report["deployments"]
        }
        manifest = RouterManifest(digest, report["embedder"], report["questions"], learned)
        document = Document(
            Kind.ROUTER,
            keeping.name or "",
            msgspec.to_builtins(manifest),
            labels=(keeping.label,),
        )
        record, made = desk.registry.save(document, desk.act(keeping.author, keeping.reason))
    version = shown(record.name, record.digest)
    waits = any(one.state is not MoveState.APPLIED for one in made)
    points = "will be pointed to by" if waits else "is pointed to by"
    told = f"{version} is version {record.number}; it {points} {keeping.label}"
    return {"router": version}, told


def _print_evidence(report: dict[str, Any]) -> None:
    learned = report["learned_from"]
    for name, one in learned["deployments"].items():
        said = ", ".join(f"{count} of {source}" for source, count in one["answers"].items())
        less = "" if one["learned"] else "; too little, it stays at what is published of its model"
        click.echo(f"{name}: {said or 'nothing'}, worth {one['worth']:.0f} judged answers{less}")
    for why, count in learned["left_out"].items():
        click.echo(f"left out: {count}, since {why}", err=True)


def _print_held_out(found: dict[str, float]) -> None:
    click.echo(
        f"On questions not seen, {found['explained']:.1%} ({found['low']:.1%} to "
        f"{found['high']:.1%} with 95 %) of the squared error of each deployment's mean is gone."
    )
    if found["low"] <= 0.0:
        click.echo("So it isn't proven that the text says more than the mean.", err=True)


def frontier(*, as_json: bool, **options: Any) -> None:
    """Print accuracy and cost at each price of quality, cross-fitted, with intervals."""
    try:
        report = _trained(**options).report
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
    *,
    alias: str,
    table: Path | None,
    sources: tuple[str, ...],
    embedder: str,
    data: Path,
    config_file: Path | None,
    **when: Any,
) -> Trained:
    instance = find_instance(data, config_file)
    made = load_embedder(embedder, DataDir(data).models)
    from legato.evaluation.routing.training import trained_router  # noqa: PLC0415 - numpy is an extra

    if table is not None and not sources:
        models = _models(instance.loaded.config, alias)
        read = _table(table, alias, models)
        report, content = trained_router(read, models, made)
        nobody = [frozenset[Origin]()] * len(read.prompts)
        return Trained({**report, "learned_from": _of_table(report)}, content, nobody)
    with stored_data(instance) as stored:
        models = _models(stored.served(instance).config, alias)
        found, left_out = _recorded((stored, instance), table, (alias, models), sources, **when)
    report, content = trained_router(found.table, models, made)
    told = {**report, "learned_from": _of_records(found, left_out)}
    return Trained(told, content, found.origins)


def _table(table: Path, alias: str, models: Mapping[str, str]) -> "JudgedTable":
    from legato.evaluation.routing.tables import known_models, read_table  # noqa: PLC0415 - numpy

    names = [name for name in models if name in known_models(table)]
    if len(names) < 2:  # noqa: PLR2004 - a choice
        told = f"{table}: judges {len(names)} of the deployments of {alias}, 2 are needed"
        raise InvalidRequest(
            f"{told}: name columns DEPLOYMENT|correct; they are {', '.join(models)}"
        )
    return read_table(table, names)


def _recorded(
    of: "tuple[StoredData, Instance]",
    table: Path | None,
    route: tuple[str, Mapping[str, str]],
    sources: tuple[str, ...],
    *,
    org: str,
    since: Moment | None,
    until: Moment | None,
) -> "tuple[Gathered, Mapping[str, int]]":
    from legato.app.desks.router_evidence import RouterEvidence, Wanted  # noqa: PLC0415 - numpy
    from legato.evaluation.routing.evidence import (  # noqa: PLC0415 - is an extra
        RECORDED,
        Source,
        evidence_of,
        gathered,
    )

    alias, models = route
    now_ns = SystemClock().now_ns()
    wanted = Wanted(
        org,
        alias,
        list(models),
        0 if since is None else since.before(now_ns),
        now_ns if until is None else until.before(now_ns),
        [Source(one) for one in sources] or RECORDED,
    )
    reading = RouterEvidence(*of, wanted)
    judged = () if table is None else evidence_of(_table(table, alias, models))
    found = gathered(chain(judged, reading.read()), list(models))
    return found, reading.left_out


def _of_table(report: Mapping[str, Any]) -> dict[str, Any]:
    judged = {one["deployment"]: one["judged"] for one in report["deployments"]}
    return {
        "deployments": {
            name: {"answers": {"table": count}, "worth": float(count), "learned": True}
            for name, count in judged.items()
        },
        "left_out": {},
    }


def _of_records(found: "Gathered", left_out: Mapping[str, int]) -> dict[str, Any]:
    return {
        "deployments": {
            name: {
                "answers": dict(sorted(counts.items())),
                "worth": found.worth[name],
                "learned": name not in found.left_out,
            }
            for name, counts in found.answers.items()
        },
        "left_out": dict(left_out),
    }


def _models(config: Config, alias: str) -> dict[str, str]:
    route = next((one for one in config.routes if one.alias == alias), None)
    if route is None:
        known = ", ".join(one.alias for one in config.routes) or "none"
        raise NotFound(f"There is no route {alias!r}; known: {known}.")
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
