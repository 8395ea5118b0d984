"""The kind `prompt`: one call of a model."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from legato.core.errors import InvalidRequest, OutputInvalid
from legato.flow.definition import Prompt
from legato.guardrails.outputs.schemas import Schemas
from legato.workflows.nodes.contract import Step, StepOutcome
from legato.workflows.nodes.models import ROUTE, Asking, Models, Reply, lineage_of
from legato.workflows.nodes.structured import read_structured, response_format

_AGAIN: Final = 1
"""How often a model is told what was wrong with its answer."""
_LENGTH: Final = "length"


class PromptKind:
    """Runs nodes of the kind."""

    def __init__(self, models: Models) -> None:
        self._models = models
        self._schemas = Schemas()

    async def __call__(self, node: Prompt, step: Step) -> StepOutcome:
        """Ask, and ask again where the answer doesn't follow the schema.

        Raises:
            OutputInvalid: it doesn't follow it the second time, either.
        """
        body = await body_of(node, step)
        replies: list[Reply] = []
        for number in range(_AGAIN + 1):
            reply = await ask(self._models, step, f"ask{number or ''}", body)
            replies.append(reply)
            try:
                output = self._read(node, reply)
            except OutputInvalid as error:
                if number == _AGAIN:
                    raise
                body = {**body, "messages": [*body.get("messages", ()), *_told(reply, error)]}
                continue
            return StepOutcome(output=output, lineage=lineage_of(replies))
        raise AssertionError  # the last one returns or raises

    def _read(self, node: Prompt, reply: Reply) -> Any:
        if node.output_schema is None:
            return reply.text
        return read_structured(reply.text, node.output_schema, self._schemas)


async def ask(models: Models, step: Step, name: str, body: Mapping[str, Any]) -> Reply:
    """Ask a model within a step, once whatever becomes of the run; raises what is refused."""

    async def work(key: str) -> Any:
        return msgspec.to_builtins(await models.ask(Asking(step.run, step.path), body, key))

    return msgspec.convert(await step.do(name, work), Reply)


async def body_of(node: Prompt, step: Step) -> dict[str, Any]:
    """Return the call that a node makes. Raises InvalidRequest."""
    body: dict[str, Any] = {"model": node.model}
    if node.prompt is not None:
        body["model"] = f"prompt:{node.prompt}"
        body["metadata"] = {"variables": await step.value(node.variables)}
        if node.model:
            body[ROUTE] = node.model
    elif not node.model:
        raise InvalidRequest("a prompt needs `model`, or `prompt` of the registry", param="model")
    body["messages"] = await _messages(node, step)
    if node.output_schema is not None:
        body["response_format"] = response_format(node.output_schema, node.id)
    if node.max_tokens is not None:
        body["max_tokens"] = node.max_tokens
    if node.temperature is not None:
        body["temperature"] = node.temperature
    return body


def as_text(value: Any) -> str:
    """Return a text as it is, and other data as JSON."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


async def _messages(node: Prompt, step: Step) -> list[Any]:
    said = [("system", node.system), ("user", node.user)]
    found = [
        {"role": role, "content": as_text(await step.value(text))}
        for role, text in said
        if text.strip()
    ]
    return [*found, *(await step.value(list(node.messages)))]


def _told(reply: Reply, error: OutputInvalid) -> list[dict[str, str]]:
    """Return what goes on a conversation whose last answer won't do."""
    cut = " It was cut off: say less." if reply.finish == _LENGTH else ""
    told = f"That doesn't follow the schema: {error.told}.{cut} Answer again, with JSON only."
    return [
        {"role": "assistant", "content": reply.text or "(nothing)"},
        {"role": "user", "content": told},
    ]
