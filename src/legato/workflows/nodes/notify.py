"""The kind `notify`: tells people or systems, by the outbox of notifications, exactly once."""

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from legato.core.config_notifications import NotificationRoute
from legato.core.errors import InvalidRequest
from legato.core.notification import MESSAGE, Notification, Severity
from legato.flow.definition import Notify
from legato.notify.routing import channels_for
from legato.workflows.nodes.contract import Step, StepOutcome
from legato.workflows.nodes.prompt import as_text

_TITLE_MAX: Final = 200
_TEXT_MAX: Final = 20_000


class Outbox(Protocol):
    """Where notifications wait to be sent."""

    def put(self, connection: Any, said: Notification, channels: Sequence[str]) -> bool:
        """Write one within a transaction; False where it was told before."""
        ...


class NotifyKind:
    """Runs nodes of the kind. `channels` are those that the configuration has."""

    def __init__(
        self,
        outbox: Outbox,
        routes: Sequence[NotificationRoute],
        channels: Sequence[str],
        *,
        new_id: Callable[[], str],
        pseudonym: Callable[[str, str], str],
    ) -> None:
        """`pseudonym` names a user of an organisation as the ledger does."""
        self._outbox = outbox
        self._routes = routes
        self._channels = frozenset(channels)
        self._new_id = new_id
        self._pseudonym = pseudonym

    async def __call__(self, node: Notify, step: Step) -> StepOutcome:
        """Put it into the outbox, in the transaction that records the step; a trial tells nobody.

        Raises:
            InvalidRequest: there is no such channel.
        """
        if node.channel and node.channel not in self._channels:
            known = ", ".join(sorted(self._channels)) or "none"
            msg = f"there is no channel {node.channel!r}; notifications.channels has {known}"
            raise InvalidRequest(msg, param="channel")
        title = as_text(await step.value(node.subject))[:_TITLE_MAX]
        text = as_text(await step.value(node.text))[:_TEXT_MAX]
        if step.run.test:
            return StepOutcome(output=None, lineage={"not_told": "a trial tells nobody"})
        at_ns = await step.now_ns("at")
        run = step.run

        def put(connection: Any, key: str) -> dict[str, Any]:
            said = Notification(
                id=self._new_id(),
                kind=MESSAGE,
                severity=Severity.INFO,
                title=title,
                text=text,
                at_ns=at_ns,
                once=f"run {key}",
                org=run.org,
                team=run.team,
                feature=run.feature,
                facts={"run_id": run.id, "workflow": run.workflow, "node": step.path},
                about_user=self._pseudonym(run.org, run.user) if run.user else "",
            )
            channels = (node.channel,) if node.channel else channels_for(self._routes, said)
            self._outbox.put(connection, said, channels)
            return {"id": said.id, "channels": list(channels)}

        told = await step.transact("tell", put)
        return StepOutcome(output=told["id"], lineage={"channels": told["channels"]})
