"""Workflows as agents: A2A over JSON-RPC, versions 1.0 and 0.3, see https://a2a-protocol.org.

Each published workflow has a card and a door. Who calls is known by the same keys and tokens as
anywhere at the control API; a message begins a run for the caller's key, whose limits and budget
hold, and a message to a task that waits for a person decides as who sends it.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Annotated, Any, Final

import msgspec
from litestar import Request
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, PathParameter
from litestar.response import Response, Stream

from legato.api.control.a2a_words import (
    CANCEL,
    FOLLOW,
    GET,
    METHODS,
    SEND,
    STREAM,
    TaskState,
    Version,
    answer_of,
    card_of,
    said_in,
    task_of,
    updates_of,
)
from legato.api.control.access import Caller, file_in, make, read
from legato.api.control.once import Made, Once
from legato.api.control.resources.a2a_tasks import Agent, published
from legato.api.control.services import Services
from legato.core.errors import (
    Conflict,
    Forbidden,
    InvalidRequest,
    LegatoError,
    NotFound,
    StorageUnavailable,
)
from legato.core.permission import Permission

_INVALID: Final = -32600
_NO_METHOD: Final = -32601
_NO_PARAMS: Final = -32602
_INTERNAL: Final = -32603
_NO_TASK: Final = -32001
_NOT_NOW: Final = -32002
_WAITED_S: Final = 25.0
_LOOK_S: Final = 0.1
_ALIVE_S: Final = 15.0
_EVENTS: Final = "text/event-stream"
WorkflowName = Annotated[str, PathParameter(description="A workflow's name.", max_length=128)]


class A2aMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A call of JSON-RPC 2.0."""

    method: str = ""
    jsonrpc: str = "2.0"
    id: str | int | None = None
    params: dict[str, Any] = {}


@read(
    "/a2a/{workflow:str}/.well-known/agent-card.json",
    Permission.WORKFLOW_RUN_READ,
    tags=["a2a"],
)
def get_agent_card(
    services: Given[Services], caller: Given[Caller], workflow: WorkflowName
) -> Response[Any]:
    """Show the card of a published workflow."""
    name, definition = published(services, caller, workflow)
    return Response(card_of(name, definition, f"{services.own_url}/api/v1/a2a/{name}"))


@make(
    "/a2a/{workflow:str}",
    Permission.WORKFLOW_RUN_READ,
    shows="workflow.read",
    tags=["a2a"],
    status_code=200,
    sync_to_thread=None,
    operation_class=file_in(("application/json", _EVENTS)),
)
async def speak_a2a(
    request: Request[Any, Any, Any],
    services: Given[Services],
    caller: Given[Caller],
    *,
    workflow: WorkflowName,
    data: JSONBody[A2aMessage],
) -> Response[Any] | Stream:
    """Answer a call of the A2A protocol; streaming ones by server-sent events."""
    await asyncio.to_thread(published, services, caller, workflow)  # or there is no such agent
    if data.method not in METHODS:
        told = f"{data.method[:100]}: not offered" if data.method else "method: needed"
        return _refused(data, _NO_METHOD if data.method else _INVALID, told)
    wanted, version = METHODS[data.method]

    def once(key: str, sent: msgspec.Struct, work: Callable[[], Made]) -> Response[Any]:
        return Once(services, caller, request, key)(sent, work)

    agent = Agent(services, caller, workflow, once)
    try:
        if wanted in {STREAM, FOLLOW}:
            begin = agent.sent if wanted == STREAM else agent.shown
            task = await asyncio.to_thread(begin, _meant(data, wanted))
            events = _events(agent, task, partial(_result, data), version)
            return Stream(events, media_type=_EVENTS, headers={"cache-control": "no-store"})
        return Response(_result(data, await _done(agent, wanted, version, data)))
    except (Forbidden, StorageUnavailable):
        raise
    except LegatoError as error:
        return _refused(data, _code(error), error.message)


HANDLERS = (get_agent_card, speak_a2a)


def _meant(data: A2aMessage, wanted: str) -> Any:
    if wanted in {SEND, STREAM}:
        return said_in(data.params)
    task_id = data.params.get("id")
    if not isinstance(task_id, str):
        raise InvalidRequest("params.id: the task's id is needed", param="id")
    return task_id


async def _done(agent: Agent, wanted: str, version: Version, data: A2aMessage) -> Any:
    meant = _meant(data, wanted)
    if wanted == SEND:
        task = await asyncio.to_thread(agent.sent, meant)
        if not meant.at_once:
            task = await _awaited(agent, task, lambda now: now.rests)
        return answer_of(task, version)
    works: dict[str, Callable[[str], TaskState]] = {GET: agent.shown, CANCEL: agent.cancelled}
    task = await asyncio.to_thread(works[wanted], meant)
    if wanted == CANCEL:  # one that is at work ends as soon as who has it sees to it
        task = await _awaited(agent, task, lambda now: now.is_over)
    return task_of(task, version)


async def _awaited(
    agent: Agent, task: TaskState, is_enough: Callable[[TaskState], bool]
) -> TaskState:
    """Return a task once it is as wanted, or after a while as it stands."""
    until_s = time.monotonic() + _WAITED_S
    while not is_enough(task) and time.monotonic() < until_s:
        await asyncio.sleep(_LOOK_S)
        task = await asyncio.to_thread(agent.shown, task.id)
    return task


async def _events(
    agent: Agent, task: TaskState, result: Callable[[Any], Any], version: Version
) -> AsyncIterator[bytes]:
    """Yield a task and what becomes of it, until nothing comes of it by itself."""
    yield _event(result(answer_of(task, version)))
    last, quiet_s = task, 0.0
    while not last.rests:
        await asyncio.sleep(_LOOK_S)
        quiet_s += _LOOK_S
        try:
            now = await asyncio.to_thread(agent.shown, task.id)
        except StorageUnavailable:
            continue
        if now.state != last.state:
            last, quiet_s = now, 0.0
            for one in updates_of(now, version):
                yield _event(result(one))
        elif quiet_s >= _ALIVE_S:
            quiet_s = 0.0
            yield b": alive\n\n"


def _event(said: Any) -> bytes:
    return b"data: " + msgspec.json.encode(said) + b"\n\n"


def _result(data: A2aMessage, result: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": data.id, "result": result}


def _refused(data: A2aMessage, code: int, told: str) -> Response[Any]:
    error = {"code": code, "message": told}
    return Response({"jsonrpc": "2.0", "id": data.id, "error": error})


def _code(error: LegatoError) -> int:
    if isinstance(error, NotFound):
        return _NO_TASK
    if isinstance(error, Conflict):
        return _NOT_NOW
    return _NO_PARAMS if isinstance(error, InvalidRequest) else _INTERNAL
