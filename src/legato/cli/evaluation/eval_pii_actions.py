"""What `legato eval pii` does."""

from pathlib import Path
from typing import Final

import click

from legato.cli.guardrails.scan_finders import Asked, finder
from legato.cli.options import print_json
from legato.cli.tables import print_table
from legato.core.errors import InvalidRequest
from legato.core.guarding import Place
from legato.detectors.names import scan
from legato.evaluation.span_scores import CORE_LABELS, Find, Span, read_marked, report

_COLUMNS: Final = ("label", "n", "precision", "recall", "f2")


def pii(
    *,
    file: Path,
    labels: str | None,
    detectors: tuple[str, ...],
    config_file: Path | None,
    as_json: bool,
) -> None:
    """Score, print."""
    named = [name for one in detectors for name in one.split(",") if name]
    find = _find if not named else _finding(named, config_file)
    scored = report(find, read_marked(file), _labels(labels))
    if as_json:
        print_json(scored)
        return
    rows = [
        *((label, *map(str, one.values())) for label, one in scored["labels"].items()),
        ("all", "", *map(str, scored["all"].values())),
    ]
    print_table(_COLUMNS, rows, numbers=_COLUMNS[1:])
    click.echo(f"share of its characters that nothing covers: {scored['leak']:.2%}")
    click.echo(f"texts in which all of it is covered: {scored['clean_docs']:.2%}")
    click.echo(f"texts without any in which something is found: {scored['neg_fp']:.2%}")
    click.echo(f"a text of 2 KB takes {scored['ms_per_2kb_p50']:.2f} ms (median)")


def _labels(named: str | None) -> tuple[str, ...]:
    if named is None:
        return CORE_LABELS
    labels = tuple(name.strip() for name in named.split(",") if name.strip())
    if not labels:
        raise InvalidRequest("--labels: name one label or more, with commas between")
    return labels


def _finding(names: list[str], config_file: Path | None) -> Find:
    look = finder(Asked(names, (), (), Place.INPUT, config_file))
    return lambda text: [(one.start, one.end, one.label) for one in look.everything(text)]


def _find(text: str) -> list[Span]:
    return [(one.start, one.end, one.label) for one in scan(text)]
