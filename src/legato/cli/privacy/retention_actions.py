"""What `legato privacy retention` does."""

from pathlib import Path
from typing import Final

import msgspec

from legato.app.checks.instance import find_instance
from legato.app.desks.retention import Standing
from legato.app.desks.stored_data import stored_data
from legato.cli.options import print_json
from legato.cli.registry_desk import operator
from legato.cli.spans import time_text
from legato.cli.tables import print_table
from legato.core.errors import InvalidRequest
from legato.core.tenant import EVERY_TENANT
from legato.storage.privacy.retention_terms import RetentionTerm

_COLUMNS: Final = ("table", "rule", "kept", "oldest", "due")
_TERM_COLUMNS: Final = ("org", "kind", "days", "by", "changed")
_KEPT_CHARACTERS: Final = 60


def show(
    data: Path, config_file: Path | None, *, org: str | None, as_json: bool, only_due: bool
) -> None:
    """Print every table, or those with something due."""
    instance = find_instance(data, config_file)
    with stored_data(instance) as stored:
        found = stored.retention(instance, org)
    if only_due:
        found = [one for one in found if one.rows_due]
    if as_json:
        print_json([msgspec.to_builtins(one) for one in found])
        return
    print_table(_COLUMNS, [_line(one) for one in found], numbers=("due",))


def change(
    data: Path,
    config_file: Path | None,
    *,
    org: str | None,
    wanted: str | None,
    unwanted: str | None,
    by: str | None,
    as_json: bool,
) -> None:
    """Set a term, or take one away, and print those there are."""
    instance = find_instance(data, config_file)
    with stored_data(instance) as stored:
        desk = stored.retention_terms(instance, EVERY_TENANT)
        if wanted:
            kind, days = _term(wanted)
            desk.set(org or "", kind, days, operator(by))
        elif unwanted:
            desk.remove(org or "", unwanted)
        found = [one for one in desk.all() if org in {None, one.org}]
    _print_terms(found, as_json=as_json)


def _term(text: str) -> tuple[str, int]:
    kind, _, days = text.partition("=")
    if not days.isdecimal():
        raise InvalidRequest("--set: write KIND=DAYS, as captures=7")
    return kind, int(days)


def _print_terms(found: list[RetentionTerm], *, as_json: bool) -> None:
    if as_json:
        print_json([msgspec.structs.asdict(one) for one in found])
        return
    lines = [
        [one.org or "*", one.kind, str(one.days), one.changed_by, time_text(one.changed_at_ns)]
        for one in found
    ]
    print_table(_TERM_COLUMNS, lines, numbers=("days",))


def _line(one: Standing) -> list[str]:
    return [
        one.table,
        one.rule,
        one.kept[:_KEPT_CHARACTERS],
        "" if one.oldest_ns is None else time_text(one.oldest_ns),
        str(one.rows_due) if one.days is not None else "",
    ]
