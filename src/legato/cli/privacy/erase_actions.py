"""What `legato privacy erase` does."""

from pathlib import Path
from typing import Any, Final

import click
import msgspec

from legato.app.checks.instance import Instance, find_instance
from legato.app.desks.stored_data import StoredData, stored_data
from legato.app.models.vaults import open_data_keys
from legato.cli.options import print_json
from legato.cli.registry_desk import operator
from legato.cli.spans import time_text
from legato.cli.tables import print_table
from legato.core.erasure import Erasure, Subject
from legato.core.errors import InvalidRequest
from legato.core.ids import is_id
from legato.storage.erasures import ErasureRecord
from legato.vault.master import Vault

_COLUMNS: Final = ("id", "time", "by", "of", "erased", "state")


class Wanted(msgspec.Struct, frozen=True):
    """Who is meant: one is given. `subject` is named as callers name them."""

    subject: str | None
    pseudonym: str | None
    request_id: str | None


def erase(
    data: Path,
    config_file: Path | None,
    *,
    org: str,
    as_json: bool,
    by: str | None,
    dry_run: bool,
    **options: Any,
) -> None:
    """Erase, and say what went and what stays; the options are those of `Wanted`."""
    instance = find_instance(data, config_file)
    with stored_data(instance) as stored:
        meant = meant_by(Wanted(**options), instance, stored, org)
        done = stored.erasing(instance, org).erase(meant, operator(by), dry_run=dry_run)
    if as_json:
        print_json(shown(done, org))
    else:
        click.echo("\n".join(_told(done, org)))


def meant_by(wanted: Wanted, instance: Instance, stored: StoredData, org: str) -> Subject:
    """Return who is meant. Raises InvalidRequest."""
    request_id = wanted.request_id or ""
    if request_id and not is_id(request_id):
        told = f"{request_id[:64]!r} is no request's id: it has 32 hex digits"
        raise InvalidRequest(told, param="request")
    if wanted.subject is None:
        return Subject(wanted.pseudonym or "", request_id)
    if not wanted.subject:
        raise InvalidRequest("a subject has a name", param="subject")
    keys = open_data_keys(instance.loaded, instance.data, stored.data_keys())
    return Subject(Vault(keys.root()).pseudonym(org, wanted.subject), "")


def list_erasures(
    data: Path, config_file: Path | None, org: str, *, count: int, as_json: bool
) -> None:
    """Print what was erased before, newest first."""
    instance = find_instance(data, config_file)
    with stored_data(instance) as stored:
        found = stored.erasing(instance, org).store.page(count, None)
    if as_json:
        print_json([msgspec.structs.asdict(one) for one in found])
        return
    print_table(_COLUMNS, [_line(one) for one in found], numbers=("erased",))


def shown(done: Erasure, org: str) -> dict[str, Any]:
    """Return what came of an act as plain data."""
    return {
        "id": done.id or None,
        "org": org,
        "user": done.subject.user or None,
        "request_id": done.subject.request_id or None,
        "dry_run": not done.id,
        "requests": done.requests,
        "erased": done.erased,
        "remains": msgspec.to_builtins(done.remains),
    }


def _told(done: Erasure, org: str) -> list[str]:
    of = f"user {done.subject.user}" if done.subject.user else f"request {done.subject.request_id}"
    head = f"erased in {org}, {of}" if done.id else f"would be erased in {org}, {of}"
    lines = [f"{head} ({done.requests} requests):"]
    lines += [f"  {count:>8} {kind}" for kind, count in done.erased.items()]
    lines.append("stays:")
    for one in done.remains:
        many = "" if one.count is None else f"{one.count} "
        lines.append(f"  {many}{one.what}: {one.why}")
    return lines


def _line(one: ErasureRecord) -> list[str]:
    return [
        one.id,
        time_text(one.at_ns),
        one.author,
        one.end_user or one.request_id,
        str(sum(one.counts.values())),
        "cut off: ask for it again" if one.ended_at_ns is None else "done",
    ]
