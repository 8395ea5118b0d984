"""Tools of the configuration: listed, shown, and called by hand; and what confidences are worth."""

import asyncio
from typing import Annotated, Any

import msgspec
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, PathParameter
from msgspec import Meta

from legato.api.control.access import Caller, make, read
from legato.api.control.forms import Form, Shown, moment
from legato.api.control.once import IdempotencyKey
from legato.api.control.registry_desk import Org
from legato.api.control.services import Services
from legato.connectors.catalogue import Offered
from legato.connectors.tool import ToolContext, ToolSpec
from legato.core.errors import Forbidden, InvalidRequest
from legato.core.permission import Permission
from legato.storage.agents.calibrations import KeptCalibration

ToolName = Annotated[str, PathParameter(description="A tool's name.", max_length=200)]
CalibrationName = Annotated[str, PathParameter(description="Its name.", max_length=200)]
_ACCOUNT = "account"


class Tool(Shown, frozen=True, kw_only=True):
    """A tool. `refused` names the access rule that keeps the caller from it, "" for none.

    `dangerous`: a person is asked before each call, where a workflow doesn't say otherwise.
    """

    name: str
    source: str
    kind: str
    description: str
    dangerous: bool
    transactional: bool
    refused: str


class ShownTool(Tool, frozen=True, kw_only=True):
    """A tool with the JSON schemas of its arguments and its answer."""

    parameters: dict[str, Any]
    returns: dict[str, Any] | None


class UnlearntSource(Shown, frozen=True, kw_only=True):
    """A source whose tools can't be learnt, and why."""

    source: str
    problem: str


class ToolList(Shown, frozen=True, kw_only=True):
    """All tools that an organisation may name."""

    data: list[Tool]
    problems: list[UnlearntSource]


class ToolCall(Form, frozen=True, kw_only=True):
    """What a tool is called with."""

    arguments: dict[str, Any] = msgspec.field(default_factory=dict)
    user: Annotated[str, Meta(max_length=200)] = ""


class ToolAnswer(Shown, frozen=True, kw_only=True):
    """What it answered."""

    tool: str
    answer: Any


class Calibration(Shown, frozen=True, kw_only=True):
    """How confidences of a name are mapped to how often they are right.

    `knots` are pairs of a stated and a calibrated confidence; errors are out of fold.
    """

    name: str
    at: str
    author: str
    form: str
    items: int
    correct: int
    ece_stated: float
    ece: float
    brier_stated: float
    brier: float
    told: str
    knots: list[tuple[float, float]]


class CalibrationList(Shown, frozen=True, kw_only=True):
    """An organisation's calibrations, by name."""

    data: list[Calibration]


@read("/tools", Permission.TOOL_READ, tags=["tools"], sync_to_thread=None)
async def list_tools(services: Given[Services], caller: Given[Caller], org: Org = None) -> ToolList:
    """List tools; servers and documents are asked for theirs."""
    offered = await services.tools.offered(caller.tenant(org).org)
    refused = await asyncio.to_thread(services.tools.refused_to, caller.principal)
    return ToolList(
        data=[_tool(one, spec, refused(spec.name)) for one in offered for spec in one.specs],
        problems=[
            UnlearntSource(source=one.entry.name, problem=one.problem)
            for one in offered
            if one.problem
        ],
    )


@read("/tools/{tool:str}", Permission.TOOL_READ, tags=["tools"], sync_to_thread=None)
async def get_tool(
    services: Given[Services], caller: Given[Caller], tool: ToolName, org: Org = None
) -> ShownTool:
    """Show a tool with its schemas."""
    name = caller.tenant(org).org
    spec = await services.tools.find(tool, name)
    refused = await asyncio.to_thread(services.tools.refused_to, caller.principal)
    return ShownTool(
        name=spec.name,
        source=services.tools.source_of(tool),
        kind=spec.kind,
        description=spec.description,
        dangerous=spec.approval == "always",
        transactional=spec.transactional,
        refused=refused(tool),
        parameters=spec.parameters,
        returns=spec.returns,
    )


@make(
    "/tools/{tool:str}/call",
    Permission.TOOL_CALL,
    shows="tool.call",
    tags=["tools"],
    status_code=200,
    sync_to_thread=None,
)
async def call_tool(
    services: Given[Services],
    caller: Given[Caller],
    *,
    tool: ToolName,
    data: JSONBody[ToolCall],
    org: Org = None,
    idempotency_key: IdempotencyKey = None,
) -> ToolAnswer:
    """Call a tool now; one that asks for a person's approval only as a person."""
    where = caller.tenant(org).org
    refused = await asyncio.to_thread(services.tools.refused_to, caller.principal)
    if told := refused(tool):
        raise Forbidden(told)
    spec = await services.tools.find(tool, where)
    if spec.approval == "always" and caller.principal.kind != _ACCOUNT:
        raise Forbidden(f"{tool} asks for a person's approval: call it as a person who signed in")
    if spec.transactional:
        raise InvalidRequest(f"{tool} writes with a run's step: call it in a run", param="tool")
    key = idempotency_key or f"by-hand/{services.new_secret()}"
    answer = await services.tools.call(tool, data.arguments, ToolContext(key, where, data.user))
    return ToolAnswer(tool=tool, answer=answer)


@read("/calibrations", Permission.WORKFLOW_RUN_READ, tags=["tools"])
def list_calibrations(
    services: Given[Services], caller: Given[Caller], org: Org = None
) -> CalibrationList:
    """List the calibrations of confidences."""
    kept = services.calibrations(caller.tenant(org)).all()
    return CalibrationList(data=[_calibration(one) for one in kept])


@read("/calibrations/{calibration:str}", Permission.WORKFLOW_RUN_READ, tags=["tools"])
def get_calibration(
    services: Given[Services],
    caller: Given[Caller],
    calibration: CalibrationName,
    org: Org = None,
) -> Calibration:
    """Show a calibration with its figures."""
    return _calibration(services.calibrations(caller.tenant(org)).get(calibration))


HANDLERS = (list_tools, get_tool, call_tool, list_calibrations, get_calibration)


def _tool(offered: Offered, spec: ToolSpec, refused: str) -> Tool:
    return Tool(
        name=spec.name,
        source=offered.entry.name,
        kind=spec.kind,
        description=spec.description,
        dangerous=spec.approval == "always",
        transactional=spec.transactional,
        refused=refused,
    )


def _calibration(kept: KeptCalibration) -> Calibration:
    fit = kept.fit
    return Calibration(
        name=kept.name,
        at=moment(kept.at_ns),
        author=kept.author,
        form=str(fit.form),
        items=fit.items,
        correct=fit.correct,
        ece_stated=fit.ece_stated,
        ece=fit.ece,
        brier_stated=fit.brier_stated,
        brier=fit.brier,
        told=fit.told,
        knots=[(x, y) for x, y in fit.knots],
    )
