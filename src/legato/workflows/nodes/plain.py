"""The plain kinds: data, rules, time, loops and workflows within workflows."""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Final

import msgspec

from legato.core.errors import InvalidRequest, LegatoError
from legato.flow.definition import (
    DONE,
    For,
    Raise,
    Repeat,
    Set,
    SubWorkflow,
    Switch,
    Validate,
    Wait,
)
from legato.guardrails.outputs.schemas import Schemas
from legato.workflows.nodes.contract import (
    Child,
    ChildOutcome,
    NodeKinds,
    Step,
    StepOutcome,
    Waiting,
)

ITEMS_MAX: Final = 10_000
"""Of one `for`."""
_NS: Final = 1_000_000_000
_WHEN: Final = "begin"
_DUE: Final = "due"


class Raised(LegatoError):
    """What a workflow raises itself: the definition says the code."""

    code: ClassVar[str] = "raised"

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code  # type: ignore[misc]


async def set_value(node: Set, step: Step) -> StepOutcome:
    """Make data of data."""
    return StepOutcome(output=await step.value(node.value))


async def switch(node: Switch, step: Step) -> StepOutcome:
    """End at the port of the first case that holds."""
    for case in node.cases:
        if await step.holds(case.when):
            return StepOutcome(output=case.port, port=case.port)
    return StepOutcome(output=node.otherwise, port=node.otherwise)


async def raise_error(node: Raise, step: Step) -> StepOutcome:
    """Fail. Raises Raised."""
    raise Raised(node.code, str(await step.value(node.message)))


class ValidateKind:
    """Checks data against a schema and rules."""

    def __init__(self) -> None:
        self._schemas = Schemas()

    async def __call__(self, node: Validate, step: Step) -> StepOutcome:
        """Return the value with what is wrong with it."""
        value = await step.value(node.value)
        problems: list[dict[str, str]] = []
        if node.json_schema is not None:
            problems += [
                {"rule": "schema", "message": str(one)}
                for one in self._schemas.compiled(node.json_schema).problems(value)
            ]
        for rule in node.rules:
            if not await step.holds(rule.check, {"value": value}):
                told = rule.message or f"{rule.check} is not so"
                problems.append({"rule": rule.name, "message": told})
        port = "invalid" if problems else DONE
        return StepOutcome(output={"value": value, "problems": problems}, port=port)


async def wait(node: Wait, step: Step) -> StepOutcome:
    """Let time pass. Output: when it was over, ns since the epoch.

    Raises:
        InvalidRequest: `until` is no time.
    """
    if node.for_s is not None:
        due_ns = await step.now_ns(_WHEN) + int(node.for_s * _NS)
    else:
        due_ns = _moment(await step.value("${" + (node.until or "") + "}"))
    if step.run.rehearsal is not None:  # no evaluation waits for the time
        return StepOutcome(output=due_ns)
    await step.wait(_DUE, Waiting(due_ns=due_ns))
    return StepOutcome(output=due_ns)


async def for_each(node: For, step: Step) -> StepOutcome:
    """Run a body, or a workflow, for each item of a list, so many of them at once.

    Raises:
        InvalidRequest: `each` is no list, or too long a one.
        Raised: a body failed, and nothing collects errors.
    """
    items = await step.value("${" + node.each + "}")
    if not isinstance(items, list):
        raise InvalidRequest("each: a `for` needs a list", param="each")
    if len(items) > ITEMS_MAX:
        msg = f"each: has {len(items)} items, of at most {ITEMS_MAX}: take them in parts"
        raise InvalidRequest(msg, param="each")
    named = {
        str(index): Child(body=node.do, extra={"item": item, "index": index})
        if node.workflow is None
        else Child(workflow=node.workflow, input=item)
        for index, item in enumerate(items)
    }
    stop = node.on_error == "fail"
    came = await step.children(named, node.at_once, stop_at_error=stop)
    outputs = []
    for index in range(len(items)):
        found = came.get(str(index))
        if found is None or (found.error is not None and stop):
            raise _first_error(came)
        outputs.append(found.output if found.error is None else {"error": dict(found.error)})
    return StepOutcome(output=outputs, lineage={"runs": len(items)})


async def repeat(node: Repeat, step: Step) -> StepOutcome:
    """Run a body until a condition holds. Raises Raised: a body failed."""
    output: Any = None
    for index in range(node.times_max):
        child = Child(body=node.do, extra={"index": index, "last": output})
        came = await step.child(str(index), child)
        if came.error is not None:
            raise Raised(came.error["code"], came.error["message"])
        output = came.output
        if await step.holds(node.until, {"output": output, "index": index}):
            return StepOutcome(output=output, lineage={"times": index + 1})
    return StepOutcome(output=output, port="limit", lineage={"times": node.times_max})


async def sub_workflow(node: SubWorkflow, step: Step) -> StepOutcome:
    """Run another workflow. Raises Raised: it failed."""
    child = Child(workflow=node.workflow, input=await step.value(node.input))
    came = await step.child("run", child)
    if came.error is not None:
        raise Raised(came.error["code"], came.error["message"])
    return StepOutcome(output=came.output, lineage={"run": came.run_id})


def plain_kinds() -> NodeKinds:
    """Return those that need nothing from outside."""
    return {
        Set: set_value,
        Switch: switch,
        Raise: raise_error,
        Validate: ValidateKind(),
        Wait: wait,
        For: for_each,
        Repeat: repeat,
        SubWorkflow: sub_workflow,
    }


def _first_error(came: Mapping[str, ChildOutcome]) -> Raised:
    for name in sorted(came, key=int):
        error = came[name].error
        if error is not None:
            return Raised(error["code"], f"item {name}: {error['message']}")
    return Raised("cancelled", "a body didn't begin, though none failed")


def _moment(value: Any) -> int:
    """Return a time in ns since the epoch. Raises InvalidRequest."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return int(value)
    try:
        at = msgspec.convert(value, datetime)
    except msgspec.ValidationError:
        msg = "until: write an RFC 3339 time, or nanoseconds since the epoch"
        raise InvalidRequest(msg, param="until") from None
    if at.tzinfo is None:
        raise InvalidRequest("until: a time needs its zone, as 2026-01-01T12:00:00Z", param="until")
    return int(at.timestamp() * _NS)
