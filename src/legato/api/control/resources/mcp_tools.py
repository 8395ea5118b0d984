"""What MCP clients may have Legato do: run published workflows, look at runs, read insights."""

import re
import time
from collections.abc import Iterator
from typing import Any, Final

from legato.api.control.access import Caller
from legato.api.control.forms import known_id
from legato.api.control.resources.workflow_forms import NewWorkflowRun, shown_run
from legato.api.control.resources.workflow_starting import (
    acting_key,
    definition_of,
    require_may_start,
)
from legato.api.control.services import Services
from legato.core.errors import InvalidRequest, LegatoError, NotFound
from legato.core.permission import Permission
from legato.core.registry import Kind, ObjectName
from legato.flow.definition import Definition
from legato.insights.spend.desk import PERIOD, Asked, Insights
from legato.storage.workflows.rows import ENDED
from legato.workflows.runs.workflows import NewRun

RUN: Final = "run_"
GET_RUN: Final = "get_run"
INSIGHT: Final = "insight"
_OBJECTS_MAX: Final = 200
_WAITED_S: Final = 20.0
_LOOK_S: Final = 0.2
_ODD: Final = re.compile(r"[^A-Za-z0-9_-]")
_TEXT: Final = {"type": "string"}


def listed_tools(services: Services, caller: Caller) -> list[dict[str, Any]]:
    """Return the tools that somebody may use, as MCP describes them."""
    found = [_get_run()]
    if caller.has(Permission.LEDGER_READ):
        found.append(_insight())
    if caller.has(Permission.WORKFLOW_RUN_CREATE):
        found += [_tool(name, one) for name, one in _workflows(services, caller)]
    return found


def call_tool(
    services: Services, caller: Caller, name: str, arguments: dict[str, Any]
) -> dict[str, Any]:
    """Use one. Raises NotFound, InvalidRequest, Forbidden and what the work raises."""
    if name == GET_RUN:
        return _run(services, caller, str(arguments.get("run_id", "")))
    if name == INSIGHT:
        return _read_insight(services, Caller(caller.principal, Permission.LEDGER_READ), arguments)
    if name.startswith(RUN):
        starting = Caller(caller.principal, Permission.WORKFLOW_RUN_CREATE)
        return _started(services, starting, name.removeprefix(RUN), arguments)
    raise NotFound(f"there is no tool {name[:100]!r}", param="name")


def _started(
    services: Services, caller: Caller, name: str, arguments: dict[str, Any]
) -> dict[str, Any]:
    """Begin a run, and return what it came to, or after a while that it goes on."""
    known = {tool_name(one): one for one in _names(services, caller)}
    if name not in known:
        raise NotFound(f"no workflow is published as {name[:100]!r}", param="name")
    wanted = NewWorkflowRun(workflow=known[name])
    tenant = caller.tenant()
    found = services.workflows(tenant, tenant.org)
    acting = acting_key(services, caller, None)
    chosen = definition_of(services, tenant, wanted)
    require_may_start(acting, chosen.name)
    given = arguments if _takes_object(chosen.definition) else arguments.get("input")
    new = NewRun(
        definition=chosen.definition,
        workflow=chosen.name,
        arm=chosen.arm,
        version=chosen.version,
        input=given,
        author=caller.author,
        origin="mcp",
    )
    row, _ = found.start(new, acting)
    services.wake_runs()
    until_s = time.monotonic() + _WAITED_S
    while time.monotonic() < until_s and found.runs.get(row.id).status not in ENDED:
        time.sleep(_LOOK_S)
    return _run(services, caller, row.id)


def _run(services: Services, caller: Caller, run_id: str) -> dict[str, Any]:
    tenant = caller.tenant()
    view = services.workflows(tenant, tenant.org).view(known_id(run_id))
    run = shown_run(view, caller, tenant)
    return {
        "run_id": run.id,
        "workflow": run.workflow,
        "status": run.status,
        "output": run.output,
        "message": run.message,
    }


def _read_insight(services: Services, caller: Caller, arguments: dict[str, Any]) -> dict[str, Any]:
    insights = services.insights.insights(caller.reach)
    by = arguments.get("by") or []
    if not isinstance(by, list):
        raise InvalidRequest("by: a list of dimensions", param="by")
    period = str(arguments.get("period") or PERIOD)
    found = insights.show(str(arguments.get("id", "")), Asked(period, tuple(map(str, by)), {}))
    return {
        "id": found.about.id,
        "unit": found.about.unit,
        "period": found.period,
        "rows": list(found.rows),
    }


def _workflows(services: Services, caller: Caller) -> Iterator[tuple[str, Definition]]:
    tenant = caller.tenant()
    for name in _names(services, caller):
        try:
            yield name, services.workflow_definitions.resolve(tenant.org, name, "").definition
        except LegatoError:  # nothing of it is published, or it can't be read any more
            continue


def _names(services: Services, caller: Caller) -> list[str]:
    reader = services.registry(caller.tenant()).read
    objects = reader.objects(_OBJECTS_MAX, ObjectName(Kind.WORKFLOW, ""))
    return [one.name.name for one in objects if one.name.kind is Kind.WORKFLOW]


def tool_name(workflow: str) -> str:
    """Return a workflow's name as models can say it."""
    return _ODD.sub("_", workflow)[: 64 - len(RUN)]


def _tool(name: str, definition: Definition) -> dict[str, Any]:
    schema = definition.input
    if not _takes_object(definition):
        schema = {"type": "object", "properties": {"input": definition.input or {}}}
    return {
        "name": f"{RUN}{tool_name(name)}",
        "title": definition.title or name,
        "description": definition.description or f"Run the workflow {name}.",
        "inputSchema": schema,
    }


def _takes_object(definition: Definition) -> bool:
    return definition.input is not None and definition.input.get("type") == "object"


def _get_run() -> dict[str, Any]:
    schema = {"type": "object", "properties": {"run_id": _TEXT}, "required": ["run_id"]}
    told = "Show how a run of a workflow stands, and what it came to."
    return {"name": GET_RUN, "description": told, "inputSchema": schema}


def _insight() -> dict[str, Any]:
    known = [one.id for one in Insights.catalogue()]
    properties = {
        "id": {"type": "string", "enum": known},
        "period": {**_TEXT, "description": f"As `{PERIOD}`, which it is without one."},
        "by": {"type": "array", "items": _TEXT, "description": "Dimensions, as `team`."},
    }
    schema = {"type": "object", "properties": properties, "required": ["id"]}
    return {"name": INSIGHT, "description": "Read a figure of AI spend.", "inputSchema": schema}
