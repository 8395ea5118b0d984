"""An evaluation as a durable run: block after block of cases, each answer recorded once.

A run that is taken up again asks nobody anew whose answer is recorded; an answer that was under
way is asked for again. Both calls stand in the ledger with the run's name, so what the repetition
cost is seen: the ledger says more than the answers do.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from functools import partial
from time import monotonic
from typing import Any, Final, NamedTuple, TypeVar

from legato.core.clock import Clock
from legato.core.durable import Steps
from legato.core.errors import LegatoError, StorageUnavailable
from legato.evaluation.blocks import Allowance, Ask, BlockWork, asks_of
from legato.evaluation.datasets import BLOCK_CASES, Datasets
from legato.evaluation.evaluations import Evaluations
from legato.evaluation.gateway_calls import Target
from legato.evaluation.rehearsing import Rehearsals
from legato.evaluation.turns import Turn, Turns
from legato.storage.evaluation.evaluations import OPEN

log = logging.getLogger(__name__)

WORKFLOW: Final = "evaluation"
QUEUE: Final = "evaluations"
AT_ONCE: Final = 24
"""Evaluations that one process has under way. Few of them work; the others wait for a turn."""
WORKING: Final = 2
"""Evaluations of one process that ask for answers at a time."""
TAG: Final = "evaluation"
"""Which tag of an entry names the run."""
_NO_STORE: Final = {"cache-control": "no-store"}
Result = TypeVar("Result")


class Rooms(NamedTuple):
    """What one organisation's runs work with."""

    evaluations: Evaluations
    datasets: Datasets


class _Some(NamedTuple):
    """Part of the work of a block."""

    block: int
    number: int
    """The round of the evaluation."""
    turn: Turn


class EvaluationRun:
    """The workflow, with what it needs. `stop` lets calls under way end and begins no other."""

    def __init__(
        self,
        rooms: Callable[[str], Rooms],
        base_url: str,
        credential: Callable[[str, dict[str, str]], str],
        clock: Clock,
        *,
        rehearsals: Rehearsals,
    ) -> None:
        """`credential` acts for a key, with tags for its entries in the ledger.

        `rehearsals` run the workflows that suites name.
        """
        self._rooms = rooms
        self._base_url = base_url
        self._credential = credential
        self._now_ns = clock.now_ns
        self._rehearsals = rehearsals
        self._stopping = threading.Event()
        self._working: set[Allowance] = set()
        self._turns = Turns(WORKING, monotonic)

    def __call__(self, steps: Steps, argument: Any) -> str:
        """Run one round of an evaluation to its end; return how it ended."""
        org, evaluation_id, number = argument
        blocks = steps.do("begin", self._guarded(org, evaluation_id, self._begin))
        for block in range(int(blocks or 0)):
            work = partial(self._block, block=block, number=number)
            steps.do(f"block {block}", self._guarded(org, evaluation_id, work))
        return str(steps.do("end", self._guarded(org, evaluation_id, self._end)))

    def stop(self) -> None:
        """Begin no call any more."""
        self._stopping.set()

    @property
    def under_way(self) -> int:
        """How many answers have been asked for and are not recorded."""
        return sum(one.under_way for one in tuple(self._working))

    def _guarded(
        self, org: str, evaluation_id: str, work: Callable[[Rooms, str], Result]
    ) -> Callable[[], Result | None]:
        """Return a step that waits for the database, and ends the run where it can't go on."""

        def step() -> Result | None:
            while True:
                try:
                    return work(self._rooms(org), evaluation_id)
                except StorageUnavailable as error:
                    log.warning("an evaluation waits", extra={"reason": error.message})
                    if self._stopping.wait(1.0):
                        threading.Event().wait()  # unrecorded: the next life does it again
                except LegatoError as error:
                    self._fail(org, evaluation_id, error.message)
                    return None
                except Exception:
                    log.exception("an evaluation failed", extra={"evaluation": evaluation_id})
                    self._fail(org, evaluation_id, "Legato failed; the log has the details")
                    return None

        return step

    def _begin(self, rooms: Rooms, evaluation_id: str) -> int:
        store = rooms.evaluations.store
        store.change(evaluation_id, ("waiting",), status="running")
        plan = rooms.evaluations.plan(store.get(evaluation_id))
        return -(-plan.cases // BLOCK_CASES)

    def _block(self, rooms: Rooms, evaluation_id: str, *, block: int, number: int) -> None:
        """Have the answers of a block, in as many turns as it takes beside other organisations."""
        org = rooms.evaluations.org
        left = True
        while left:
            with self._turns.taken(org, self._stopping) as turn:
                if turn is None:
                    threading.Event().wait()  # unrecorded: the next life does it again
                    return
                work = _Some(block, number, turn)
                left = self._some(rooms, evaluation_id, work)

    def _some(self, rooms: Rooms, evaluation_id: str, some: _Some) -> bool:
        """Have answers for a turn; return whether some may be left."""
        record = rooms.evaluations.store.get(evaluation_id)
        if record.status != "running" or record.round != some.number:
            return False
        plan = rooms.evaluations.plan(record)
        first = some.block * BLOCK_CASES
        cases = rooms.datasets.block(plan.digest, some.block)
        done = rooms.evaluations.store.recorded(evaluation_id, first, first + len(cases))
        asks = [one for one in asks_of(plan, first, cases) if one.place not in done]
        if not asks:
            return False
        allowance = Allowance(record.cost, record.cost_max, self._stopping, some.turn.over)
        target = Target(
            self._base_url,
            self._credential(record.key_id, {TAG: evaluation_id}),
            _NO_STORE if plan.cache == "bypass" else {},
        )
        work = BlockWork(
            rooms.evaluations,
            record,
            plan,
            target,
            stopping=self._stopping,
            rehearsals=self._rehearsals,
        )
        asyncio.run(self._answer_all(work, asks, allowance))
        if allowance.refused:
            told = f"the gateway refuses its calls: {allowance.refused}"
            self._finish(rooms, evaluation_id, "failed", told)
        elif allowance.capped:
            self._finish(rooms, evaluation_id, "capped", "the cost cap is reached")
        return allowance.yielded

    async def _answer_all(self, work: BlockWork, asks: Sequence[Ask], allowance: Allowance) -> None:
        self._working.add(allowance)
        try:
            await work.answer(asks, allowance, self._now_ns)
        finally:
            self._working.discard(allowance)
        if self._stopping.is_set():
            # the step must not be recorded as done: it waits here for the process to end
            await asyncio.get_running_loop().create_future()

    def _end(self, rooms: Rooms, evaluation_id: str) -> str:
        record = rooms.evaluations.store.get(evaluation_id)
        if record.status == "running":
            plan = rooms.evaluations.plan(record)
            gone = rooms.datasets.erased(plan.digest, plan.split) - plan.erased
            answers = record.answers - gone * len(plan.subjects) * plan.repetitions
            if record.done >= answers:
                self._finish(rooms, evaluation_id, "done", "")
        return rooms.evaluations.store.get(evaluation_id).status

    def _fail(self, org: str, evaluation_id: str, told: str) -> None:
        self._finish(self._rooms(org), evaluation_id, "failed", told)

    def _finish(self, rooms: Rooms, evaluation_id: str, status: str, told: str) -> None:
        rooms.evaluations.store.change(
            evaluation_id, OPEN, status=status, told=told, ended_at_ns=self._now_ns()
        )
