"""Everything that is held about a person, as one archive: JSON by kind, and a page to read."""

import html
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import msgspec

from legato.app.desks.erasing import Rooms, belongs
from legato.app.desks.subject_opening import Opener, export_context
from legato.core.clock import Clock
from legato.core.erasure import Subject
from legato.core.errors import InvalidRequest
from legato.core.ids import IdSource
from legato.core.tenant import Tenant
from legato.storage.erasing import Meant
from legato.storage.erasures import ErasureStore
from legato.storage.privacy.people import KINDS, Kind
from legato.storage.privacy.subject_exports import ExportRecord, NewExport, SubjectExports
from legato.storage.privacy.subject_rows import PLACES, SubjectRows
from legato.vault.envelope import Envelopes

REASON_MAX: Final = 2_000
_PART_BYTES: Final = 256 * 1024
_NS_PER_S: Final = 1_000_000_000
Things = Iterator[dict[str, Any]]


class Stores(NamedTuple):
    """What an export reads and writes."""

    erasures: ErasureStore
    rows: SubjectRows
    exports: SubjectExports


class SubjectExporting:
    """One organisation's. Blocking; methods may raise StorageUnavailable and VaultUnusable."""

    def __init__(
        self,
        tenant: Tenant,
        stores: Stores,
        rooms: Rooms,
        sealing: Envelopes,
        *,
        clock: Clock,
    ) -> None:
        self._org = tenant.org
        self._stores = stores
        self._rooms = rooms
        self._sealing = sealing
        self._opener = Opener(tenant.org, sealing)
        self._clock = clock
        self._new_id = IdSource(clock).new

    def begin(self, subject: Subject, author: str, reason: str) -> "SubjectExport":
        """Record who asks and why, and return what is then read.

        Raises:
            InvalidRequest: there is no reason.
        """
        told = reason.strip()[:REASON_MAX]
        if not told:
            raise InvalidRequest("an export about a person needs its reason", param="reason")
        export_id = self._new_id()
        sealed = self._sealing.seal(self._org, told.encode(), export_context(export_id))
        self._stores.exports.begin(NewExport(export_id, subject, author, sealed))
        meant = Meant(self._stores.erasures.requests(subject), subject.user)
        return SubjectExport(
            export_id,
            f"{self._org}: {subject.user or subject.request_id}",
            lambda kind: self._things(kind, meant),
            lambda counts: self._stores.exports.end(export_id, counts),
            at=_time(self._clock.now_ns()),
        )

    def page(self, count: int, before_id: str | None) -> list[tuple[ExportRecord, str]]:
        """Return exports that were made, newest first, with their reasons."""
        found = []
        for one in self._stores.exports.page(count, before_id):
            row = {"id": one.id, "sealed": one.sealed}
            reason = self._opener.opened("subject_export", row)["content"] if one.sealed else ""
            found.append((one, reason))
        return found

    def _things(self, kind: str, meant: Meant) -> Things:
        """Yield all of one kind as plain data."""
        rows = self._stores.rows
        if kind not in PLACES:
            yield from self._otherwise(meant)[kind]()
            return
        for table, row in rows.of_kind(kind, meant):
            shown = {"table": table, **self._opener.opened(table, row)}
            if table == "guard_sample":
                shown["judgements"] = self._said("guard_judgement", rows.judgements([row["id"]]))
            elif table == "review_item":
                shown["labels"] = self._said("review_label", rows.labels([row["id"]]))
            elif table == "human_task":
                shown["votes"] = self._said("human_task_vote", rows.task_votes([row["id"]]))
                shown["events"] = self._said("human_task_event", rows.task_events([row["id"]]))
            yield shown

    def _otherwise(self, meant: Meant) -> dict[str, Callable[[], Things]]:
        """Return how kinds are read that aren't rows with a column for whom they are about."""
        rows = self._stores.rows
        return {
            "accounts": lambda: self._accounts(meant),
            "limits": lambda: self._limits(meant),
            "dataset cases": lambda: self._cases(meant),
            "batch lines": lambda: self._lines(meant),
            "router questions": lambda: self._questions(meant),
            "traces": lambda: rows.traces(meant),
            "audit events": lambda: (msgspec.to_builtins(one) for one in rows.events(meant)),
        }

    def _said(self, table: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [self._opener.opened(table, one) for one in rows]

    def _accounts(self, meant: Meant) -> Things:
        for table, row in self._stores.rows.accounts(meant):
            yield {"table": table, **self._opener.opened(table, row)}

    def _limits(self, meant: Meant) -> Things:
        for table, row in self._stores.rows.limits(meant):
            yield {"table": table, **row}

    def _cases(self, meant: Meant) -> Things:
        _, fits = belongs(meant)
        for digest, case in self._rooms.datasets.fitting(fits):
            yield {"cases_digest": digest, **msgspec.to_builtins(case)}

    def _lines(self, meant: Meant) -> Things:
        for file_id, line in self._rooms.files.lines(meant.user, meant.requests):
            yield {"file_id": file_id, "line": line}

    def _questions(self, meant: Meant) -> Things:
        of_subject, _ = belongs(meant)
        if self._rooms.router_questions is not None:
            for digest, origins in self._rooms.router_questions(of_subject):
                yield {"router": digest, "origins": msgspec.to_builtins(origins)}


class SubjectExport:
    """One that was begun: its parts are read once. Memory holds a part, and who was asked when."""

    def __init__(
        self,
        export_id: str,
        about: str,
        things: Callable[[str], Things],
        end: Callable[[dict[str, int]], None],
        *,
        at: str,
    ) -> None:
        self.id = export_id
        self._about = about
        self._at = at
        self._things = things
        self._end = end
        self._sent: dict[tuple[str, ...], list[int]] = {}

    def parts(self) -> Iterator[bytes]:
        """Yield the archive; only when all was read is it recorded as given."""
        sink = _Sink()
        counts: dict[str, int] = {}
        with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
            for kind in KINDS:
                with archive.open(f"{_file(kind)}.json", "w", force_zip64=True) as file:
                    count = 0
                    for thing in self._things(kind.name):
                        if kind.name == "ledger entries":
                            self._note_sent(thing)
                        file.write(b"[\n" if count == 0 else b",\n")
                        file.write(_json(thing))
                        count += 1
                        if sink.waiting >= _PART_BYTES:
                            yield sink.taken()
                    file.write(b"\n]\n" if count else b"[]\n")
                counts[kind.name] = count
            archive.writestr("sent.json", _json(self._told_sent()) + b"\n")
            archive.writestr("index.html", self._index(counts))
        yield sink.taken()
        self._end(counts)

    def _note_sent(self, entry: dict[str, Any]) -> None:
        if not entry["provider"]:  # an answer of the cache went nowhere
            return
        where = tuple(entry[one] for one in ("provider", "deployment", "model", "region"))
        at_ns = entry["at_ns"]
        found = self._sent.setdefault(where, [0, at_ns, at_ns])
        found[:] = [found[0] + 1, min(found[1], at_ns), max(found[2], at_ns)]

    def _told_sent(self) -> list[dict[str, Any]]:
        return [
            {
                "provider": provider, "deployment": deployment, "model": model, "region": region,
                "entries": count, "first": _time(first), "last": _time(last),
            }
            for (provider, deployment, model, region), (count, first, last)
            in sorted(self._sent.items())
        ]  # fmt: skip

    def _index(self, counts: dict[str, int]) -> str:
        kinds = [
            f"<tr><td><a href='{_file(kind)}.json'>{html.escape(kind.name)}</a></td>"
            f"<td>{counts[kind.name]}</td><td>{html.escape(kind.about)}</td>"
            f"<td>{html.escape(f'stays: {kind.stays}' if kind.stays else 'goes')}</td></tr>"
            for kind in KINDS
        ]
        names = ("provider", "deployment", "model", "region", "entries", "first", "last")
        sent = [
            "<tr>" + "".join(f"<td>{html.escape(str(one[name]))}</td>" for name in names) + "</tr>"
            for one in self._told_sent()
        ]
        heads = "".join(f"<th>{name}</th>" for name in names)
        return _PAGE.format(
            about=html.escape(self._about),
            at=self._at,
            kinds="\n".join(kinds),
            heads=heads,
            sent="\n".join(sent) or "<tr><td colspan=7>nowhere</td></tr>",
        )


class _Sink(io.RawIOBase):
    """Takes what a zip file writes in order, and gives it away."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.waiting = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        part = bytes(data)
        self._parts.append(part)
        self.waiting += len(part)
        return len(part)

    def taken(self) -> bytes:
        taken = b"".join(self._parts)
        self._parts, self.waiting = [], 0
        return taken


def _file(kind: Kind) -> str:
    return kind.name.replace(" ", "-")


def _json(thing: Any) -> bytes:
    said = json.dumps(thing, indent=1, ensure_ascii=False, default=msgspec.to_builtins)
    return said.encode("utf-8", "replace")


def _time(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns // _NS_PER_S, UTC).isoformat()


_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>What is held about you</title>
<style>body{{font:16px/1.5 sans-serif;max-width:70em;margin:2em auto;padding:0 1em}}
table{{border-collapse:collapse}}td,th{{border:1px solid #999;padding:.3em .6em;
text-align:left;vertical-align:top}}</style></head><body>
<h1>What is held about you</h1>
<p>{about}, as of {at}. Each file beside this page is JSON. Times that end in <code>_ns</code> are
nanoseconds since 1970 (UTC); costs are billionths of a US dollar. In place of your name stands a
pseudonym: whoever has no key of this instance can't make it of your name.</p>
<h2>What there is</h2>
<table><tr><th>kind</th><th>how many</th><th>what it is</th>
<th>if you ask for it to be erased</th></tr>
{kinds}</table>
<h2>Where your requests were sent</h2>
<table><tr>{heads}</tr>
{sent}</table>
</body></html>
"""
