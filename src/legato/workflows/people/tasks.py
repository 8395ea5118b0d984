"""What people are asked by workflows, with its content sealed under the organisation's key."""

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import msgspec

from legato.core.errors import Erased, InvalidRequest
from legato.core.tenant import Reach
from legato.flow.definition import Assignees
from legato.flow.rulings import (
    REJECTED,
    Asked,
    Person,
    Question,
    Ruling,
    is_asked,
    require_may_decide,
    vote_of,
)
from legato.storage.tasks.records import DECIDED, NewTask, Task, TaskEvent, TaskVote
from legato.storage.tasks.tasks import Also, TaskStore
from legato.workflows.nodes.contract import RunFacts

GONE: Final = "its content was erased, or the key it was sealed with destroyed"
_NAME_MAX: Final = 200
_RUNS: Final = "process:runs"


class Sealing(Protocol):
    """Seals and opens what belongs to an organisation; blocking."""

    def seal(self, org: str, data: bytes, context: bytes) -> bytes:
        """Encrypt."""
        ...

    def open(self, org: str, sealed: bytes, context: bytes) -> bytes:
        """Decrypt. Raises ValueError."""
        ...


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """Who is asked, how many of them, and until when."""

    assignees: Assignees = Assignees()
    approvals_needed: int = 1
    not_by: tuple[str, ...] = ()
    """Nodes of the run whose deciders may not decide this one as well, nor the other way round."""
    excluded: tuple[str, ...] = ()
    deadline_ns: int | None = None


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody said of a task; `readable` is false where it can't be decrypted any more."""

    person: str
    verdict: str
    port: str
    via: str
    at_ns: int
    data: Any = None
    comment: str = ""
    readable: bool = True


class Happened(msgspec.Struct, frozen=True, kw_only=True):
    """What else was done with a task."""

    what: str
    person: str
    whom: str
    at_ns: int
    comment: str = ""


class TaskOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a task came to; `port` is "" for one that was withdrawn."""

    task_id: str
    state: str
    port: str
    decision: str
    data: Any
    by: list[str]
    comment: str


class Tasks:
    """Those within reach. Blocking: call it in a thread. Methods may raise StorageUnavailable."""

    def __init__(
        self,
        open_store: Callable[[Reach], TaskStore],
        reach: Reach,
        sealing: Sealing,
        *,
        new_id: Callable[[], str],
        pseudonym: Callable[[str, str], str],
    ) -> None:
        """`pseudonym` names a user of an organisation as the ledger does."""
        self.store = open_store(reach)
        self._sealing = sealing
        self._new_id = new_id
        self._pseudonym = pseudonym

    def prepared(self, run: RunFacts, path: str, question: Question, terms: Terms) -> NewTask:
        """Return a task for a place of a run, sealed, to be made by the store.

        Apart from the transaction that makes it: sealing may write the organisation's first key.
        """
        new_id = self._new_id()
        plain = msgspec.json.encode(question)
        return NewTask(
            org=run.org,
            id=new_id,
            team=run.team,
            feature=run.feature,
            workflow=run.workflow,
            run_id=run.id,
            path=path,
            ask=question.ask,
            approvals_needed=terms.approvals_needed,
            sealed=self._sealing.seal(run.org, plain, task_context(new_id)),
            assignees=terms.assignees,
            excluded=terms.excluded,
            not_by=terms.not_by,
            deadline_ns=terms.deadline_ns,
            origin_user=self._pseudonym(run.org, run.user) if run.user else "",
        )

    def decide(
        self, task_id: str, person: Person, ruling: Ruling, via: str, *, also: Also | None = None
    ) -> Task:
        """Keep what somebody says, and end the task where that decides it.

        `also` is done in the same transaction, or neither is.

        Raises:
            NotFound: there is no such task.
            Forbidden: it is assigned to others, or wants another person.
            InvalidRequest: it asks for something else, or the data isn't as its form says.
            Conflict: it has ended.
            Erased: its content is gone.
        """
        task = self.store.get(task_id)
        require_may_decide(person, self.store.asked(task))  # its form is told to nobody else
        question = self.question(task)
        if question is None:
            raise Erased(f"the task can't be decided any more: {GONE}", param="id")
        vote = vote_of(question, ruling)
        texts = msgspec.json.encode((vote.data, ruling.comment))
        kept = TaskVote(
            person=person.id,
            verdict=ruling.verdict.value,
            port=vote.port,
            digest=vote.digest,
            via=via,
            sealed=self._sealing.seal(task.org, texts, vote_context(task.id, person.id)),
        )
        return self.store.decide(task_id, person, kept, also)

    def comment(self, task_id: str, person: Person, comment: str) -> None:
        """Keep a remark on an open task. Raises NotFound, Conflict, InvalidRequest."""
        if not comment.strip():
            raise InvalidRequest("comment: say something", param="comment")
        task = self.store.get(task_id)
        self.store.note(task_id, self._event(task, "comment", person.id, comment=comment))

    def delegate(self, task_id: str, person: Person, whom: str, comment: str = "") -> None:
        """Let somebody else decide as well. Raises as `decide`."""
        named = whom.strip()
        if not named or len(named) > _NAME_MAX:
            raise InvalidRequest("to: name an account by its id or login", param="to")
        task = self.store.get(task_id)
        event = self._event(task, "delegate", person.id, whom=named, comment=comment)
        self.store.delegate(task_id, person, event)

    def escalate(self, connection: Any, task_id: str, to: Assignees, number: int) -> bool:
        """Ask more people; False where the task has ended. Within a transaction."""
        whom = ", ".join((*to.accounts, *to.roles, *to.teams)) or "anybody"
        event = TaskEvent(
            id=f"escalation-{number}", what="escalate", person=_RUNS, whom=whom, sealed=b""
        )
        return self.store.escalate(connection, task_id, event, to=to)

    def remind(self, connection: Any, task_id: str, number: int) -> bool:
        """Write down that people are reminded; False where the task has ended."""
        event = TaskEvent(id=f"reminder-{number}", what="remind", person=_RUNS, whom="", sealed=b"")
        return self.store.remind(connection, task_id, event)

    def question(self, task: Task) -> Question | None:
        """Return what a task asks; None where its content is gone."""
        try:
            plain = self._sealing.open(task.org, task.sealed, task_context(task.id))
        except ValueError:
            return None
        return msgspec.json.decode(plain, type=Question)

    def said(self, task: Task) -> list[Said]:
        """Return what was said of a task, oldest first."""
        return [self._said(task, one) for one in self.store.votes(task)]

    def happened(self, task: Task) -> list[Happened]:
        """Return what else was done with it, oldest first."""
        return [
            Happened(
                what=one.what,
                person=one.person,
                whom=one.whom,
                at_ns=one.at_ns,
                comment=self._comment(task, one),
            )
            for one in self.store.events(task)
        ]

    def outcome(self, task_id: str) -> TaskOutcome:
        """Return what a task came to. Raises NotFound."""
        task = self.store.get(task_id)
        spoken = [one for one in self.said(task) if one.port == task.port]
        data, by = None, [one.person for one in spoken]
        if task.state == DECIDED and task.port != REJECTED and spoken:
            data = spoken[-1].data
        comments = [one.comment for one in spoken if one.comment]
        return TaskOutcome(
            task_id=task.id,
            state=task.state,
            port=task.port,
            decision=task.port,
            data=data,
            by=by,
            comment="\n".join(comments),
        )

    def may_decide(self, task: Task, person: Person) -> bool:
        """Whether somebody is asked and not excluded."""
        return _may_decide(person, self.store.asked(task))

    def asks(self, connection: Any, task_id: str, person: Person) -> bool:
        """Whether a task asks somebody, within the transaction that makes it. Raises NotFound."""
        return _may_decide(person, self.store.asked_within(connection, task_id))

    def _event(
        self, task: Task, what: str, person: str, *, whom: str = "", comment: str = ""
    ) -> TaskEvent:
        new_id = self._new_id()
        context = event_context(task.id, new_id)
        sealed = self._sealing.seal(task.org, comment.encode(), context) if comment else b""
        return TaskEvent(id=new_id, what=what, person=person, whom=whom, sealed=sealed)

    def _said(self, task: Task, vote: TaskVote) -> Said:
        data, comment, readable = None, "", True
        try:
            plain = self._sealing.open(task.org, vote.sealed, vote_context(task.id, vote.person))
            data, comment = msgspec.json.decode(plain)
        except ValueError:
            readable = False
        return Said(
            person=vote.person,
            verdict=vote.verdict,
            port=vote.port,
            via=vote.via,
            at_ns=vote.at_ns,
            data=data,
            comment=comment,
            readable=readable,
        )

    def _comment(self, task: Task, event: TaskEvent) -> str:
        if not event.sealed:
            return ""
        context = event_context(task.id, event.id)
        try:
            return self._sealing.open(task.org, event.sealed, context).decode()
        except ValueError:
            return GONE


def _may_decide(person: Person, asked: Asked) -> bool:
    return is_asked(person, asked) and not asked.excluded & {person.id, *person.names}


def named_for(person: Person) -> tuple[tuple[str, str], ...]:
    """Return all names by which a task may be assigned to somebody."""
    mine: Sequence[str] = sorted({person.id, *person.names})
    return (
        ("anybody", ""),
        *(("account", one) for one in mine),
        *(("delegate", one) for one in mine),
        *(("role", one) for one in sorted(person.roles)),
        *(("team", one) for one in sorted(person.teams)),
    )


def task_context(task_id: str) -> bytes:
    """Return what a task's content is bound to."""
    return f"task\x00{task_id}".encode()


def vote_context(task_id: str, person: str) -> bytes:
    """Return what somebody's words on a task are bound to."""
    return f"task vote\x00{task_id}\x00{person}".encode()


def event_context(task_id: str, event_id: str) -> bytes:
    """Return what a remark on a task is bound to."""
    return f"task event\x00{task_id}\x00{event_id}".encode()
