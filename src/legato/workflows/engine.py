"""The durable engine: DBOS, which nothing else may know.

What we set and why: JSON instead of pickle, so that whoever can write to the database can't run
code here; the version of the application is ours, since the library's own hashes our source and
would strand every run at each update; queues are rows of the database, with their polling
interval given; the values of a statement that fails, arguments of runs among them, stay out of
its error and so of the log.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final

import msgspec
from dbos import (
    DBOS,
    DBOSConfig,
    DBOSPortableJSONSerializer,
    SetWorkflowAttributes,
    SetWorkflowID,
)
from dbos import error as dbos_error

from legato.core.durable import Run, RunState, Schedule, StepOutcome, Workflow
from legato.core.errors import InvalidRequest, NotFound
from legato.storage.database.engine import make_file

APPLICATION_VERSION: Final = "1"
"""Raised only when recorded runs of the version before can't be taken up by this code."""
POSTGRES_SCHEMA: Final = "legato_workflows"
_POLL_S: Final = 0.2
_SCHEDULES_POLL_S: Final = 5.0
_RECOVERIES_MAX: Final = 100
_ON_SCHEDULE: Final = "@schedule"
_QUEUE: Final = "queue"
_CANCELLED: Final = (
    dbos_error.DBOSWorkflowCancelledError,
    dbos_error.DBOSAwaitedWorkflowCancelledError,
)
_STATES: Final = {
    "PENDING": RunState.RUNNING,
    "ENQUEUED": RunState.WAITING,
    "DELAYED": RunState.WAITING,
    "SUCCESS": RunState.DONE,
    "ERROR": RunState.FAILED,
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": RunState.FAILED,
    "CANCELLED": RunState.CANCELLED,
}


class EngineOptions(msgspec.Struct, frozen=True):
    """Where an engine keeps its runs, and under which name it runs them."""

    database_url: str
    """`sqlite:///path`, a file of its own, or `postgresql://...`."""
    executor: str
    """Never used twice: a process that was taken for dead must not meet its own name."""
    queues: Mapping[str, int] = {}
    """How many runs of each queue this process runs at once."""
    postgres_schema: str = POSTGRES_SCHEMA
    poll_s: float = _POLL_S


class _Steps:
    """The steps of the run that calls."""

    @property
    def run_id(self) -> str:
        return str(DBOS.workflow_id)

    def do(self, name: str, work: Callable[[], Any]) -> Any:
        return DBOS.run_step({"name": name}, work)

    def receive(self, topic: str, wait_s: float) -> Any:
        return DBOS.recv(topic, wait_s)

    def sleep(self, seconds: float) -> None:
        DBOS.sleep(seconds)


class DurableEngine:
    """The engine of this process; there is one at a time. `close` it when done."""

    def __init__(self, options: EngineOptions, workflows: Mapping[str, Workflow]) -> None:
        """Open the database, making its tables where there are none, and begin to run."""
        config: DBOSConfig = {
            "name": "legato",
            "system_database_url": options.database_url,
            "dbos_system_schema": options.postgres_schema,
            "executor_id": options.executor,
            "application_version": APPLICATION_VERSION,
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "WARNING",
            "enable_otlp": False,
            "db_engine_kwargs": {"hide_parameters": True},
            "notification_listener_polling_interval_sec": options.poll_s,
            "scheduler_polling_interval_sec": _SCHEDULES_POLL_S,
        }
        make_file(options.database_url)
        DBOS(config=config)
        logging.getLogger("dbos").addFilter(_worth_telling)
        self._functions = {name: _registered(name, work) for name, work in workflows.items()}
        self._scheduled = {name: _on_schedule(name, work) for name, work in workflows.items()}
        DBOS.listen_queues(list(options.queues))
        DBOS.launch()
        for queue, at_once in options.queues.items():
            DBOS.register_queue(
                queue,
                worker_concurrency=at_once,
                polling_interval_sec=options.poll_s,
                on_conflict="always_update",
            )

    def close(self) -> None:
        """Stop running; what is cut off goes on when it is taken up again."""
        DBOS.destroy(destroy_registry=True)

    def start(self, workflow: str, run_id: str, argument: Any, queue: str) -> None:
        """Put a run into a queue; one with this id that is there already is left alone."""
        # its queue as an attribute, too: a cancelled run is taken out of it
        with SetWorkflowID(run_id), SetWorkflowAttributes({_QUEUE: queue}):
            DBOS.enqueue_workflow(queue, self._functions[workflow], argument)

    def begin(self, workflow: str, run_id: str, argument: Any, queue: str) -> None:
        """Begin a run in this process, at once; one with this id that is there is left alone."""
        with SetWorkflowID(run_id), SetWorkflowAttributes({_QUEUE: queue}):
            DBOS.start_workflow(self._functions[workflow], argument)

    def signal(self, run_id: str, topic: str, message: Any) -> None:
        """Send a message to a run. Raises NotFound."""
        with _absence_told(run_id):
            DBOS.send(run_id, message, topic)

    def cancel(self, run_id: str) -> None:
        """End a run before its next step. Raises NotFound."""
        with _absence_told(run_id):
            DBOS.cancel_workflow(run_id)

    def resume(self, run_id: str) -> None:
        """Let a run go on, in the queue it was in. Raises NotFound."""
        queue = self.get(run_id).queue
        DBOS.resume_workflow(run_id, queue_name=queue or None)

    def fork(self, run_id: str, from_step: int) -> str:
        """Start a new run with the outcomes before a step taken over. Raises NotFound."""
        queue = self.get(run_id).queue
        forked = DBOS.fork_workflow(run_id, from_step, queue_name=queue or None)
        return forked.get_workflow_id()

    def get(self, run_id: str) -> Run:
        """Return a run. Raises NotFound."""
        found = DBOS.list_workflows(workflow_ids=[run_id], limit=1)
        if not found:
            raise NotFound(f"There is no run {run_id!r}.")
        return _run(found[0])

    def runs(
        self,
        *,
        states: frozenset[RunState] = frozenset(),
        workflow: str = "",
        limit: int = 100,
        offset: int = 0,
    ) -> list[Run]:
        """Return runs, newest first, of some states or of all."""
        wanted = [name for name, state in _STATES.items() if state in states]
        found = DBOS.list_workflows(
            status=wanted or None,
            name=[workflow, workflow + _ON_SCHEDULE] if workflow else None,
            limit=limit,
            offset=offset,
            sort_desc=True,
        )
        return [_run(one) for one in found]

    def steps(self, run_id: str) -> list[StepOutcome]:
        """Return what is recorded of a run, in order."""
        return [
            StepOutcome(
                step["function_id"],
                step["function_name"],
                step["output"],
                "" if step["error"] is None else str(step["error"]),
            )
            for step in DBOS.list_workflow_steps(run_id)
        ]

    def schedule(self, schedule: Schedule, queue: str) -> None:
        """Start a workflow regularly; a schedule of this name is replaced."""
        self.unschedule(schedule.name)
        try:
            DBOS.create_schedule(
                schedule_name=schedule.name,
                workflow_fn=self._scheduled[schedule.workflow],
                schedule=schedule.cron,
                context=schedule.context,
                queue_name=queue,
            )
        except dbos_error.DBOSException as error:
            raise InvalidRequest(str(error)[:300], param="cron") from None

    def unschedule(self, name: str) -> None:
        """End a schedule; none of this name is no error."""
        DBOS.delete_schedule(name)

    def schedules(self) -> list[Schedule]:
        """Return all schedules."""
        return [
            Schedule(
                one["schedule_name"],
                one["workflow_name"].removesuffix(_ON_SCHEDULE),
                one["schedule"],
                one["context"],
            )
            for one in DBOS.list_schedules()
        ]


def _registered(name: str, work: Workflow) -> Callable[[Any], Any]:
    @DBOS.workflow(name=name, max_recovery_attempts=_RECOVERIES_MAX)
    def run(argument: Any) -> Any:
        return work(_Steps(), argument)

    return run


def _on_schedule(name: str, work: Workflow) -> Callable[[datetime, Any], None]:
    @DBOS.workflow(name=name + _ON_SCHEDULE, max_recovery_attempts=_RECOVERIES_MAX)
    def run(at: Any, context: Any) -> None:
        when = at.isoformat() if isinstance(at, datetime) else str(at)
        work(_Steps(), {"at": when, "context": context})

    return run


def _worth_telling(record: logging.LogRecord) -> bool:
    """A run that was cancelled ends by an exception, which is no news."""
    raised = record.exc_info[1] if record.exc_info else None
    return not isinstance(raised, _CANCELLED)


@contextmanager
def _absence_told(run_id: str) -> Iterator[None]:
    try:
        yield
    except dbos_error.DBOSNonExistentWorkflowError:
        raise NotFound(f"There is no run {run_id!r}.") from None


def _run(found: Any) -> Run:
    return Run(
        id=found.workflow_id,
        workflow=found.name.removesuffix(_ON_SCHEDULE),
        state=_STATES[found.status],
        executor=found.executor_id or "",
        queue=(found.attributes or {}).get(_QUEUE) or found.queue_name or "",
        created_at_ms=found.created_at or 0,
        result=found.output,
        error="" if found.error is None else str(found.error),
        forked_from=found.forked_from or "",
    )
