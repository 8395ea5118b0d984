"""What `legato baseline import`, `list`, `show` and `forget` do."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from legato.accounting.imports.mapped import mapped_reader
from legato.accounting.imports.problems import Problem, Problems
from legato.accounting.imports.reading import READERS, Reading
from legato.accounting.repeats import Repeats
from legato.accounting.totals import by_model
from legato.app.baseline.importing import Taken, Terms, take_in
from legato.app.checks.instance import find_instance
from legato.app.config.data_dir import DataDir
from legato.app.desks.stored_data import StoredData, stored_data
from legato.cli.options import print_json
from legato.cli.spans import time_text
from legato.cli.tables import print_table
from legato.core.errors import InvalidRequest, NotFound
from legato.core.imported_usage import UsageImport
from legato.core.money import NanoUSD, display_usd
from legato.embedding.base import Embedder, EmbedderUnavailable
from legato.embedding.loading import load_embedder
from legato.storage.tenants.places import Kind

Place = tuple[Path, Path | None]
_TOLD_EVERY: Final = 100_000
_SHOWN_PROBLEMS: Final = 10
_ID_PREFIX_MIN: Final = 8
_DEFAULT_ORG: Final = "default"


def import_files(
    place: Place, files: tuple[Path, ...], said: Mapping[str, Any], *, as_json: bool
) -> None:
    """Take in files one after the other; what was taken in stays if a later one can't be."""
    if said["mapping"] is not None and said["source"] != "auto":
        raise InvalidRequest("mapping: give it, or --source, not both")
    terms = Terms(
        org=said["org"],
        overlap=said["overlap"],
        within_s=said["repeat_within"],
        embedder=_embedder(place[0]) if said["near"] else None,
        dry_run=said["dry_run"],
    )
    shown = []
    with stored_data(find_instance(*place), create=True) as stored:
        _make_default(stored, terms.org)
        for path in files:
            reading = Reading(
                path,
                source=said["source"],
                encoding=said["encoding"],
                problems=Problems(said["bad_lines"]),
                reader=mapped_reader(said["mapping"]) if said["mapping"] else None,
            )
            taken = take_in(stored.usage_imports(), reading, path, terms, told=_told)
            shown.append(_taken_shown(taken))
            if not as_json:
                _say(path, taken, dry_run=terms.dry_run)
    if as_json:
        print_json(shown)


def sources(*, as_json: bool) -> None:
    """Print the readers."""
    if as_json:
        print_json([{"source": one.name, "title": one.title, "checked_against": one.checked}
                    for one in READERS.values()])  # fmt: skip
        return
    rows = [(one.name, one.title, one.checked) for one in READERS.values()]
    print_table(("source", "export", "checked against"), rows)
    click.echo("Any other table: --mapping FILE.")


def list_imports(place: Place, org: str | None, *, as_json: bool) -> None:
    """Print all imports."""
    with stored_data(find_instance(*place)) as stored:
        found = stored.usage_imports().every(org)
    if as_json:
        print_json([import_shown(one) for one in found])
        return
    columns = ("id", "org", "source", "file", "from", "to", "lines", "rows", "bad", "imported")
    print_table(columns, map(_row, found), numbers=("lines", "rows", "bad"))


def show(place: Place, wanted: str, *, as_json: bool) -> None:
    """Print one import."""
    with stored_data(find_instance(*place)) as stored:
        store = stored.usage_imports()
        record = _find(store.every(), wanted)
        models = by_model(store.usage(record.org, import_id=record.id))
    if as_json:
        print_json(import_shown(record) | {"models": models})
        return
    print_table(("field", "value"), [(name, str(one)) for name, one in _fields(record)])
    print_table(
        ("vendor", "model", "currency", "requests", "tokens in", "tokens out", "cost", "no cost"),
        [_model_row(one) for one in models],
        numbers=("requests", "tokens in", "tokens out", "cost", "no cost"),
    )
    _say_repeats(_repeats_of(record))
    _say_problems(msgspec.json.decode(record.problems, type=list[Problem]), record.bad)


def forget(place: Place, wanted: str) -> None:
    """Delete one import."""
    with stored_data(find_instance(*place)) as stored:
        store = stored.usage_imports()
        gone = store.forget(_find(store.every(), wanted).id)
    click.echo(f"{gone.name} ({gone.id}) is forgotten, with its {gone.rows} sums.")


def import_shown(record: UsageImport) -> dict[str, Any]:
    """Return an import as JSON shows it."""
    shown = msgspec.structs.asdict(record)
    shown["problems"] = msgspec.json.decode(record.problems)
    shown["repeats"] = msgspec.json.decode(record.repeats) or None
    for name in ("at_ns", "start_ns", "end_ns"):
        value = shown.pop(name)
        shown[name.removesuffix("_ns")] = time_text(value) if value else None
    return shown


def _make_default(stored: StoredData, org: str) -> None:
    """Make the organisation that the first key would make, where there is none yet."""
    places = stored.places()
    if org == _DEFAULT_ORG and not places.page(Kind.ORGANISATION, 1):
        places.create(Kind.ORGANISATION, org, "")


def _embedder(data: Path) -> Embedder | None:
    try:
        return load_embedder("wordllama", DataDir(data).models)
    except EmbedderUnavailable as missing:
        click.echo(f"nearly identical questions are not looked for: {missing}", err=True)
        return None


def _told(lines: int) -> None:
    if lines % _TOLD_EVERY == 0:
        click.echo(f"{lines:,} lines", err=True)


def _taken_shown(taken: Taken) -> dict[str, Any]:
    return import_shown(taken.record) | {
        "was_there": taken.was_there,
        "without_tags_and_keys": taken.coarse,
        "remedies": taken.remedies,
        **({"models": by_model(taken.sums)} if taken.sums else {}),
    }


def _say(path: Path, taken: Taken, *, dry_run: bool) -> None:
    record = taken.record
    if taken.was_there:
        click.echo(f"{path}: this content was imported already as {record.id}; nothing changed.")
        return
    kept = "would be kept" if dry_run else f"are kept as {record.id}"
    click.echo(
        f"{path}: {record.source}, {record.lines:,} lines of {time_text(record.start_ns)} to "
        f"{time_text(record.end_ns)}, {record.rows:,} sums {kept}; {record.skipped:,} lines of "
        f"other things passed over, {record.bad:,} could not be read."
    )
    if taken.coarse:
        click.echo("  So many sums that some of them name neither tags nor keys.")
    _say_repeats(taken.repeats)
    for remedy, count in taken.remedies.items():
        click.echo(f"  {count:,} lines: {remedy}")
    _say_problems(taken.problems, record.bad)


def _say_repeats(repeats: Repeats | None) -> None:
    if repeats is None:
        return
    if not repeats.calls:
        click.echo("  What was asked isn't in it, so what repeats can't be told.")
        return
    share = repeats.repeated / repeats.calls
    click.echo(
        f"  {repeats.repeated:,} of {repeats.calls:,} calls ({share:.1%}) asked"
        f" what had been paid for within {repeats.within_s / 3600:g} h, for "
        f"{display_usd(NanoUSD(repeats.repeated_cost))} of {display_usd(NanoUSD(repeats.cost))}"
        + (f"; {repeats.unseen:,} calls don't say what was asked." if repeats.unseen else ".")
    )
    if repeats.near is not None:
        near = repeats.near
        click.echo(
            f"  Of the newest {near.looked_at:,} different questions {near.middle:,} are nearly an "
            f"earlier one ({near.low:,} to {near.high:,}; likelihood by {near.embedder})."
        )


def _say_problems(problems: list[Problem], count: int) -> None:
    for one in problems[:_SHOWN_PROBLEMS]:
        click.echo(f"  line {one.line}: {one.message}; {one.remedy}", err=True)
    if count > _SHOWN_PROBLEMS:
        click.echo(f"  and {count - _SHOWN_PROBLEMS:,} more; --json shows a hundred", err=True)


def _repeats_of(record: UsageImport) -> Repeats | None:
    if record.repeats == "{}":
        return None
    return msgspec.json.decode(record.repeats, type=Repeats)


def _find(found: list[UsageImport], wanted: str) -> UsageImport:
    if len(wanted) >= _ID_PREFIX_MIN:
        fitting = [one for one in found if one.id.startswith(wanted)]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            raise InvalidRequest(f"{wanted!r} begins several ids; write more of it")
    raise NotFound(f"there is no import {wanted!r}; `legato baseline list` shows them")


def _row(one: UsageImport) -> tuple[str, ...]:
    return (
        one.id, one.org, one.source, one.name, time_text(one.start_ns), time_text(one.end_ns),
        f"{one.lines:,}", f"{one.rows:,}", f"{one.bad:,}", time_text(one.at_ns),
    )  # fmt: skip


def _fields(one: UsageImport) -> list[tuple[str, object]]:
    names = ("id", "org", "source", "name", "digest", "lines", "skipped", "bad", "rows", "calls")
    times = [(name, time_text(getattr(one, f"{name}_ns"))) for name in ("start", "end", "at")]
    return [(name, getattr(one, name)) for name in names] + times


def _model_row(one: dict[str, Any]) -> tuple[str, ...]:
    requests = "unknown" if one["requests"] is None else f"{one['requests']:,}"
    return (
        one["vendor"], one["model"], one["currency"], requests, f"{one['input_tokens']:,}",
        f"{one['output_tokens']:,}", one["cost"] or "unknown", f"{one['lines_without_cost']:,}",
    )  # fmt: skip
