"""What an agent has used up, with all its specialists, and when that is enough."""

from typing import Any, Final

import msgspec

from legato.core.money import amount
from legato.flow.definition import Agent
from legato.workflows.nodes.contract import Step
from legato.workflows.nodes.models import Reply

_NS: Final = 1_000_000_000


class Ended(Exception):
    """The loop is over before there is an answer: a limit, or a stop. Says which."""

    def __init__(self, why: str, told: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.told = told


class Spent:
    """Counts, for one agent; limits are shared with its specialists."""

    def __init__(self, node: Agent, step: Step, began_ns: int) -> None:
        self._node = node
        self._step = step
        self._began_ns = began_ns
        self._cost_max = None if node.cost_usd_max is None else int(amount(node.cost_usd_max))
        self.cost = 0
        self.unpriced = False
        self.tool_calls: list[dict[str, Any]] = []
        self.replies: list[Reply] = []

    async def require_room(self, step: Step, name: str) -> None:
        """Look at cost and time before a turn. Raises Ended."""
        node = self._node
        if self._cost_max is not None and (self.cost >= self._cost_max or self.unpriced):
            raise Ended("cost" if not self.unpriced else "unpriced")
        if node.time_s_max is not None:
            now_ns = await step.now_ns(name)
            if now_ns - self._began_ns >= node.time_s_max * _NS:
                raise Ended("time")

    def paid(self, reply: Reply) -> None:
        """Count a call of a model."""
        self.replies.append(reply)
        self.unpriced = self.unpriced or reply.cost is None
        self.cost += reply.cost or 0

    def require_call(self) -> None:
        """Look at the number of tool calls before one. Raises Ended."""
        if len(self.tool_calls) >= self._node.tool_calls_max:
            raise Ended("tool_calls")

    def called(self, by: str, tool: str, came_to: str) -> None:
        """Note a call of a tool, and what it came to: `done`, `failed`, `denied`, `rejected`."""
        self.tool_calls.append({"by": by, "tool": tool, "came_to": came_to})


class Result(msgspec.Struct, frozen=True):
    """What a loop came to."""

    answer: Any
    turns: int
    stopped: str
