"""What `legato datasets` does."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import click
import msgspec

from legato.cli.options import print_json
from legato.cli.registry_desk import Desk, opened
from legato.cli.registry_lines import moved, say_moves, told
from legato.cli.tables import print_table
from legato.core.errors import InvalidRequest
from legato.core.registry import (
    DEFAULT_LABEL,
    Kind,
    ObjectName,
    Selector,
    checked_name,
    selector,
    shown,
)
from legato.evaluation.case_files import (
    Cases,
    as_line,
    json_lines,
    read_cases,
    read_shares,
    table_lines,
)
from legato.evaluation.datasets import check_manifest
from legato.registry.documents import Document
from legato.registry.registry import Act


def import_cases(
    *,
    name: str,
    file: Path,
    form: str | None,
    shares: Sequence[str],
    label: str,
    author: str | None,
    reason: str,
    as_json: bool,
    **options: Any,
) -> None:
    """Keep a file's cases as a version."""
    checked_name(name)
    content = file.read_bytes()
    kind = form or file.suffix.removeprefix(".").lower()
    if kind not in {"jsonl", "csv"}:
        raise InvalidRequest(f"{file.name}: say --format jsonl or --format csv", param="format")
    lines = table_lines(content) if kind == "csv" else json_lines(content)
    try:
        read = read_cases(lines, read_shares(shares))
    except InvalidRequest as error:
        raise InvalidRequest(f"{file.name}: {error.message}", param=error.param) from None
    with opened(**options) as desk:
        keep_cases(desk, name, read, desk.act(author, reason), label=label, as_json=as_json)


def keep_cases(desk: Desk, name: str, read: Cases, act: Act, *, label: str, as_json: bool) -> None:
    """Keep cases as a version, point a label to it, and say what was made."""
    cases = desk.datasets.not_erased(read.cases)
    gone = len(read.cases) - len(cases)
    if gone:
        click.echo(f"{gone} left out: their content was erased", err=True)
    if not cases:
        raise InvalidRequest("all of its cases were erased")
    manifest = desk.datasets.keep(cases)
    document = Document(Kind.DATASET, name, msgspec.to_builtins(manifest), labels=(label,))
    record, made = desk.registry.save(document, act)
    if as_json:
        moves = [moved(one) for one in made]
        print_json({**told(record), "duplicates": read.duplicates, "moves": moves})
        return
    again = f", {read.duplicates} that came twice left out" if read.duplicates else ""
    click.echo(
        f"{shown(record.name, record.digest)} is version {record.number}: "
        f"{manifest.cases} cases{again}."
    )
    say_moves(made)


def list_datasets(*, as_json: bool, **options: Any) -> None:
    """Print data sets with their labels."""
    rows = []
    with opened(**options) as desk:
        labels = desk.registry.read.labels(desk.environment)
        for one in desk.registry.read.objects():
            if one.name.kind is Kind.DATASET:
                pointing = {at.label: at.number for at in labels if at.name == one.name}
                row = {"name": one.name.name, "versions": one.newest, "labels": pointing}
                rows.append(row)
    if as_json:
        print_json(rows)
        return
    print_table(
        ("name", "versions", "labels"),
        [
            (
                str(row["name"]),
                str(row["versions"]),
                ", ".join(f"{label}: {number}" for label, number in dict(row["labels"]).items()),  # type: ignore[call-overload]
            )
            for row in rows
        ],
        numbers=("versions",),
    )


def show(*, version: str, as_json: bool, **options: Any) -> None:
    """Print a version's head and what it holds."""
    with opened(**options) as desk:
        record = desk.registry.read.version(*wanted_version(version), desk.environment)
        manifest = check_manifest(desk.registry.content(record))
        desk.datasets.require(manifest)
        erased = desk.datasets.erased(manifest.cases_digest)
    fields = {**told(record), **msgspec.structs.asdict(manifest), "erased": erased}
    if as_json:
        print_json(fields)
        return
    splits = fields.pop("splits")
    fields["splits"] = ", ".join(f"{name or '(none)'}: {count}" for name, count in splits.items())
    for name, value in fields.items():
        click.echo(f"{name:<12} {value}")


def export(*, version: str, output: Path, **options: Any) -> None:
    """Write a version's cases to a new file."""
    with opened(**options) as desk:
        record = desk.registry.read.version(*wanted_version(version), desk.environment)
        manifest = check_manifest(desk.registry.content(record))
        desk.datasets.require(manifest)
        desk.reads("dataset.export", str(record.name))
        with new_file(output) as file:
            kept = (one for one in desk.datasets.read(manifest.cases_digest) if not one.erased)
            lines = 0
            for lines, case in enumerate(kept, 1):  # noqa: B007 -- counted where none is left
                file.write(as_line(case))
    click.echo(f"{lines} cases of {shown(record.name, record.digest)} are in {output}.")


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """Write a file that isn't there yet, for its owner's eyes. Raises InvalidRequest."""
    try:
        file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    except FileExistsError:
        raise InvalidRequest(f"{path} is there already", param="output") from None
    with file:
        yield file


def wanted_version(text: str) -> tuple[ObjectName, Selector]:
    """Read NAME@VERSION of a data set. Raises InvalidRequest."""
    name, _, version = text.removeprefix("dataset:").partition("@")
    return ObjectName(Kind.DATASET, checked_name(name)), selector(version or DEFAULT_LABEL)
