"""How runs tell people that something waits for them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from legato.core.clock import Clock
from legato.core.config_notifications import NotificationRoute
from legato.core.notification import TASK, Notification, Severity
from legato.notify.routing import channels_for
from legato.storage.notifications.outbox import Outbox
from legato.workflows.people.human import Telling, Told
from legato.workflows.people.links import LinkDesk

Pseudonym = Callable[[str, str], str]


def tell_people(
    outbox: Outbox,
    routes: Sequence[NotificationRoute],
    persons: Mapping[str, str],
    desk: LinkDesk,
    *,
    clock: Clock,
    new_id: Callable[[], str],
    pseudonym: Pseudonym,
) -> Telling:
    """Return what tells people, by the outbox, that a task waits for them; a trial tells nobody.

    It goes by the channels of routes, and by those that one of the people who are asked reads
    alone: `persons` names these by channel.
    """

    def tell(connection: Any, told: Told) -> None:
        run = told.run
        if run.test:
            return
        said = Notification(
            id=new_id(),
            kind=TASK,
            severity=Severity.INFO if told.why == "asked" else Severity.WARNING,
            title=f"{told.title}: {run.workflow or 'a workflow'} asks for a decision",
            text=f"legato tasks show {told.task_id}",
            at_ns=clock.now_ns(),
            once=f"task {told.task_id} {told.why} {told.number}",
            org=run.org,
            team=run.team,
            feature=run.feature,
            facts={"run_id": run.id, "task_id": told.task_id, "node": told.node, "why": told.why},
            about_user=pseudonym(run.org, run.user) if run.user else "",
        )
        asked = [
            channel
            for channel, login in persons.items()
            if desk.asked(connection, told.task_id, login)
        ]
        outbox.put(connection, said, (*channels_for(routes, said), *asked))

    return tell
