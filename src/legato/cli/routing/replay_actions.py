"""What `legato replay` does."""

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import click
import msgspec

from legato.app.checks.instance import find_instance
from legato.app.desks.replaying import open_replay, without_trace
from legato.app.desks.stored_data import StoredData, stored_data
from legato.cli.spans import Moment
from legato.core.clock import SystemClock
from legato.core.errors import NotFound
from legato.core.money import NanoUSD, exact_usd
from legato.replay.deciding import Replayed, Verdict
from legato.replay.report import Tally, calls_model, replayed

_SHOWN_MAX: Final = 50
_NO_TRACE: Final = (
    "no trace is kept: it had its time, its worker was killed before it wrote one, or it still runs"
)

Trace = dict[str, Any]
Span = tuple[int, int]
"""From when and before when, ns."""


class Wanted(NamedTuple):
    """Which requests."""

    since: Moment | None
    until: Moment | None
    request_id: str | None
    limit: int | None
    access_now: bool = False

    def span(self) -> Span:
        """Return from when and before when."""
        now_ns = SystemClock().now_ns()
        since_ns = self.since.before(now_ns) if self.since else 0
        return since_ns, self.until.before(now_ns) if self.until else now_ns


def replay(
    data: Path, config_file: Path | None, wanted: Wanted, *, as_json: bool, strict: bool
) -> int:
    """Print what came of it; return the exit status."""
    instance = find_instance(data, config_file)
    tally, seen, span = Tally(), set[str](), wanted.span()
    with stored_data(instance) as stored:
        again = open_replay(instance, stored, access_now=wanted.access_now)
        told = _Told(as_json=as_json, alone=wanted.request_id is not None)
        traces = _traces(stored, wanted, span, seen)
        whole = wanted.request_id is None and wanted.limit is None
        lost = _lost(stored, span, seen, tally) if whole else iter(())
        for one in chain(replayed(traces, stored.entries(), again, tally), lost):
            told.tell(one)
    if not as_json:
        _print(tally)
    different, missing = (tally.verdicts[v] for v in (Verdict.DIFFERENT, Verdict.UNREPLAYABLE))
    return int(bool(different or not tally.replayable or (strict and missing)))


class _Told:
    """Prints requests one by one: all as JSON, else those that differ, up to a number."""

    def __init__(self, *, as_json: bool, alone: bool) -> None:
        self._as_json = as_json
        self._alone = alone
        self._shown = 0

    def tell(self, one: Replayed) -> None:
        """Print a line, or none."""
        if self._as_json:
            click.echo(msgspec.json.encode(one))
        elif one.verdict is Verdict.DIFFERENT and self._shown < _SHOWN_MAX:
            self._shown += 1
            click.echo(f"{one.request_id} differs: {'; '.join(one.causes)}")
        elif one.verdict is Verdict.UNREPLAYABLE and self._alone:
            click.echo(f"{one.request_id} can't be replayed: {'; '.join(one.causes)}")


def _traces(
    stored: StoredData, wanted: Wanted, span: Span, seen: set[str]
) -> Iterator[dict[str, Any]]:
    """Yield the traces that are wanted; what was met is noted. Raises NotFound."""
    reader = stored.entries()
    if wanted.request_id is not None:
        found = reader.trace(wanted.request_id)
        if found is None:
            raise NotFound(f"{wanted.request_id}: {_NO_TRACE}")
        yield found
        return
    since_ns, until_ns = span
    calls = (one for one in reader.traces(since_ns) if one["at_ns"] < until_ns and calls_model(one))
    for one in islice(calls, wanted.limit):
        seen.add(one["request_id"])
        yield one


def _lost(stored: StoredData, span: Span, seen: set[str], tally: Tally) -> Iterator[Replayed]:
    """Yield what the ledger has and no trace tells of."""
    for request_id in without_trace(stored, seen, *span):
        one = Replayed(request_id, Verdict.UNREPLAYABLE, (_NO_TRACE,))
        tally.add(one, None)
        yield one


def _print(tally: Tally) -> None:
    reproduced, different = (
        tally.verdicts[verdict] for verdict in (Verdict.REPRODUCED, Verdict.DIFFERENT)
    )
    share = "" if tally.share is None else f" ({tally.share:.4%})"
    click.echo(f"{tally.requests} requests, {tally.replayable} of them can be replayed")
    click.echo(f"reproduced: {reproduced}{share}, ${exact_usd(NanoUSD(tally.nanodollars))}")
    click.echo(f"different: {different}")
    for cause, count in tally.causes.most_common():
        click.echo(f"not replayable: {count}, {cause}")
