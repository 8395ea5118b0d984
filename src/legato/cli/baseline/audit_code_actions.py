"""What `legato audit-code` does."""

from pathlib import Path
from typing import Final

import click
import msgspec

from legato.cli.tables import print_table
from legato.code_audit.duplicates import Group
from legato.code_audit.finding import TITLES, Finding, Kind
from legato.code_audit.sarif import as_sarif
from legato.code_audit.scanning import CodeAudit, audit_code
from legato.code_audit.walking import Limits
from legato.core.errors import InvalidRequest

_TOLD_EVERY: Final = 5_000
_SHOWN: Final = 200
_TEXT_SHOWN: Final = 60


def run(path: Path, form: str, kinds: tuple[str, ...], *, out: Path | None, files_max: int) -> None:
    """Read a tree and print or write what is in it."""
    for kind in kinds:
        if kind not in set(Kind):
            raise InvalidRequest(f"kind: {kind!r} is unknown; give {', '.join(Kind)}")
    audit = audit_code(path, Limits(files_max=files_max), told=_told)
    if form == "table":
        if out is not None:
            raise InvalidRequest("out: a table is for people; give --format json or sarif with it")
        _print(audit, kinds)
        return
    document = as_sarif(audit) if form == "sarif" else audit
    told = msgspec.json.format(msgspec.json.encode(document), indent=2)
    if out is None:
        click.echo(told)
    else:
        out.write_bytes(told + b"\n")
        click.echo(f"{out}: {len(audit.findings)} findings in {audit.files} files")


def _told(files: int) -> None:
    if files % _TOLD_EVERY == 0:
        click.echo(f"{files:,} files", err=True)


def _print(audit: CodeAudit, kinds: tuple[str, ...]) -> None:
    click.echo(
        f"{audit.files:,} source files, {audit.parsed:,} with something to look for; "
        f"{audit.ignored:,} files and folders passed over."
        + ("" if audit.complete else " The tree is larger than the limit: this is a part of it.")
    )
    print_table(
        ("found", "count"),
        [(TITLES[Kind(kind)], f"{count:,}") for kind, count in audit.counts.items()],
        numbers=("count",),
    )
    if audit.vendors:
        print_table(("vendor", "calls and clients"), _counts(audit.vendors),
                    numbers=("calls and clients",))  # fmt: skip
        print_table(("model", "times"), _counts(audit.models), numbers=("times",))
    wanted = kinds or tuple(kind for kind in Kind if kind is not Kind.MODEL_NAME)
    shown = [one for one in audit.findings if one.kind in wanted]
    print_table(("place", "kind", "vendor", "what"), map(_row, shown[:_SHOWN]))
    if len(shown) > _SHOWN:
        click.echo(f"and {len(shown) - _SHOWN:,} more: --format json has all")
    _print_duplicates(audit.duplicates)
    for problem in audit.problems:
        click.echo(f"not read: {problem.path}: {problem.message}", err=True)


def _print_duplicates(groups: list[Group]) -> None:
    if not groups:
        return
    click.echo("The same in several places:")
    rows = [
        (
            _short(one.text),
            one.what,
            "identical" if one.alike >= 1 else f"{one.alike:.0%} alike",
            str(len(one.places)),
            ", ".join(service or "." for service in one.services),
            f"{one.places[0].path}:{one.places[0].line}",
        )
        for one in groups[:_SHOWN]
    ]
    print_table(("text", "what", "how", "places", "services", "first"), rows, numbers=("places",))


def _counts(counts: dict[str, int]) -> list[tuple[str, str]]:
    return [(name, f"{count:,}") for name, count in list(counts.items())[:20]]


def _row(one: Finding) -> tuple[str, ...]:
    what = _short(one.text) if one.kind is Kind.PROMPT else f"{one.name} {_short(one.text)}".strip()
    if one.unbounded:
        what += " (nothing ends it but success)"
    return f"{one.path}:{one.line}", one.kind.value, one.vendor, what


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _TEXT_SHOWN else f"{line[: _TEXT_SHOWN - 1]}…"
