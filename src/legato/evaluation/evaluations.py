"""Evaluations as people see them: started, shown, cancelled, resumed, by their organisation."""

from collections.abc import Callable
from typing import Final, Protocol

import msgspec

from legato.core.clock import Clock
from legato.core.errors import Conflict, Erased, Forbidden, InvalidRequest
from legato.evaluation.answering import Judged
from legato.evaluation.datasets import Sealing
from legato.evaluation.plans import Plan
from legato.evaluation.scoring import Answer
from legato.storage.evaluation.evaluations import (
    OPEN,
    AnswerRecord,
    EvaluationRecord,
    EvaluationStore,
)

RESUMABLE: Final = ("cancelled", "failed", "capped")


class Acting(Protocol):
    """For whom an evaluation acts."""

    @property
    def key_id(self) -> str:
        """The key whose limits, budgets and permissions hold."""
        ...

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    @property
    def team(self) -> str:
        """Its team."""
        ...

    @property
    def feature(self) -> str:
        """Its feature."""
        ...


class Evaluations:
    """One organisation's. Blocking: call it in a thread. Methods may raise StorageUnavailable."""

    def __init__(
        self,
        org: str,
        store: EvaluationStore,
        sealing: Sealing,
        clock: Clock,
        *,
        new_id: Callable[[], str],
    ) -> None:
        self.org = self._org = org
        self.store = store
        self._sealing = sealing
        self._now_ns = clock.now_ns
        self._new_id = new_id

    def start(
        self,
        plan: Plan,
        acting: Acting,
        *,
        name: str,
        cost_max: int | None,
        author: str = "",
    ) -> EvaluationRecord:
        """Keep a new evaluation, which the batch process takes up; `cost_max` is nano-USD.

        `author` is who started it, the key it acts for where it isn't said.
        """
        evaluation_id = self._new_id()
        plan = msgspec.structs.replace(plan, team=acting.team, feature=acting.feature)
        sealed = self._sealing.seal(
            self._org, msgspec.json.encode(plan), content_context(evaluation_id, "plan")
        )
        record = EvaluationRecord(
            org=self._org,
            id=evaluation_id,
            key_id=acting.key_id,
            author=author or f"key:{acting.name}",
            name=name,
            status="waiting",
            sealed=sealed,
            answers=plan.answers,
            cost_max=cost_max,
            created_at_ns=self._now_ns(),
        )
        self.store.create(record)
        return record

    def plan(self, record: EvaluationRecord) -> Plan:
        """Return what an evaluation does. Raises Erased: its key was destroyed."""
        return msgspec.json.decode(self._opened(record.id, record.sealed, "plan"), type=Plan)

    def cancel(self, evaluation_id: str) -> EvaluationRecord:
        """Begin no further answer. Raises NotFound, Conflict."""
        now_ns = self._now_ns()
        done = self.store.change(
            evaluation_id, OPEN, status="cancelled", told="cancelled", ended_at_ns=now_ns
        )
        record = self.store.get(evaluation_id)
        if not done and record.status != "cancelled":
            raise Conflict(f"id: an evaluation that is {record.status} can't be cancelled")
        return record

    def resume(
        self, evaluation_id: str, acting: Acting, cost_max: int | None = None
    ) -> EvaluationRecord:
        """Let one that was cut go on, for the key that started it: what is recorded stays.

        `cost_max` (nano-USD, of all rounds together) replaces the one it was started with.

        Raises:
            NotFound, Conflict.
            Forbidden: another key than the one whose money it spends allows more.
        """
        record = self.store.get(evaluation_id)
        if cost_max is not None and acting.key_id != record.key_id:
            msg = "cost_max_usd: the key that started this evaluation pays; let it allow more"
            raise Forbidden(msg, param="cost_max_usd")
        limit = record.cost_max if cost_max is None else cost_max
        if record.status == "capped" and limit is not None and limit <= (record.cost_max or 0):
            msg = "cost_max_usd: that is what it ended at; allow more"
            raise InvalidRequest(msg, param="cost_max_usd")
        resumed = self.store.change(
            evaluation_id,
            RESUMABLE,
            status="waiting",
            told="",
            ended_at_ns=None,
            cost_max=limit,
            round=record.round + 1,
        )
        record = self.store.get(evaluation_id)
        if not resumed:
            raise Conflict(f"id: an evaluation that is {record.status} can't be resumed")
        return record

    def sealed_answer(self, evaluation_id: str, judged: Judged, place: str) -> bytes:
        """Return what is kept of an answer."""
        data = msgspec.json.encode(judged)
        return self._sealing.seal(self._org, data, content_context(evaluation_id, place))

    def answer(self, evaluation_id: str, record: AnswerRecord) -> Judged:
        """Return a recorded answer, without a text and reasons where those were erased.

        Raises:
            Erased: its key was destroyed.
        """
        if not record.sealed:
            return Judged(Answer(request_id=record.request_id, error=Erased.code), ())
        place = place_of(record.case_number, record.subject, record.repetition)
        return msgspec.json.decode(self._opened(evaluation_id, record.sealed, place), type=Judged)

    def _opened(self, evaluation_id: str, sealed: bytes, what: str) -> bytes:
        try:
            return self._sealing.open(self._org, sealed, content_context(evaluation_id, what))
        except ValueError:
            msg = "id: what is kept of this evaluation can't be opened: its key is gone"
            raise Erased(msg, param="id") from None


def place_of(case_number: int, subject: int, repetition: int) -> str:
    """Return what an answer's sealed content is bound to."""
    return f"{case_number}/{subject}/{repetition}"


def content_context(evaluation_id: str, what: str) -> bytes:
    """Return what a plan or an answer is bound to."""
    return f"evaluation\x00{evaluation_id}\x00{what}".encode()
