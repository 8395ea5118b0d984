"""Replays many requests and counts what came of them."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

import msgspec

from legato.replay.deciding import Replay, Replayed, Verdict
from legato.replay.recorded import Row


class Ledger(Protocol):
    """The ledger, as a replay asks it."""

    def entries_of(self, request_id: str) -> list[dict[str, Any]]:
        """Return the entries of a request in the order they were made."""
        ...


class Tally(msgspec.Struct):
    """Counts by verdict; causes with how often each was met."""

    verdicts: Counter[Verdict] = msgspec.field(default_factory=Counter)
    causes: Counter[str] = msgspec.field(default_factory=Counter)
    nanodollars: int = 0
    """Of the requests that were reproduced."""

    @property
    def requests(self) -> int:
        """All that were looked at."""
        return self.verdicts.total()

    @property
    def replayable(self) -> int:
        """Those of which enough was kept, and that decided something."""
        return self.requests - self.verdicts[Verdict.UNREPLAYABLE]

    @property
    def share(self) -> float | None:
        """Reproduced among the replayable, None where there is none."""
        if not self.replayable:
            return None
        return self.verdicts[Verdict.REPRODUCED] / self.replayable

    def add(self, one: Replayed, cost: int | None) -> None:
        """Count one."""
        self.verdicts[one.verdict] += 1
        if one.verdict is Verdict.UNREPLAYABLE:
            self.causes.update(one.causes)
        elif one.verdict is Verdict.REPRODUCED:
            self.nanodollars += cost or 0


def calls_model(trace: Row) -> bool:
    """Whether a trace is of a call: files, batches and the like decide nothing."""
    return trace["decision"] is not None or bool(trace["deployment"] or trace["model_requested"])


def replayed(
    traces: Iterable[Row], ledger: Ledger, replay: Replay, tally: Tally
) -> Iterator[Replayed]:
    """Yield what came of each call, counting it."""
    for trace in traces:
        if not calls_model(trace):
            continue
        one = replay.request(trace, ledger.entries_of(trace["request_id"]))
        tally.add(one, trace["cost"])
        yield one
