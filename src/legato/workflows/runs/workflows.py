"""Runs of one organisation as people and programs see them: begun, shown, told something, ended."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec

from legato.core.clock import Clock
from legato.core.errors import Conflict, InvalidRequest
from legato.flow.definition import ERROR, Definition
from legato.flow.progress import path_of
from legato.flow.rehearsal import Rehearsal
from legato.guardrails.outputs.schemas import Schemas, UnusableSchema
from legato.storage.workflows.inbox import WorkflowInbox
from legato.storage.workflows.rows import (
    ENDED,
    LETTER_DISMISSED,
    LETTER_OPEN,
    MessageRow,
    RunRow,
    StepRow,
)
from legato.storage.workflows.runs import RunFilter, WorkflowRuns
from legato.workflows.nodes.contract import TASK_TOPICS
from legato.workflows.runs.rooms import digest_of, plan_of
from legato.workflows.runs.sealing import (
    BEGIN,
    Begin,
    End,
    Kept,
    Plan,
    RunContent,
    Sealing,
    definition_context,
    message_context,
    run_context,
    step_context,
)

_PAGE: Final = 500
BULK_MAX: Final = 100_000


class Acting(Protocol):
    """For whom a run acts."""

    @property
    def key_id(self) -> str:
        """The key whose limits, budgets and permissions hold."""
        ...

    @property
    def team(self) -> str:
        """Its team."""
        ...

    @property
    def feature(self) -> str:
        """Its feature."""
        ...


class NewRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run to begin."""

    definition: Definition
    workflow: str = ""
    """Its name in the registry, "" for one that isn't there."""
    arm: str = ""
    """Of the rollout that chose its version; "": none did."""
    version: str = ""
    """As the registry names it."""
    input: Any = None
    user: str = ""
    """On whose behalf, as callers name users."""
    author: str = ""
    origin: str = "api"
    """What began it: `api`, a trigger's name, or `page:` and a page's."""
    test: bool = False
    run_id: str = ""
    """Its own id: the same one begins once. None given: a new one."""
    context: str = ""
    """What callers elsewhere call the conversation it belongs to."""
    rehearsal: Rehearsal | None = None
    """Where an evaluation begins it."""
    end_user: str = ""
    """As the ledger names the user, for who knows no more of them than that."""


class RunView(msgspec.Struct, frozen=True, kw_only=True):
    """A run, opened."""

    row: RunRow
    begin: Begin
    end: End


class StepView(msgspec.Struct, frozen=True, kw_only=True):
    """A step of a run, opened."""

    row: StepRow
    kept: Kept


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """How a run is begun again."""

    from_node: str = ""
    """What is not behind this node keeps its outcomes; none: nothing does."""
    input: Any = msgspec.UNSET
    """Instead of what it began with."""
    author: str = ""
    origin: str = "replay"


class Workflows:
    """Blocking. Methods may raise StorageUnavailable, and Erased where content is gone."""

    def __init__(
        self,
        org: str,
        stores: tuple[WorkflowRuns, WorkflowInbox],
        sealing: Sealing,
        clock: Clock,
        *,
        new_id: Callable[[], str],
        pseudonym: Callable[[str, str], str],
    ) -> None:
        self.org = org
        self.runs, self._inbox = stores
        self._sealing = sealing
        self._content = RunContent(org, sealing)
        self._now_ns = clock.now_ns
        self._new_id = new_id
        self._pseudonym = pseudonym
        self._schemas = Schemas()

    def start(self, new: NewRun, acting: Acting) -> tuple[RunRow, bool]:
        """Begin a run for a key; return it, and whether it is new.

        Raises:
            InvalidRequest: the input doesn't follow the workflow's schema.
        """
        plan = plan_of(new.definition)
        self._check_input(plan, new.input)
        digest, encoded = digest_of(plan)
        run_id = new.run_id or self._new_id()
        begin = Begin(
            input=new.input,
            user=new.user,
            arm=new.arm,
            version=new.version,
            context=new.context,
            rehearsal=new.rehearsal,
        )
        now_ns = self._now_ns()
        row = RunRow(
            org=self.org,
            id=run_id,
            team=acting.team,
            feature=acting.feature,
            workflow=new.workflow,
            digest=digest,
            key_id=acting.key_id,
            author=new.author,
            end_user=self._pseudonym(self.org, new.user) if new.user else new.end_user,
            root=run_id,
            origin=new.origin,
            test=new.test,
            sealed=self._content.seal(begin, run_context(run_id, BEGIN)),
            created_at_ns=now_ns,
            changed_at_ns=now_ns,
        )
        sealed = self._sealing.seal(self.org, encoded, definition_context(digest))
        is_new = bool(self.runs.start([row], [(digest, sealed)], redriven=False))
        return row if is_new else self.runs.get(run_id), is_new

    def require_input(self, definition: Definition, given: Any) -> None:
        """Refuse what a run of a definition can't begin with. Raises InvalidRequest."""
        self._check_input(plan_of(definition), given)

    def view(self, run_id: str) -> RunView:
        """Return a run. Raises NotFound."""
        return self.opened(self.runs.get(run_id))

    def opened(self, row: RunRow) -> RunView:
        """Return a run that was read."""
        return RunView(row=row, begin=self._content.begin(row), end=self._content.ended(row))

    def steps(
        self, run: RunRow, after: int | None = None, until: int | None = None
    ) -> list[StepView]:
        """Return what is recorded of a run, in the order it began.

        With `after`, what was written behind this number, up to `until`, in the order it was.
        """
        return [
            StepView(row=one, kept=self._content.kept(run.id, one))
            for one in self.runs.steps(run, after, until)
        ]

    def plan(self, run: RunRow) -> Plan:
        """Return what a run runs. Raises NotFound."""
        context = definition_context(run.digest)
        return msgspec.json.decode(
            self._content.open(self.runs.definition(run), context), type=Plan
        )

    def signal(
        self, run_id: str, topic: str, message: Any, *, sender: str = "", message_id: str = ""
    ) -> bool:
        """Tell a run something on a topic; False where a message of this id has come before.

        Raises:
            NotFound, Conflict: there is no such run, or it has ended.
            InvalidRequest: on this topic it hears of its own tasks.
        """
        if topic.startswith(TASK_TOPICS):
            msg = f"topic: {topic[:64]!r} is the run's own: decide the task instead"
            raise InvalidRequest(msg, param="topic")
        found = self._message(run_id, message_id or self._new_id(), message)
        return self._inbox.put(run_id, msgspec.structs.replace(found, topic=topic, sender=sender))

    def publish(
        self, event_type: str, event: Mapping[str, Any], event_id: str, *, sender: str = ""
    ) -> list[str]:
        """Give an event to all runs that listen for its type; return which these are.

        Each looks by its own condition whether it is meant. The same event comes once. What a
        person or key sends is in the audit log, what comes by itself isn't.
        """
        told = []
        for run_id in self._inbox.listeners(self.org, event_type):
            found = self._message(run_id, f"event:{event_id}", event)
            try:
                given = msgspec.structs.replace(found, event=event_type, sender=sender)
                new = self._inbox.put(run_id, given, audited=bool(sender))
            except Conflict:  # it ended meanwhile
                continue
            if new:
                told.append(run_id)
        return told

    def cancel(self, run_id: str) -> RunRow:
        """End a run. Raises NotFound, Conflict."""
        return self.runs.cancel(run_id, self._now_ns())

    def resume(self, run_id: str) -> RunRow:
        """Let one go on that is paused, failed or cancelled. Raises NotFound, Conflict."""
        return self.runs.resume(run_id, self._now_ns(), self._handlers)

    def replay(self, run_id: str, how: Replay) -> RunRow:
        """Begin a run again, with what it began with and, before a node, what it came to.

        Raises:
            NotFound: there is no such run.
            InvalidRequest: it has no such node; its input doesn't follow the schema.
        """
        source = self.runs.get(run_id)
        if source.parent:
            raise Conflict("id: this is part of a run: replay that one, its root")
        plan = self.plan(source)
        row = self._again(source, plan, how)
        kept = _before(plan, how.from_node) if how.from_node else ()
        steps = [one for one in self.runs.steps(source) if one.node in kept]
        copied = [self._copied(source.id, row.id, one) for one in steps]
        self.runs.start([row], [], redriven=False, steps={row.id: copied})
        return row

    def redrive(self, letters: Sequence[str], author: str, new_input: Any = msgspec.UNSET) -> int:
        """Begin dead letters again, with what they began with or another input.

        Return how many were open still. Raises NotFound, InvalidRequest.
        """
        how = Replay(input=new_input, author=author, origin="redrive")
        total, plans = 0, dict[str, Plan]()
        for first in range(0, len(letters), _PAGE):
            rows = []
            for row in self.runs.some(letters[first : first + _PAGE]):
                if row.letter != LETTER_OPEN:
                    continue
                if row.digest not in plans:
                    plans[row.digest] = self.plan(row)
                rows.append(self._again(row, plans[row.digest], how))
            total += self.runs.start(rows, [], redriven=True)
        return total

    def dismiss(self, letters: Sequence[str]) -> int:
        """Say that nothing is to come of dead letters; return how many were open."""
        return self.runs.settle_letters(letters, LETTER_DISMISSED)

    def open_letters(self, workflow: str | None = None) -> Iterator[str]:
        """Yield the ids of all that are open, newest first."""
        last: str | None = None
        wanted = RunFilter(letter=LETTER_OPEN, workflow=workflow)
        while True:
            rows = self.runs.page_ids(_PAGE, last, wanted)
            yield from rows
            if len(rows) < _PAGE:
                return
            last = rows[-1]

    def _handlers(self, run: RunRow) -> Mapping[str, frozenset[str]]:
        return handlers_of(self.plan(run))

    def _again(self, source: RunRow, plan: Plan, how: Replay) -> RunRow:
        begun = self._content.begin(source)
        given = begun.input if how.input is msgspec.UNSET else how.input
        self._check_input(plan, given)
        run_id, now_ns = self._new_id(), self._now_ns()
        begin = msgspec.structs.replace(begun, input=given, arm="")
        return msgspec.structs.replace(
            source,
            id=run_id,
            root=run_id,
            author=how.author,
            origin=how.origin,
            origin_run=source.id,
            status="queued",
            told="",
            failed_node="",
            letter="",
            sealed=self._content.seal(begin, run_context(run_id, BEGIN)),
            sealed_end=b"",
            fence=0,
            activation=1,
            news=0,
            sequence=0,
            cancelling=False,
            executor="",
            due_ns=None,
            steps=0,
            charged=0,
            accepted=None,
            created_at_ns=now_ns,
            changed_at_ns=now_ns,
            ended_at_ns=None,
        )

    def _copied(self, source: str, target: str, step: StepRow) -> StepRow:
        kept = self._content.kept(source, step)
        context = step_context(target, step.node, step.name)
        return msgspec.structs.replace(step, sealed=self._content.seal(kept, context), sequence=0)

    def _message(self, run_id: str, message_id: str, message: Any) -> MessageRow:
        now_ns = self._now_ns()
        return MessageRow(
            id=message_id,
            number=now_ns,
            topic="",
            sealed=self._content.seal(message, message_context(run_id, message_id)),
            at_ns=now_ns,
        )

    def _check_input(self, plan: Plan, given: Any) -> None:
        if plan.input_schema is None:
            return
        try:
            problems = self._schemas.compiled(plan.input_schema).problems(given)
        except UnusableSchema as error:
            msg = f"input: the workflow's schema can't be used: {error}"
            raise InvalidRequest(msg, param="input") from None
        if problems:
            raise InvalidRequest(f"input: {problems[0]}", param="input")


def handlers_of(plan: Plan) -> Mapping[str, frozenset[str]]:
    """Return which nodes come behind each node's error port."""
    behind: dict[str, set[str]] = {}
    for one in plan.graph.nodes:
        for node, port in map(path_of, one.after):
            if port == ERROR:
                behind.setdefault(node, set()).add(one.id)
    return {node: frozenset(those) for node, those in behind.items()}


def _before(plan: Plan, node: str) -> frozenset[str]:
    """Return the nodes that don't come after one: neither it nor what follows it.

    Raises:
        InvalidRequest: there is no such node.
    """
    behind = {node}
    known = {one.id for one in plan.graph.nodes}
    if node not in known:
        msg = f"from: the workflow has no node {node[:64]!r}: it has {', '.join(sorted(known))}"
        raise InvalidRequest(msg, param="from")
    grown = True
    while grown:
        grown = False
        for one in plan.graph.nodes:
            if one.id not in behind and behind & {path.partition(":")[0] for path in one.after}:
                behind.add(one.id)
                grown = True
    return frozenset(known - behind)


def is_over(run: RunRow) -> bool:
    """Whether a run has ended."""
    return run.status in ENDED
