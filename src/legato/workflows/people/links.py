"""Links in messages by which the person they were sent to decides a task, once.

A token is made when a message is sent and stands in that message alone; its digest is kept. It
says who decides: whoever holds it decides as that person, within all that binds them (their
permission at this moment, who is asked, four eyes). So it goes only where one person reads.
"""

from collections.abc import Callable
from typing import Any, Final, Protocol

import msgspec

from legato.audit.acting import acting, acting_as
from legato.audit.event import Actor
from legato.core.errors import NotFound
from legato.core.tenant import Reach
from legato.flow.rulings import Person, Question, Ruling
from legato.storage.tasks.links import TaskLink, TaskLinks
from legato.storage.tasks.records import OPEN, Task
from legato.workflows.people.tasks import Tasks

_LASTS_NS: Final = 7 * 24 * 3600 * 1_000_000_000
"""How long one works to a task without a deadline."""
VIA: Final = "link"


class Decider(msgspec.Struct, frozen=True):
    """Somebody with an account who may decide tasks somewhere: `reach` is where."""

    account_id: str
    login: str
    person: Person
    reach: Reach


class Deciders(Protocol):
    """Tells who somebody is at this moment. May raise StorageUnavailable."""

    def named(self, login: str) -> Decider | None:
        """Return who has a login; None for nobody who may decide tasks."""
        ...

    def known(self, account_id: str) -> Decider | None:
        """Return who has an account, likewise."""
        ...


class Opened(msgspec.Struct, frozen=True):
    """What a link leads to; the question is None where its content is gone."""

    link: TaskLink
    task: Task
    question: Question | None
    decider: Decider


class LinkDesk:
    """Makes links, shows what they lead to and decides by them. Blocking."""

    def __init__(
        self,
        links: TaskLinks,
        tasks: Callable[[Reach], Tasks],
        deciders: Deciders,
        *,
        digest: Callable[[bytes], bytes],
        new_token: Callable[[], str],
        now_ns: Callable[[], int],
    ) -> None:
        self._links = links
        self._tasks = tasks
        self._deciders = deciders
        self._digest = digest
        self._new_token = new_token
        self._now_ns = now_ns

    def asked(self, connection: Any, task_id: str, login: str) -> bool:
        """Whether a task is before somebody, within the transaction that makes or changes it."""
        decider = self._deciders.named(login)
        if decider is None:
            return False
        try:
            return self._tasks(decider.reach).asks(connection, task_id, decider.person)
        except NotFound:  # of another team or organisation
            return False

    def make(self, task_id: str, login: str) -> str:
        """Return the token of a new link; "" where somebody may not decide this task now."""
        decider = self._deciders.named(login)
        if decider is None:
            return ""
        try:
            task = self._tasks(decider.reach).store.get(task_id)
        except NotFound:
            return ""
        if task.state != OPEN or not self._tasks(decider.reach).may_decide(task, decider.person):
            return ""
        token = self._new_token()
        link = TaskLink(
            org=task.org,
            digest=self._digest(token.encode()),
            task_id=task.id,
            person=decider.account_id,
            expires_at_ns=task.deadline_ns or self._now_ns() + _LASTS_NS,
        )
        self._links.add(link)
        return token

    def look(self, token: str) -> Opened:
        """Return what a link leads to; nothing is shown or decided by that. Raises as `open`."""
        return self._opened(self._digest(token.encode("utf-8", "replace")))

    def open(self, token: str) -> Opened:
        """Return what a link leads to, and record that it was shown; nothing is decided.

        Raises:
            NotFound: it was used, is too old or unknown, or its person may not decide any more.
        """
        digest = self._digest(token.encode("utf-8", "replace"))
        opened = self._opened(digest)
        with self._acting(opened):
            self._links.shown(digest)
        return opened

    def decide(self, token: str, ruling: Ruling) -> Task:
        """Decide as the person it was sent to, and use the link up, in one transaction.

        Raises as `open` and as `Tasks.decide`; what is refused uses nothing up.
        """
        digest = self._digest(token.encode("utf-8", "replace"))
        opened = self._opened(digest)
        tasks = self._tasks(opened.decider.reach)
        with self._acting(opened):
            return tasks.decide(
                opened.task.id,
                opened.decider.person,
                ruling,
                VIA,
                also=lambda connection: self._links.use(connection, digest),
            )

    def _opened(self, digest: bytes) -> Opened:
        link = self._links.find(digest)
        decider = self._deciders.known(link.person)
        if decider is None:
            raise NotFound("This link's person may not decide tasks any more.", param="token")
        tasks = self._tasks(decider.reach)
        task = tasks.store.get(link.task_id)
        if not tasks.may_decide(task, decider.person):
            raise NotFound("This task isn't before the link's person any more.", param="token")
        return Opened(link, task, tasks.question(task), decider)

    @staticmethod
    def _acting(opened: Opened) -> Any:
        return acting_as(Actor("account", opened.decider.account_id), acting().request_id)
