from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from tests.unit.workflows.nodes.memory_step import FACTS, MemoryStep

from legato.core.config_notifications import NotificationRoute
from legato.core.errors import InvalidRequest
from legato.core.notification import Notification
from legato.flow.definition import Notify
from legato.workflows.nodes.notify import NotifyKind

ROUTES = [NotificationRoute(channels=["ops"], events=["workflow.*"])]
NODE = Notify(id="n", subject="Order ${input.id}", text="is late")


class Written:
    def put(self, connection: Any, said: Notification, channels: Sequence[str]) -> bool:
        connection.append((said, tuple(channels)))
        return True


def kind() -> NotifyKind:
    return NotifyKind(
        Written(),
        ROUTES,
        ["ops", "chat"],
        new_id=lambda: "n-1",
        pseudonym=lambda org, user: f"{org}-{user}",
    )


async def test_it_is_written_with_the_record_and_goes_where_routes_say() -> None:
    step = MemoryStep({"input": {"id": 7}}, path="n")
    outcome = await kind()(NODE, step)
    again = await kind()(NODE, step)
    assert outcome.output == again.output == "n-1"
    [(said, channels)] = step.connection
    assert (said.title, said.text, channels) == ("Order 7", "is late", ("ops",))
    assert (said.org, said.team, said.once) == ("acme", "support", "run run-1/n/tell")


async def test_a_channel_may_be_named_if_there_is_one() -> None:
    step = MemoryStep({"input": {"id": 7}})
    await kind()(msgspec.structs.replace(NODE, channel="chat"), step)
    assert step.connection[0][1] == ("chat",)
    with pytest.raises(InvalidRequest, match="chat, ops"):
        await kind()(msgspec.structs.replace(NODE, channel="pager"), step)


async def test_a_trial_tells_nobody() -> None:
    step = MemoryStep({"input": {"id": 7}}, run=msgspec.structs.replace(FACTS, test=True))
    assert (await kind()(NODE, step)).output is None
    assert step.connection == []
