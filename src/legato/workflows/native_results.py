"""What came of a native batch's lines: entered in the ledger, then kept for the caller's files."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import msgspec

from legato.core.errors import BadProviderResponse, LegatoError, UpstreamError
from legato.core.usage import NO_USAGE, UsageSource
from legato.core.wire import Answer
from legato.economics.estimate import estimated_usage
from legato.gateway.books import MODEL_CHARS_MAX
from legato.gateway.quotes import without_quotes
from legato.providers.batching import BatchResult, BatchState, BatchStatus
from legato.storage.runs.batches import BatchRecord, BatchStore
from legato.workflows.batch_calls import outcome_line
from legato.workflows.batch_lines import Line
from legato.workflows.batches import Batches, with_time
from legato.workflows.native_books import Account, NativeBooks, Outcome, request_id
from legato.workflows.native_lane import Lane, OpenLane, Prepared, Refused, answer_for_caller

_OK: Final = 200
_AT_ONCE: Final = 200
_OPEN: Final = ("validating", "in_progress", "finalizing", "cancelling")

Told = tuple[Prepared, Outcome, dict[str, Any], bool]
"""A line, what it used, what stands of it in a file, and whether that is a failure."""


class NativeResults:
    """Blocking; every method may raise StorageUnavailable, and be called again."""

    def __init__(
        self,
        store: BatchStore,
        batches: Batches,
        books: NativeBooks,
        *,
        now_ns: Callable[[], int],
        pseudonym: Callable[[str, str], str],
    ) -> None:
        self._store = store
        self._batches = batches
        self._books = books
        self._now_ns = now_ns
        self._pseudonym = pseudonym

    def take(
        self, account: Account, lane: OpenLane, lines: dict[int, Prepared], state: BatchState
    ) -> None:
        """Take in all results; what a completed batch says nothing of may have been paid for.

        Raises:
            UpstreamError: they can't be had.
        """
        seen: set[int] = set()
        waiting: list[Told] = []
        for result in lane.batcher.results(lane.send, state):
            index = int(result.name) if result.name.isascii() and result.name.isdigit() else -1
            line = lines.get(index)
            if line is None or index in seen or not result.status:
                continue
            seen.add(index)
            waiting.append(self._told(account.record, lane, line, result))
            if len(waiting) >= _AT_ONCE:
                self._keep(account, waiting)
                waiting = []
        if state.status is BatchStatus.COMPLETED:
            missing = [line for index, line in lines.items() if index not in seen]
            waiting += [self._missing(account, line) for line in missing]
        self._keep(account, waiting)

    def lose(self, account: Account, lines: Sequence[Prepared]) -> None:
        """Enter lines of a batch that the provider has lost: unknown, at their upper estimate."""
        self._enter(account, [(line, _unknown(line)) for line in lines])

    def refuse(self, record: BatchRecord, lane: Lane, refused: Refused) -> None:
        """Keep why a line was not submitted: it cost nothing and reached nobody."""
        told = _failure(lane, request_id(record, refused.number), refused.line, refused.error)
        self._record(record, refused.number, told, failed=True)

    def fail(self, record: BatchRecord, problems: list[dict[str, Any]]) -> None:
        """End a batch of which no line was executed."""
        self._store.change(
            record.org,
            record.id,
            _OPEN,
            status="failed",
            times=with_time(record, "failed", self._now_ns()),
            sealed_errors=self._batches.sealed_errors(record, problems),
        )
        self._store.forget_lines(record.org, record.id)

    def cancel(self, record: BatchRecord) -> None:
        """Note that a batch was cancelled elsewhere, if it was running."""
        times = with_time(record, "cancelling", self._now_ns())
        before = ("in_progress",)
        self._store.change(record.org, record.id, before, status="cancelling", times=times)

    def _keep(self, account: Account, told: Sequence[Told]) -> None:
        self._enter(account, [(line, outcome) for line, outcome, _, _ in told])
        for line, _, written, failed in told:
            self._record(account.record, line.number, written, failed=failed)

    def _enter(self, account: Account, outcomes: Iterable[tuple[Prepared, Outcome]]) -> None:
        def user(line: Prepared) -> str:
            return self._pseudonym(account.record.org, line.view.user) if line.view.user else ""

        entered = [(line, user(line), outcome) for line, outcome in outcomes]
        self._books.enter(account, entered)

    def _told(
        self, record: BatchRecord, lane: OpenLane, line: Prepared, result: BatchResult
    ) -> Told:
        name = request_id(record, line.number)
        if result.status != _OK:
            error = lane.provider.failure(result.status, [], result.body)
            outcome = Outcome(
                NO_USAGE, UsageSource.PROVIDER, error.code, result.status, answered=False
            )
            return line, outcome, _blamed(lane.lane, name, line, error), True
        answer: Answer | None = None
        try:
            answer = lane.provider.answer(lane.lane.surface.operation, result.body)
            body = answer_for_caller(lane, line, answer.body or result.body)
        except UpstreamError as error:
            outcome = _unknown(line) if answer is None else _answered(line, answer)
            outcome = outcome._replace(status=error.code, http_status=_OK, answered=False)
            return line, outcome, _blamed(lane.lane, name, line, error), True
        response = {"status_code": _OK, "request_id": name, "body": body}
        written = outcome_line(_line_id(name), line.line.custom_id, response)
        return line, _answered(line, answer), written, False

    def _missing(self, account: Account, line: Prepared) -> Told:
        error = BadProviderResponse("the provider completed the batch without this line")
        written = _blamed(account.lane, request_id(account.record, line.number), line, error)
        return line, _unknown(line), written, True

    def _record(
        self, record: BatchRecord, index: int, written: dict[str, Any], *, failed: bool
    ) -> None:
        sealed = self._batches.sealed_line(record, index, msgspec.json.encode(written))
        self._store.record_line(record.org, record.id, index, failed=failed, sealed=sealed)


def problem(error: LegatoError) -> dict[str, Any]:
    """Return an error as a batch shows it."""
    code = error.wire_code or error.code
    return {"code": code, "message": error.message, "line": None, "param": error.param}


def problems_of(state: BatchState, lines: dict[int, Prepared]) -> list[dict[str, Any]]:
    """Return what the provider found wrong, with the numbers of the caller's own lines."""
    numbers = [line.line.number for line in lines.values()]
    told = [
        {
            "code": one.code,
            "message": one.message,
            "line": numbers[one.line - 1] if 0 < one.line <= len(numbers) else None,
            "param": one.param,
        }
        for one in state.problems
    ]
    return told or [
        {
            "code": "provider_rejected",
            "message": "The provider refused the batch without a reason.",
            "line": None,
            "param": None,
        }
    ]


def _unknown(line: Prepared) -> Outcome:
    return Outcome(line.estimate, UsageSource.UNKNOWN, "unknown")


def _answered(line: Prepared, answer: Answer) -> Outcome:
    usage, source = answer.usage, UsageSource.PROVIDER
    if usage is None:
        usage = estimated_usage(len(line.body), answer.output_chars)
        source = UsageSource.ESTIMATED
    return Outcome(usage, source, "ok", _OK, answer.model[:MODEL_CHARS_MAX])


def _blamed(lane: Lane, name: str, line: Prepared, error: LegatoError) -> dict[str, Any]:
    error.message = without_quotes(error.message, line.line.body)
    return _failure(lane, name, line.line, error)


def _failure(lane: Lane, name: str, line: Line, error: LegatoError) -> dict[str, Any]:
    response = {
        "status_code": error.http_status,
        "request_id": name,
        "body": msgspec.json.decode(lane.surface.error(error, name)),
    }
    return outcome_line(_line_id(name), line.custom_id, response)


def _line_id(name: str) -> str:
    return name.replace("-", "_")
