"""Runs that evaluations begin: each once, for the key that the evaluation acts for."""

from collections.abc import Callable
from contextlib import suppress
from typing import Final, Protocol

from legato.audit.acting import acting_as
from legato.audit.event import Actor
from legato.core.errors import Conflict, NotFound
from legato.core.tenant import Tenant
from legato.flow.rehearsal import RehearsalAsked, Rehearsed
from legato.storage.workflows.rows import DONE, ENDED, RunRow
from legato.workflows.runs.rooms import Definitions
from legato.workflows.runs.workflows import NewRun, Workflows

_ORIGIN: Final = "evaluation"
_NS_PER_US: Final = 1_000


class Costs(Protocol):
    """Knows what runs cost; blocking."""

    def cost(self, org: str, root: str, since_ns: int) -> int | None:
        """Return what a run's tree cost, nano-USD; None where a call of it was unpriced."""
        ...


class RehearsedRuns:
    """Blocking. Methods may raise StorageUnavailable."""

    def __init__(
        self,
        definitions: Definitions,
        opened: Callable[[Tenant, str], Workflows],
        costs: Costs,
        now_ns: Callable[[], int],
        *,
        settled_s: float,
    ) -> None:
        """`settled_s` is how long after a run's end its cost is known here."""
        self._definitions = definitions
        self._opened = opened
        self._costs = costs
        self._now_ns = now_ns
        self._settled_ns = int(settled_s * 1e9)

    def begin(self, asked: RehearsalAsked) -> None:
        """Begin a run, where it hasn't begun yet.

        Raises:
            NotFound: the version is gone; InvalidRequest: the input doesn't follow its schema.
        """
        resolved = self._definitions.resolve(asked.org, asked.workflow, asked.run_id)
        new = NewRun(
            definition=resolved.definition,
            workflow=resolved.name,
            version=resolved.version,
            input=asked.input,
            author=f"{_ORIGIN}:{asked.rehearsal.evaluation}",
            origin=_ORIGIN,
            test=True,
            run_id=asked.run_id,
            rehearsal=asked.rehearsal,
            end_user=asked.end_user,
        )
        with acting_as(Actor(_ORIGIN, asked.rehearsal.evaluation)):
            self._opened(Tenant(asked.org), asked.org).start(new, asked)

    def outcome(self, org: str, run_id: str) -> Rehearsed | None:
        """Return what came of a run, None while it goes on. Raises NotFound, Erased."""
        found = self._opened(Tenant(org), org)
        row = found.runs.get(run_id)
        if row.ended_at_ns is None or row.status not in ENDED:
            return None
        if self._now_ns() < row.ended_at_ns + self._settled_ns:
            return None
        end = found.opened(row).end
        return Rehearsed(
            output=end.output,
            error="" if row.status == DONE else row.told or row.status,
            told=_told(row, end.message),
            cost=self._cost(row),
            latency_us=(row.ended_at_ns - row.created_at_ns) // _NS_PER_US,
            accepted=row.accepted,
        )

    def cancel(self, org: str, run_id: str) -> None:
        """End a run that goes on."""
        with suppress(Conflict, NotFound):  # it ended meanwhile, or never began
            self._opened(Tenant(org), org).cancel(run_id)

    def _cost(self, row: RunRow) -> int | None:
        spent = self._costs.cost(row.org, row.root, row.created_at_ns)
        return None if spent is None else spent + row.charged


def _told(row: RunRow, message: str) -> str:
    return f"{row.failed_node}: {message}" if row.failed_node and message else message
