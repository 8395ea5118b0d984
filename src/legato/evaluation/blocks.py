"""The answers to one block of cases: asked for some at once, judged, recorded one by one."""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from legato.core.errors import StorageUnavailable
from legato.core.records import EntryKind
from legato.core.tasks import spawn
from legato.evaluation.answering import CHAT, Judged, judged, read_answer, request_body
from legato.evaluation.evaluations import Evaluations, place_of
from legato.evaluation.gateway_calls import (
    PURPOSE_HEADER,
    ROUTE_HEADER,
    GatewayCaller,
    Refused,
    Stopped,
    Target,
)
from legato.evaluation.plans import Plan, Subject
from legato.evaluation.rehearsing import Rehearsals, input_of, rehearsed, run_id_of
from legato.evaluation.scorers.table import read_scorers
from legato.evaluation.scoring import Answer, Case
from legato.flow.rehearsal import Rehearsal, RehearsalAsked
from legato.storage.evaluation.evaluations import AnswerRecord, EvaluationRecord

if TYPE_CHECKING:
    import aiohttp

log = logging.getLogger(__name__)

_LOOK_S: Final = 0.3
_WAIT_S: Final = 0.02
_AGAIN_S: Final = 0.1
_AGAIN_MAX_S: Final = 5.0


class Ask(NamedTuple):
    """One answer that is to be had."""

    case_number: int
    subject: int
    repetition: int
    case: Case

    @property
    def place(self) -> tuple[int, int, int]:
        """Which of a run's answers it is."""
        return self.case_number, self.subject, self.repetition


def asks_of(plan: Plan, first: int, cases: Sequence[Case]) -> Iterator[Ask]:
    """Yield what a plan asks about cases, of which the first has that number."""
    for number, case in enumerate(cases, first):
        if case.erased or (plan.split and case.split != plan.split):
            continue
        for repetition in range(plan.repetitions):
            for subject in range(len(plan.subjects)):
                yield Ask(number, subject, repetition, case)


class Allowance:
    """What a block may still spend, and whether it may go on."""

    def __init__(
        self,
        spent: int,
        cap: int | None,
        stopping: threading.Event,
        turn_over: Callable[[], bool] = lambda: False,
    ) -> None:
        """Amounts are nano-USD. `turn_over` tells that others are to work now."""
        self._spent = spent
        self._cap = cap
        self._dearest = 0
        self._stopping = stopping
        self._turn_over = turn_over
        self.yielded = False
        """Others work now: answers may be left, and nobody has ended the run."""
        self.under_way = 0
        self.open = True
        self.capped = False
        self.refused = ""
        """The code of what the gateway refuses the whole run for."""

    def may_go_on(self) -> bool:
        """Whether nobody has ended the run."""
        return self.open and not self.refused and not self._stopping.is_set()

    async def begin(self) -> bool:
        """Return once another answer may be asked for, False where none may any more.

        Each that is under way, and this one, may cost as the dearest so far. So the cap is passed
        only where one is dearer than all before it.
        """
        while self.may_go_on() and not (self.capped or self.yielded):
            if self._affords_another():
                if self._turn_over():
                    self.yielded = True
                    break
                self.under_way += 1
                return True
            if not self.under_way:
                self.capped = True
            else:
                await asyncio.sleep(_WAIT_S)
        return False

    def _affords_another(self) -> bool:
        if self._cap is None:
            return True
        left = self._cap - self._spent
        return left > 0 and left >= (self.under_way + 1) * self._dearest

    def end(self, cost: int) -> None:
        """Count what one answer cost with its scoring."""
        self.under_way -= 1
        self._spent += cost
        self._dearest = max(self._dearest, cost)


class BlockWork:
    """Answers of one evaluation."""

    def __init__(
        self,
        evaluations: Evaluations,
        record: EvaluationRecord,
        plan: Plan,
        target: Target,
        *,
        stopping: threading.Event,
        rehearsals: Rehearsals,
    ) -> None:
        """`stopping` is set once this process is to end; `rehearsals` run workflows."""
        self._evaluations = evaluations
        self._record = record
        self._plan = plan
        self._target = target
        self._stopping = stopping
        self._rehearsals = rehearsals
        self._scorers = read_scorers(plan.scorers)

    async def answer(
        self, asks: Sequence[Ask], allowance: Allowance, now_ns: Callable[[], int]
    ) -> None:
        """Have the answers, some at once, while the evaluation may go on.

        Raises:
            StorageUnavailable: one can't be recorded before this process ends; it is asked for
                again.
        """
        waiting = iter(asks)
        owned: set[asyncio.Task[Any]] = set()

        async def answer_some(session: "aiohttp.ClientSession") -> None:
            for ask in waiting:
                if not await allowance.begin():
                    return
                cost = 0
                try:
                    found = await self._judged(session, ask, allowance.may_go_on)
                    cost = await self._kept(ask, found, now_ns())
                except Stopped:
                    return
                except Refused as refusal:
                    allowance.refused = str(refusal)
                    return
                finally:
                    allowance.end(cost)

        import aiohttp  # noqa: PLC0415 - 0.1 s that only those who call pay

        async with aiohttp.ClientSession() as session:
            looking = spawn(self._look(allowance), owner=owned, name="look")
            try:
                some = [answer_some(session) for _ in range(self._plan.concurrency)]
                # one that fails doesn't cut the others' calls: they are paid for
                ended = await asyncio.gather(*some, return_exceptions=True)
            finally:
                allowance.open = False
                looking.cancel()
        for failure in ended:
            if isinstance(failure, BaseException):
                raise failure

    async def _kept(self, ask: Ask, found: Judged, at_ns: int) -> int:
        """Record an answer however long the database is away: it is paid for.

        Returns what it cost with its scoring.
        """
        wait_s = _AGAIN_S
        while True:
            try:
                return await asyncio.to_thread(self._recorded, ask, found, at_ns)
            except StorageUnavailable as error:
                log.warning("an answer waits to be recorded", extra={"reason": error.message})
                if self._stopping.is_set():
                    raise
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, _AGAIN_MAX_S)

    async def _look(self, allowance: Allowance) -> None:
        """Notice that the evaluation was cancelled."""
        while allowance.open:
            await asyncio.sleep(_LOOK_S)
            try:
                found = await asyncio.to_thread(self._evaluations.store.get, self._record.id)
            except StorageUnavailable:  # who records tells of it; nobody can cancel meanwhile
                continue
            if found.status != "running" or found.round != self._record.round:
                allowance.open = False

    async def _judged(
        self, session: "aiohttp.ClientSession", ask: Ask, may_go_on: Callable[[], bool]
    ) -> Judged:
        subject = self._plan.subjects[ask.subject]
        if subject.workflow:
            answer = await self._ran(ask, subject.workflow, may_go_on)
        else:
            answer = await self._asked(session, ask, subject, may_go_on)
        headers = {**self._target.headers, PURPOSE_HEADER: EntryKind.JUDGE.value}
        judging = GatewayCaller(session, self._target._replace(headers=headers), may_go_on)
        return await judged(self._scorers, ask.case, answer, judging)

    async def _asked(
        self,
        session: "aiohttp.ClientSession",
        ask: Ask,
        subject: Subject,
        may_go_on: Callable[[], bool],
    ) -> Answer:
        headers = self._target.headers
        if subject.route:
            headers = {**headers, ROUTE_HEADER: subject.route}
        asking = GatewayCaller(session, self._target._replace(headers=headers), may_go_on)
        return read_answer(await asking.call(CHAT, request_body(self._plan, subject, ask.case)))

    async def _ran(self, ask: Ask, workflow: str, may_go_on: Callable[[], bool]) -> Answer:
        """Have a workflow's answer; its run goes on where only this process ends."""
        record, plan = self._record, self._plan
        asked = RehearsalAsked(
            org=record.org,
            run_id=run_id_of(record.id, record.round, place_of(*ask.place)),
            key_id=record.key_id,
            team=plan.team,
            feature=plan.feature,
            workflow=workflow,
            input=input_of(ask.case),
            rehearsal=Rehearsal(
                evaluation=record.id,
                given=ask.case.given,
                tools=plan.tools,
                fresh=plan.cache == "bypass",
            ),
            end_user=ask.case.origin.user,
        )
        try:
            return await rehearsed(self._rehearsals, asked, may_go_on)
        except Stopped:
            if not self._stopping.is_set():
                await asyncio.to_thread(self._rehearsals.cancel, asked.org, asked.run_id)
            raise

    def _recorded(self, ask: Ask, found: Judged, at_ns: int) -> int:
        """Record an answer; return what it cost with its scoring."""
        answer, scoring_cost = found.answer, found.scoring_cost
        place = place_of(*ask.place)
        self._evaluations.store.record(
            self._record.id,
            AnswerRecord(
                case_number=ask.case_number,
                subject=ask.subject,
                repetition=ask.repetition,
                case_id=ask.case.id,
                weight=ask.case.weight,
                request_id=answer.request_id,
                error=answer.error,
                cost=answer.cost,
                scoring_cost=scoring_cost,
                latency_us=answer.latency_us,
                scores=msgspec.json.encode(found.values).decode(),
                scored=None not in found.values,
                sealed=self._evaluations.sealed_answer(self._record.id, found, place),
                at_ns=at_ns,
                origin_request=ask.case.origin.request_id,
                origin_user=ask.case.origin.user,
            ),
        )
        return (answer.cost or 0) + (scoring_cost or 0)
