"""What `legato registry` and the commands beside it do that change something, or would."""

import contextlib
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from legato.app.desks.registry_directory import read_directory, read_file, write_directory
from legato.app.desks.router_carrying import predictors_in, take_in, write_out
from legato.cli.options import print_json
from legato.cli.registry_desk import Desk, opened, read_version, say_outside
from legato.cli.registry_lines import move_line, moved, say_moves, told
from legato.core.errors import InvalidRequest, NotFound
from legato.core.registry import Kind, Truth, shown
from legato.registry.content import as_yaml, differences
from legato.registry.documents import Document, Placed
from legato.registry.planning import Plan
from legato.registry.registry import Registry


def save(*, file: Path, author: str | None, reason: str, as_json: bool, **options: Any) -> None:
    """Keep a document as a version and point its labels to it."""
    document = read_file(file, str(file)).document
    files = _predictors((document,), file.parent)
    with opened(predictors=files, **options) as desk:
        _take_in((document,), files, desk)
        record, made = desk.of(document.kind).save(document, desk.act(author, reason))
        say_outside(desk, document)
    if as_json:
        print_json({**told(record), "moves": [moved(one) for one in made]})
        return
    click.echo(f"{shown(record.name, record.digest)} is version {record.number}.")
    say_moves(made)


def label(
    *,
    version: str,
    label: str,
    remove: bool,
    author: str | None,
    reason: str,
    as_json: bool,
    **options: Any,
) -> None:
    """Point a label to a version, or take it away."""
    name, wanted = read_version(version)
    with opened(**options) as desk:
        to = None if remove else wanted
        made = desk.of(name.kind).point(name, label, to, desk.act(author, reason))
    if as_json:
        print_json(None if made is None else moved(made))
    elif made is None:
        click.echo(f"{name}@{label} is so already.")
    else:
        say_moves([made])


def decide(
    *, move_id: str, approved: bool, author: str | None, reason: str, **options: Any
) -> None:
    """Approve or reject a move."""
    with opened(**options) as desk:
        act = desk.act(author, reason)
        say_moves([_registry_of_move(desk, move_id).decide(move_id, act, approved=approved)])


def truth(*, wanted: str | None, author: str | None, reason: str, **options: Any) -> None:
    """Show or set what decides an environment's labels."""
    if wanted is not None and wanted not in set(Truth):
        raise InvalidRequest(f"{wanted!r}: write database or directory", param="truth")
    with opened(**options) as desk:
        if wanted is not None:
            by = desk.act(author, reason).author
            desk.registry.hand_over(desk.environment, Truth(wanted), by)
        click.echo(f"{desk.environment}: {desk.registry.truth(desk.environment).value}")


def apply(
    *, directory: Path, yes: bool, prune: bool, author: str | None, reason: str, **options: Any
) -> None:
    """Make an environment what a directory says."""
    documents = read_directory(directory)
    if not documents:
        raise InvalidRequest(f"{directory} holds no YAML file: nothing would be left")
    files = _predictors((one.document for one in documents), directory)
    with opened(documents=documents, predictors=files, **options) as desk:
        parts = _parts(desk, documents)
        planned = _planned(parts, desk.environment)
        _print_plan(planned, desk.environment)
        if planned.empty:
            return
        if not prune:
            _require_kinds_whole(planned, documents, directory)
        if not yes and not _agreed():
            raise click.Abort
        act = desk.act(author, reason, Truth.DIRECTORY)
        _take_in([one.document for one in documents], files, desk)
        changes = [(registry.write, registry.changes(own, act)) for registry, own in parts]
        desk.make_together(changes)
    click.echo(f"{desk.environment} is as {directory} says now, and is kept there.")


def diff(*, directory: Path, exit_code: bool, **options: Any) -> None:
    """Show what `apply` would change, with the content of what is new."""
    documents = read_directory(directory)
    files = _predictors((one.document for one in documents), directory)
    with opened(documents=documents, predictors=files, **options) as desk:
        planned = _planned(_parts(desk, documents), desk.environment)
        _print_plan(planned, desk.environment)
        for lines in _new_content(desk, planned, documents):
            click.echo("\n".join(lines))
    if exit_code and not planned.empty:
        sys.exit(1)


def export(*, output: Path, **options: Any) -> None:
    """Write an environment as a directory."""
    with opened(**options) as desk:
        documents = [one for each in desk.both for one in each.exported(desk.environment)]
        written = len(write_directory(documents, output))
        if of_routers := _of_routers(documents):
            for one in of_routers:  # it holds vectors of texts
                desk.reads("router.export", one.name)
            without = write_out(documents, output, desk.routers())
            written += len(list(predictors_in(output)))
            for name in without:
                told = f"router {name}: questions of its predictor were erased, or its key is gone"
                click.echo(f"{told}: it isn't exported; train it anew", err=True)
    click.echo(f"{written} files in {output}.")


def roll_back(*, version: str, author: str | None, reason: str, **options: Any) -> None:
    """Point a label to what it pointed to before."""
    name, wanted = read_version(version)
    if not wanted.label:
        raise InvalidRequest("name the label to roll back: KIND:NAME@LABEL", param="label")
    with opened(**options) as desk:
        act = desk.act(author, reason)
        say_moves([desk.of(name.kind).roll_back(name, wanted.label, act)])


def _of_routers(documents: Iterable[Document]) -> list[Document]:
    return [one for one in documents if one.kind is Kind.ROUTER]


def _predictors(documents: Iterable[Document], directory: Path) -> dict[str, Path]:
    """Return the files of predictors beside documents, where one of them is a router's."""
    return predictors_in(directory) if _of_routers(documents) else {}


def _take_in(documents: Iterable[Document], files: Mapping[str, Path], desk: Desk) -> None:
    """Keep predictors that a database hasn't yet, before a label can point to them."""
    if files:
        taken = take_in(documents, files, desk.routers())
        if taken:
            click.echo(f"Predictors taken in: {taken}.")


def _registry_of_move(desk: Desk, move_id: str) -> Registry:
    """Return the registry that a move is of; of none of them, the organisation's."""
    for registry in desk.both[1:]:
        with contextlib.suppress(NotFound):
            registry.read.move(move_id)
            return registry
    return desk.registry


def _parts(desk: Desk, documents: Sequence[Placed]) -> list[tuple[Registry, list[Placed]]]:
    """Return each registry with the documents of its kinds, where there are any."""
    parts = [
        (registry, [one for one in documents if desk.of(one.document.kind) is registry])
        for registry in desk.both
    ]
    return [(registry, own) for registry, own in parts if own]


def _planned(parts: Sequence[tuple[Registry, list[Placed]]], environment: str) -> Plan:
    plans = [registry.planned(own, environment) for registry, own in parts]
    return Plan(
        versions=tuple(one for each in plans for one in each.versions),
        moves=tuple(one for each in plans for one in each.moves),
        described=tuple(one for each in plans for one in each.described),
    )


def _require_kinds_whole(planned: Plan, documents: Sequence[Placed], directory: Path) -> None:
    """Refuse to take labels away of kinds that a directory has nothing of. Raises InvalidRequest.

    Who keeps prompts alone in one rarely means that there are to be no judges.
    """
    there = {one.document.kind for one in documents}
    gone = [one for one in planned.moves if not one.to_digest and one.name.kind not in there]
    if gone:
        kinds = ", ".join(sorted({one.name.kind.value for one in gone}))
        named = ", ".join(f"{one.name}@{one.label}" for one in gone)
        told = (
            f"{directory} has no file of these kinds: {kinds}. Applying it would take labels away "
            f"from {named}. Add their files (legato export writes them), or --prune to take them "
            "away"
        )
        raise InvalidRequest(told, param="prune")


def _agreed() -> bool:
    if not sys.stdin.isatty():
        raise InvalidRequest("nobody is here to ask: say --yes")
    return click.confirm("Make these changes?")


def _new_content(desk: Desk, planned: Plan, documents: Sequence[Placed]) -> Iterator[list[str]]:
    specs = {one.document.object: one.document.spec for one in documents}
    for wanted in planned.versions:
        registry = desk.of(wanted.name.kind)
        kept = registry.read.versions(wanted.name, 1)
        old = as_yaml(registry.content(kept[0])) if kept else ""
        names = (
            shown(wanted.name, kept[0].digest if kept else ""),
            shown(wanted.name, wanted.digest),
        )
        yield differences(old, as_yaml(specs[wanted.name]), names)


def _print_plan(planned: Plan, environment: str) -> None:
    if planned.empty:
        click.echo(f"{environment} is as the directory says.")
    for version in planned.versions:
        click.echo(f"+ {shown(version.name, version.digest)}")
    for move in planned.moves:
        click.echo(move_line(move.name, move.label, move.from_digest, move.to_digest))
    for name in planned.described:
        click.echo(f"~ {name}: owner, escalation or description")
