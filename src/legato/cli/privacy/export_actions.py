"""What `legato privacy export` does."""

import os
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from legato.app.checks.instance import find_instance
from legato.app.desks.stored_data import stored_data
from legato.cli.options import print_json
from legato.cli.privacy.erase_actions import Wanted, meant_by
from legato.cli.registry_desk import operator
from legato.cli.spans import time_text
from legato.cli.tables import print_table
from legato.core.errors import OperatorError
from legato.storage.privacy.subject_exports import ExportRecord

_COLUMNS: Final = ("id", "time", "by", "about", "things", "state", "reason")
_OWNER_ONLY: Final = 0o600


def export(
    data: Path,
    config_file: Path | None,
    *,
    org: str,
    as_json: bool,
    by: str | None,
    out: Path,
    reason: str,
    **options: Any,
) -> None:
    """Write the archive; under its name only when it is whole."""
    instance = find_instance(data, config_file)
    part = out.with_name(f"{out.name}.part")
    with stored_data(instance) as stored:
        meant = meant_by(Wanted(**options), instance, stored, org)
        desk = stored.subject_exporting(instance, org)
        try:
            with os.fdopen(_opened(part), "wb") as file:
                begun = desk.begin(meant, operator(by), reason)
                for some in begun.parts():
                    file.write(some)
            part.replace(out)
        except OSError as error:
            told = (error.strerror or str(error)).lower()
            raise OperatorError(f"{out} can't be written: {told}") from None
        finally:
            part.unlink(missing_ok=True)
        found = next(one for one, _ in desk.page(1, None) if one.id == begun.id)
    if as_json:
        print_json({"id": begun.id, "org": org, "file": str(out), "counts": found.counts})
        return
    lines = [f"{out}: what is held in {org} about {meant.user or meant.request_id}"]
    lines += [f"  {count:>8} {kind}" for kind, count in found.counts.items()]
    click.echo("\n".join(lines))


def list_exports(
    data: Path, config_file: Path | None, org: str, *, count: int, as_json: bool
) -> None:
    """Print what was exported before, newest first."""
    instance = find_instance(data, config_file)
    with stored_data(instance) as stored:
        found = stored.subject_exporting(instance, org).page(count, None)
    if as_json:
        print_json([{**_shown(one), "reason": reason} for one, reason in found])
        return
    print_table(_COLUMNS, [_line(one, reason) for one, reason in found], numbers=("things",))


def _opened(file: Path) -> int:
    return os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _OWNER_ONLY)


def _shown(one: ExportRecord) -> dict[str, Any]:
    shown = msgspec.structs.asdict(one)
    del shown["sealed"]
    return shown


def _line(one: ExportRecord, reason: str) -> list[str]:
    return [
        one.id,
        time_text(one.at_ns),
        one.author,
        one.end_user or one.request_id,
        str(sum(one.counts.values())),
        "cut off" if one.ended_at_ns is None else "done",
        reason,
    ]
