"""What `legato guard scan` does."""

from collections.abc import Iterator, Sequence
from enum import StrEnum

import click
import msgspec

from legato.cli.guardrails.scan_finders import Asked, Finder, finder
from legato.cli.guardrails.scan_found import Found, located
from legato.cli.guardrails.scan_sarif import sarif
from legato.cli.guardrails.scan_sources import Sources
from legato.cli.options import print_json


class Form(StrEnum):
    """How findings are printed."""

    LINES = "lines"
    JSON = "json"
    JSON_LINES = "json-lines"
    SARIF = "sarif"


def scan(files: Sequence[str], asked: Asked, form: Form, *, show: bool, fail: bool) -> None:
    """Print what is found; end with 1 where that is to fail."""
    looking = finder(asked)
    sources = Sources(files, lambda key: bool(looking.everything(key)))
    found: list[Found] = []
    failed = False
    for one in _found(sources, looking, show=show):
        failed = failed or fail or one.label in looking.failing
        if form is Form.LINES:
            click.echo(_line(one))
        elif form is Form.JSON_LINES:
            click.echo(msgspec.json.encode(one))
        found.append(one)
    if form is Form.JSON:
        print_json(found)
    elif form is Form.SARIF:
        print_json(sarif(found))
    for told in sources.passed_over:
        click.echo(f"passed over: {told}", err=True)
    if form is Form.LINES:
        click.echo(f"{len(found)} found in {sources.files} file(s)", err=True)
    if failed:
        raise click.exceptions.Exit(1)


def _found(sources: Sources, looking: Finder, *, show: bool) -> Iterator[Found]:
    for source in sources:
        yield from located(source, looking.find(source.text), show=show)


def _line(one: Found) -> str:
    where = f"{one.file}:{one.line}:{one.column}"
    inside = "" if one.pointer is None else f" {one.pointer}"
    shown = "" if one.text is None else f" {one.text!r}"
    return f"{where}{inside} {one.label} ({one.detector}){shown}"
