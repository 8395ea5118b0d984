"""The kind `human`: asks people, waits, reminds and escalates, and ends where they say.

Everything it does is recorded under a name of the step, and the task is made once for each place
of a run; so an attempt that was cut off goes on where it was. Deadlines, reminders and escalations
are waits of the run itself: no clock but the run's.
"""

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from heapq import merge
from itertools import count, takewhile
from typing import Any, Final, Protocol

import msgspec

from legato.core.errors import InvalidRequest, NotGiven
from legato.flow.definition import Assignees, Human
from legato.flow.rehearsal import Rehearsal
from legato.flow.rulings import EXPIRED, Option, Question, Ruling, Verdict, Vote, vote_of
from legato.workflows.nodes.contract import (
    TASK_TOPICS,
    RunFacts,
    Step,
    StepOutcome,
    Waiting,
)
from legato.workflows.people.tasks import Tasks, Terms

_NS: Final = 1_000_000_000
_REMINDERS_MAX: Final = 1_000
_SHOWN_MAX: Final = 120
_DEADLINE: Final = "deadline"
_REMIND: Final = "remind"
_ESCALATE: Final = "escalate"
Timer = tuple[int, str, int]
"""When, what, and the how-many-th of its kind."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What people are told of a task: no content."""

    run: RunFacts
    task_id: str
    node: str
    title: str
    why: str
    """`asked`, `reminded` or `escalated`."""
    number: int
    deadline_ns: int | None


class Telling(Protocol):
    """Tells people that something waits for them; telling the same again does nothing."""

    def __call__(self, connection: Any, told: Told) -> None:
        """Do so within a transaction. Blocking. Raises StorageUnavailable."""
        ...


class HumanKind:
    """Runs human nodes. `tasks_of` opens an organisation's tasks."""

    def __init__(self, tasks_of: Callable[[str], Tasks], tell: Telling) -> None:
        self._tasks_of = tasks_of
        self._tell = tell

    async def __call__(self, node: Human, step: Step) -> StepOutcome:
        """Return what people came to. Ports: see `legato.flow.definition.Human`.

        Raises:
            NotGiven: an evaluation's case doesn't say what they decide, or nothing they could.
        """
        if step.run.rehearsal is not None:
            return _rehearsed(await _question(node, step), step, step.run.rehearsal)
        tasks = self._tasks_of(step.run.org)
        asked_ns = await step.now_ns("asked")
        deadline_ns = None if node.deadline_s is None else asked_ns + int(node.deadline_s * _NS)
        question, terms = await _question(node, step), await _terms(node, step, deadline_ns)
        told = Told(
            run=step.run, task_id="", node=step.path, title=node.title or node.id,
            why="asked", number=0, deadline_ns=deadline_ns,
        )  # fmt: skip

        prepare = partial(tasks.prepared, step.run, step.path, question, terms)
        task = await asyncio.to_thread(prepare)

        def ask(connection: Any, _key: str) -> str:
            task_id = tasks.store.add(connection, task)
            self._told(connection, msgspec.structs.replace(told, task_id=task_id))
            return task_id

        told = msgspec.structs.replace(told, task_id=str(await step.transact("ask", ask)))
        await self._waited(node, step, told, _timers(node, asked_ns, deadline_ns))
        read = partial(tasks.outcome, told.task_id)
        plain = await step.do("outcome", lambda _key: _builtins(read))
        return StepOutcome(
            output={name: plain[name] for name in ("decision", "data", "by", "comment")},
            port=plain["port"] or EXPIRED,
            lineage={"task": told.task_id, "deciders": plain["by"], "state": plain["state"]},
        )

    async def _waited(self, node: Human, step: Step, told: Told, timers: Iterator[Timer]) -> None:
        """Return once the task has ended."""
        topic = task_topic(step.path)
        for number in count():
            due_ns, what, which = next(timers, (None, "", 0))
            news = await step.wait(f"wait-{number}", Waiting(topic=topic, due_ns=due_ns))
            if not news.due:
                return
            work = self._work(node, msgspec.structs.replace(told, number=which), what)
            await step.transact(f"{what}-{which}", work)
            if what == _DEADLINE:
                return

    def _work(self, node: Human, told: Told, what: str) -> Callable[[Any, str], Any]:
        """Return what is done when something is due, in one transaction with telling people."""
        tasks = self._tasks_of(told.run.org)

        def expire(connection: Any, _key: str) -> str:
            return tasks.store.expire(connection, told.task_id)

        def remind(connection: Any, _key: str) -> bool:
            is_open = tasks.remind(connection, told.task_id, told.number)
            if is_open:
                self._told(connection, msgspec.structs.replace(told, why="reminded"))
            return is_open

        def escalate(connection: Any, _key: str) -> bool:
            to = node.escalations[told.number].to
            is_open = tasks.escalate(connection, told.task_id, to, told.number)
            if is_open:
                self._told(connection, msgspec.structs.replace(told, why="escalated"))
            return is_open

        return {_DEADLINE: expire, _REMIND: remind, _ESCALATE: escalate}[what]

    def _told(self, connection: Any, told: Told) -> None:
        if not told.run.test:
            self._tell(connection, told)


def task_topic(path: str) -> str:
    """Return the topic on which a run hears that its task at a place has ended."""
    return f"{TASK_TOPICS}{path}"


def _rehearsed(question: Question, step: Step, rehearsal: Rehearsal) -> StepOutcome:
    """Return what an evaluation's case says; nobody is asked."""
    node = step.path.partition("/")[0]
    said = rehearsal.given.decisions.get(node)
    place = f"given.decisions.{node}"
    if said is None:
        raise NotGiven(f"{place}: say what people decide of {question.subject[:_SHOWN_MAX]!r}")
    if said == EXPIRED:
        vote, comment = Vote(EXPIRED), ""
    else:
        ruling = said if isinstance(said, Ruling) else Ruling(verdict=Verdict(said))
        try:
            vote, comment = vote_of(question, ruling), ruling.comment
        except InvalidRequest as error:
            raise NotGiven(f"{place}: {error.message}") from None
    by = [f"evaluation:{rehearsal.evaluation}"]
    return StepOutcome(
        output={"decision": vote.port, "data": vote.data, "by": by, "comment": comment},
        port=vote.port,
        lineage={"deciders": by, "state": "given"},
    )


async def _question(node: Human, step: Step) -> Question:
    if node.ask == "choose" and not node.choices:
        raise InvalidRequest(f"{node.id}.choices: name what may be chosen", param="choices")
    if node.ask == "form" and node.form is None:
        raise InvalidRequest(f"{node.id}.form: give the JSON schema to fill in", param="form")
    return Question(
        ask=node.ask,
        subject=str(await step.value(node.subject)),
        body=str(await step.value(node.body)),
        data=await step.value(node.data),
        form=node.form,
        options=tuple(
            [Option(one.port, str(await step.value(one.description))) for one in node.choices]
        ),
    )


async def _terms(node: Human, step: Step, deadline_ns: int | None) -> Terms:
    starters = (step.run.user, step.run.key_id) if node.not_by_starter else ()
    return Terms(
        assignees=await _named(node.assignees, step),
        approvals_needed=node.approvals_needed,
        not_by=node.not_by,
        excluded=tuple(one for one in starters if one),
        deadline_ns=deadline_ns,
    )


async def _named(who: Assignees, step: Step) -> Assignees:
    found = [str(await step.value(one)) for one in who.accounts]
    accounts = tuple(one for one in found if one)
    if who.accounts and not accounts and not who.roles and not who.teams:
        msg = "assignees.accounts: come to nobody; nobody named would mean anybody"
        raise InvalidRequest(msg, param="assignees")
    return msgspec.structs.replace(who, accounts=accounts)


def _timers(node: Human, asked_ns: int, deadline_ns: int | None) -> Iterator[Timer]:
    """Yield what is due, in order: up to the deadline, reminders up to their greatest number."""
    kinds: list[Iterator[Timer]] = [
        iter(
            sorted(
                (asked_ns + int(one.after_s * _NS), _ESCALATE, number)
                for number, one in enumerate(node.escalations)
            )
        )
    ]
    if node.remind_s is not None:
        every = int(node.remind_s * _NS)
        kinds.append(
            (asked_ns + every * (number + 1), _REMIND, number) for number in range(_REMINDERS_MAX)
        )
    timers: Iterator[Timer] = merge(*kinds)
    if deadline_ns is None:
        return timers
    return _until(timers, deadline_ns)


def _until(timers: Iterator[Timer], deadline_ns: int) -> Iterator[Timer]:
    yield from takewhile(lambda timer: timer[0] < deadline_ns, timers)
    yield deadline_ns, _DEADLINE, 0


async def _builtins(work: Callable[[], msgspec.Struct]) -> Any:
    return msgspec.to_builtins(await asyncio.to_thread(work))
