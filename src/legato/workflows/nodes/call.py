"""The kind `call`: one tool, used once."""

from typing import Any

from legato.core.errors import InvalidRequest
from legato.flow.definition import Tool
from legato.workflows.nodes.contract import Step, StepOutcome
from legato.workflows.nodes.tool_use import ToolUser, Use


class CallKind:
    """Runs nodes of the kind."""

    def __init__(self, tools: ToolUser) -> None:
        self._tools = tools

    async def __call__(self, node: Tool, step: Step) -> StepOutcome:
        """Use the tool. Output: its answer. Raises as `ToolUser.use`."""
        arguments = await step.value(dict(node.arguments))
        if not isinstance(arguments, dict):
            raise InvalidRequest("`arguments` have to come to an object", param="arguments")
        used = await self._tools.use(step, "call", Use(node.tool, arguments, node.approval))
        lineage: dict[str, Any] = {"tool": node.tool, "approved_by": list(used.approved_by)}
        if used.told:
            lineage["not_called"] = used.told
        return StepOutcome(output=used.answer, lineage=lineage)
