"""A batch that its provider runs, as a durable run: reserve, submit, wait, settle, tidy up.

Each step may be done again after a crash. What must not happen twice can't: whoever submits looks
first for what may have been submitted (`native_submission`); each line is entered under an id of
its own; outcomes that are recorded stay.
"""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from legato.core.clock import Clock
from legato.core.durable import Steps
from legato.core.errors import (
    CallerError,
    ConfigInvalid,
    Forbidden,
    LegatoError,
    NotAccountable,
    ProviderRejected,
    StorageUnavailable,
    Unauthenticated,
    UpstreamError,
)
from legato.core.ids import IdSource
from legato.core.principal import Principal
from legato.providers.batching import BatchStatus
from legato.storage.runs.batches import BatchRecord
from legato.workflows.batch_files import BatchFiles
from legato.workflows.batch_lines import parse, read_lines
from legato.workflows.batches import Batches
from legato.workflows.native_books import Account, NativeBooks, is_held
from legato.workflows.native_lane import Lane, LaneOf, OpenLane, Prepared, Refused, prepared
from legato.workflows.native_results import NativeResults, problem, problems_of
from legato.workflows.native_submission import Claim, Claims, Submissions, TakenOver
from legato.workflows.patience import FIRST_S, Patience

log = logging.getLogger(__name__)

WORKFLOW: Final = "native_batch"
QUEUE: Final = "native batches"
AT_ONCE: Final = 32
"""Batches of one process that wait for providers."""
RUN_SUFFIX: Final = "-native"
_LOST: Final = "lost"
_NOWHERE: Final = "?"
"""In the place of the provider's id: it may have a batch of ours, and nobody could find out."""
_GRACE_NS: Final = 3600 * 1_000_000_000
"""After the completion window: a provider that says nothing for so long has lost the batch."""
_TIDY_TRIES: Final = 5
_CLAIM_LOOK_S: Final = 1.0
_REJECTIONS_MAX: Final = 10
"""So often a batch that we submitted isn't known there: then it is gone."""


class NativeRun:
    """The workflow, with what it needs. `stop` leaves what runs to the next life."""

    def __init__(
        self,
        files: BatchFiles,
        books: NativeBooks,
        results: NativeResults,
        *,
        batches: Batches,
        clock: Clock,
        claims: Claims,
        lane_of: LaneOf,
        principal_of: Callable[[str], Principal | None],
    ) -> None:
        new_id = IdSource(clock).new
        self._submissions = Submissions(claims, clock.now_ns, life=new_id(), new_id=new_id)
        self._patience = Patience(batches)
        self._batches = batches
        self._files = files
        self._books = books
        self._results = results
        self._now_ns = clock.now_ns
        self._lane_of = lane_of
        self._principal_of = principal_of

    def __call__(self, steps: Steps, argument: Any) -> str:
        """Run one batch to its end; return how it ended."""
        org, batch_id = argument

        def do(name: str, work: Callable[..., Any], *given: Any) -> Any:
            return steps.do(name, partial(self._patience.do, partial(work, org, batch_id, *given)))

        hold = do("reserve the budget", self._reserve)
        sent = "" if hold is None else do("submit", self._submit, hold)
        self._submissions.forget(batch_id)
        if sent:
            status = do("wait for the provider", self._wait, sent)
            do("settle the lines", self._settle, hold, (sent, status))
            do("delete the provider's files", self._tidy, sent)
        if hold is not None:
            do("release the budget", self._release)
        return str(do("write the files", self._files.finish))  # last: it ends the batch

    def stop(self) -> None:
        """Do nothing any more."""
        self._patience.stop()

    def _reserve(self, org: str, batch_id: str) -> dict[str, Any] | None:
        """Return the hold and who is to submit; None where nothing is to be submitted."""
        record = self._batches.find(org, batch_id)
        if not self._wanted(record):
            return None
        try:
            lane = self._lane(record, key_id=record.key_id)
            principal = self._principal(record)
            if not principal.may_call(lane.alias):
                raise Forbidden(f"This key may not call {lane.alias!r}.", param="model")
            bounds = []
            held = principal.budget is not None
            for one in prepared(lane.opened(), self._files.lines(record), held=held):
                if isinstance(one, Refused):
                    self._results.refuse(record, lane, one)
                else:
                    bounds.append(one.bound)
            if not bounds:
                return None
            hold = self._books.reserve(batch_id, principal, bounds)
            return hold | self._submissions.intent(len(bounds))
        except (CallerError, NotAccountable, ConfigInvalid, UpstreamError) as error:
            self._fail(record, [problem(error)])
            return None

    def _submit(self, org: str, batch_id: str, hold: dict[str, Any]) -> str:
        """Return the id of the provider's batch; "" where there is none.

        All who do this at the same time return the same.
        """
        record = self._batches.find(org, batch_id)
        claim, wait_s, sent = self._submissions.claim(org, batch_id), FIRST_S, ""
        while not claim.take():
            known = claim.outcome()
            if known is not None:
                return known
            wait_s = self._patience.pause(record, min(wait_s, _CLAIM_LOOK_S))
        try:
            sent = self._submit_claimed(org, batch_id, hold, claim)
        except TakenOver:
            log.warning("a batch was taken over", extra={"batch": batch_id})
        while (settled := claim.settle(sent)) is None:
            wait_s = self._patience.pause(record, min(wait_s, _CLAIM_LOOK_S))
        if sent not in {"", _NOWHERE, settled}:
            log.warning("a batch was submitted twice", extra={"batch": batch_id, "cancelled": sent})
            self._leave_nothing(record, lambda one: one.batcher.cancel(one.send, sent))
        return settled

    def _submit_claimed(self, org: str, batch_id: str, hold: dict[str, Any], claim: Claim) -> str:
        wait_s = FIRST_S
        while True:
            record, absent = self._batches.find(org, batch_id), False
            retry_after_s = 0.0
            try:
                one = self._lane(record).opened()
                one = one._replace(send=claim.guarded(one.send))
                known = self._submissions.find(one, batch_id, hold)
                absent = known == ""
                if known:
                    return known
                if absent and not self._wanted(record):
                    if self._submissions.maybe_sent(batch_id, hold):
                        self._leave_nothing(
                            record, lambda o: o.batcher.withdraw(claim.guarded(o.send), batch_id)
                        )
                    return ""
                if absent:
                    lines = self._written(record, one, hold)
                    return self._submissions.send(one, record, hold, lines)
            except LegatoError as error:
                log.warning("a batch can't be submitted", extra=_told(record, error))
                # what isn't known to be absent may be running there: that must not end here
                if absent and (isinstance(error, ProviderRejected) or not error.retryable):
                    claim.keep()
                    self._fail(record, [problem(error)])
                    return ""
                retry_after_s = error.retry_after_s or 0.0
            if self._now_ns() > record.expires_at_ns + _GRACE_NS:
                return _NOWHERE if self._submissions.maybe_sent(batch_id, hold) else ""
            wait_s = self._patience.pause(record, max(wait_s, retry_after_s))

    def _written(self, record: BatchRecord, one: OpenLane, hold: dict[str, Any]) -> list[bytes]:
        found = prepared(one, self._files.lines(record), held=is_held(hold))
        endpoint = one.endpoint(record.endpoint)
        return [
            one.batcher.line(record.id, str(line.number), endpoint, line.body)
            for line in found
            if isinstance(line, Prepared)
        ]

    def _wait(self, org: str, batch_id: str, sent: str) -> str:
        """Return how the provider's batch ended."""
        wait_s, asked, rejected = FIRST_S, False, 0
        while sent != _NOWHERE:
            record = self._batches.find(org, batch_id)
            retry_after_s = 0.0
            try:
                one = self._lane(record).opened()
                state = one.batcher.look(one.send, sent)
                if state.status is not BatchStatus.RUNNING:
                    return state.status.value
                if not (asked or self._wanted(record)):
                    one.batcher.cancel(one.send, sent)
                    asked = True
            except LegatoError as error:
                log.warning("a provider's batch can't be looked at", extra=_told(record, error))
                rejected += isinstance(error, ProviderRejected)
                overdue = self._now_ns() > record.expires_at_ns + _GRACE_NS
                if overdue or rejected >= _REJECTIONS_MAX:
                    return _LOST
                retry_after_s = error.retry_after_s or 0.0
            wait_s = self._patience.pause(record, max(wait_s, retry_after_s))
        return _LOST

    def _settle(
        self, org: str, batch_id: str, hold: dict[str, Any], ended: tuple[str, str]
    ) -> None:
        sent, status = ended
        record = self._batches.find(org, batch_id)
        wait_s = FIRST_S
        while True:
            try:
                self._settle_once(record, hold, sent, status)
            except (UpstreamError, ConfigInvalid) as error:
                log.warning("results can't be had yet", extra=_told(record, error))
                if self._now_ns() > record.expires_at_ns + _GRACE_NS:
                    status = _LOST
                wait_s = self._patience.pause(record, max(wait_s, error.retry_after_s or 0.0))
            else:
                return

    def _settle_once(
        self, record: BatchRecord, hold: dict[str, Any], sent: str, status: str
    ) -> None:
        lane = self._lane(record)
        one = lane.opened()
        account = Account(record, lane, self._principal(record, ended=True), hold)
        found = prepared(one, self._files.lines(record), held=is_held(hold))
        lines = {line.number: line for line in found if isinstance(line, Prepared)}
        if status == _LOST:
            self._results.lose(account, list(lines.values()))
            return
        state = one.batcher.look(one.send, sent)
        if state.status is BatchStatus.FAILED:
            self._fail(record, problems_of(state, lines))
            return
        self._results.take(account, one, lines, state)
        # not by us, who cancel it when it has expired: by the operator, at the provider's
        if state.status is BatchStatus.CANCELLED and self._wanted(record):
            self._results.cancel(record)

    def _fail(self, record: BatchRecord, problems: list[dict[str, Any]]) -> None:
        """End a batch of which no line was executed; the hold first, as nobody looks after it."""
        self._books.release(record.id)
        self._results.fail(record, problems)

    def _release(self, org: str, batch_id: str) -> None:
        self._books.release(batch_id)
        self._submissions.over(org, batch_id)

    def _tidy(self, org: str, batch_id: str, sent: str) -> None:
        def forget(one: OpenLane) -> None:
            one.batcher.forget(one.send, one.batcher.look(one.send, sent))

        if sent != _NOWHERE:
            self._leave_nothing(self._batches.find(org, batch_id), forget)

    def _leave_nothing(self, record: BatchRecord, forget: Callable[[OpenLane], None]) -> None:
        """Delete what the provider keeps; given up after a few tries, which the log tells."""
        for tried in range(1, _TIDY_TRIES + 1):
            try:
                forget(self._lane(record).opened())
            except LegatoError as error:
                if isinstance(error, StorageUnavailable):
                    raise
                log.warning("files stay at the provider", extra=_told(record, error))
                if not error.retryable:
                    return
                self._patience.pause(record, FIRST_S * 2**tried)
            else:
                return

    def _lane(self, record: BatchRecord, *, key_id: str | None = None) -> Lane:
        """Return the lane of a batch's lines. Raises ConfigInvalid where it is gone."""
        number, text = next(read_lines(self._files.content(record)))
        model = parse(number, text, record.endpoint).body["model"]
        lane = self._lane_of(model, record.endpoint, key_id=key_id)
        if lane is None:
            msg = f"{model!r} has no native lane any more: bring its deployment's batch.lane back."
            raise ConfigInvalid(msg)
        return lane

    def _principal(self, record: BatchRecord, *, ended: bool = False) -> Principal:
        """Return for whom a batch runs; `ended` also where the key was revoked meanwhile."""
        principal = self._principal_of(record.key_id)
        expires_ns = None if principal is None else principal.expires_at_ns
        if principal is not None and (ended or expires_ns is None or expires_ns > self._now_ns()):
            return principal
        if ended:
            return Principal(record.key_id, "", record.org, "", "")
        raise Unauthenticated("The key of this batch has expired or been revoked.")

    def _wanted(self, record: BatchRecord) -> bool:
        return record.status == "in_progress" and self._now_ns() < record.expires_at_ns


def _told(record: BatchRecord, error: LegatoError) -> dict[str, str]:
    return {"batch": record.id, "reason": error.code}
