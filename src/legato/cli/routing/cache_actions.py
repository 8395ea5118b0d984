"""What `legato cache` does."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import click
import msgspec

from legato.app.caches.cache_desk import CacheDesk
from legato.app.checks.instance import find_instance
from legato.app.desks.stored_data import stored_data
from legato.cache.semantic.entry import Entry
from legato.cli.options import print_json
from legato.cli.spans import NS_PER_S, time_text
from legato.cli.tables import print_table
from legato.core.clock import SystemClock
from legato.core.errors import OperatorError
from legato.core.money import NanoUSD, display_usd
from legato.core.semantic_records import Counts, Selection, selection_of
from legato.core.tenant import Tenant

_QUESTION_CHARS = 60


@contextmanager
def _opened(config_file: Path | None, data: Path, *, org: str) -> Iterator[CacheDesk]:
    instance = find_instance(data, config_file)
    with stored_data(instance) as stored:
        yield stored.cache_desk(instance, Tenant(org))


def _selected(
    *,
    older_than: int | None,
    entry: str | None,
    route: str | None,
    prompt: str | None,
    document: str | None,
    tags: tuple[str, ...],
) -> Selection:
    before_ns = None if older_than is None else SystemClock().now_ns() - older_than * NS_PER_S
    return selection_of(
        entry=entry,
        tags=tags,
        prompt=prompt,
        route=route,
        document=document,
        before_ns=before_ns,
    )


def list_entries(
    config_file: Path | None, data: Path, *, org: str, as_json: bool, count: int, **narrowed: Any
) -> None:
    """Print entries, oldest first."""
    with _opened(config_file, data, org=org) as desk:
        found = list(islice(desk.entries(_selected(**narrowed)), count))
    if as_json:
        for entry, counts in found:
            click.echo(msgspec.json.encode(_shown(entry, counts)))
        return
    columns = ("entry", "asked", "route", "team", "hits", "saved", "wrong", "tags", "question")
    lines = [
        [
            entry.id,
            time_text(entry.created_ns),
            entry.route,
            entry.team,
            str(counts.hits),
            f"${display_usd(NanoUSD(counts.saved))}",
            str(counts.wrong),
            ", ".join(entry.tags),
            entry.text[:_QUESTION_CHARS],
        ]
        for entry, counts in found
    ]
    print_table(columns, lines, numbers=("hits", "saved", "wrong"))


def show(config_file: Path | None, data: Path, *, org: str, as_json: bool, entry: str) -> None:
    """Print one entry."""
    with _opened(config_file, data, org=org) as desk:
        found = next(desk.entries(Selection(ids=(entry,))), None)
    if found is None:
        raise OperatorError(f"there is no entry {entry} in {org}: it expired or was purged")
    kept, counts = found
    shown = {**_shown(kept, counts), "answer": kept.answer.body.decode("utf-8", "replace")}
    if as_json:
        print_json(shown)
        return
    for name in ("cost", "saved"):
        known = shown[name] is not None
        shown[name] = f"${display_usd(NanoUSD(shown[name]))}" if known else "unknown"
    for name, value in shown.items():
        click.echo(f"{name}: {value}")


def purge(
    config_file: Path | None, data: Path, *, org: str, everything: bool, **narrowed: Any
) -> None:
    """Have entries forgotten."""
    selection = _selected(**narrowed)
    if selection == Selection() and not everything:
        raise OperatorError("say which entries go, or --all for all of them")
    with _opened(config_file, data, org=org) as desk:
        count = desk.purge(selection)
    click.echo(f"{count} {'entry' if count == 1 else 'entries'} purged")


def wrong(config_file: Path | None, data: Path, *, org: str, request_id: str) -> None:
    """Call a hit wrong."""
    with _opened(config_file, data, org=org) as desk:
        entry = desk.wrong(request_id)
    click.echo(f"entry {entry} is purged, and its bound has learnt")


def stats(config_file: Path | None, data: Path, *, org: str, as_json: bool) -> None:
    """Print what bounds have seen."""
    with _opened(config_file, data, org=org) as desk:
        found = desk.bounds()
    if as_json:
        print_json([msgspec.to_builtins(one) for one in found])
        return
    columns = ("route", "team", "bound", "looked up", "hits", "checked", "wrong")
    lines = [
        [
            one.route,
            one.team or "(all)",
            one.bound,
            str(one.requests),
            str(one.hits),
            str(one.checked),
            str(one.wrong),
        ]
        for one in found
    ]
    print_table(columns, lines, numbers=columns[3:])


def _shown(entry: Entry, counts: Counts) -> dict[str, Any]:
    return {
        "id": entry.id,
        "question": entry.text,
        "team": entry.team,
        "route": entry.route,
        "deployment": entry.answer.deployment,
        "versions": entry.versions,
        "tags": list(entry.tags),
        "cost": entry.cost,
        "asked": time_text(entry.created_ns),
        "expires": time_text(entry.expires_ns),
        "hits": counts.hits,
        "saved": counts.saved,
        "wrong": counts.wrong,
    }
