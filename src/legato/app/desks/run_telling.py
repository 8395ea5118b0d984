"""How runs hear what people decide."""

from collections.abc import Callable
from typing import Any

import msgspec

from legato.core.clock import Clock
from legato.storage.tasks.records import Ended
from legato.storage.workflows.inbox import put_told
from legato.storage.workflows.rows import MessageRow
from legato.workflows.people.human import task_topic
from legato.workflows.runs.sealing import Sealing, message_context


def tell_runs(sealing: Sealing, clock: Clock) -> Callable[[Any, Ended], None]:
    """Return what tells a run, in the transaction that ends its task, that it has ended."""

    def tell(connection: Any, ended: Ended) -> None:
        message_id, now_ns = f"task:{ended.task_id}", clock.now_ns()
        said = {"task_id": ended.task_id, "state": ended.state, "port": ended.port}
        context = message_context(ended.run_id, message_id)
        message = MessageRow(
            id=message_id,
            number=now_ns,
            topic=task_topic(ended.path),
            sender=ended.by,
            sealed=sealing.seal(ended.org, msgspec.json.encode(said), context),
            at_ns=now_ns,
        )
        put_told(connection, ended.org, ended.run_id, message)

    return tell
