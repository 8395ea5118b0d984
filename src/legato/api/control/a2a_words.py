"""What A2A calls things, in versions 1.0 and 0.3 of the protocol: https://a2a-protocol.org.

A workflow is an agent, a run a task, and a task of a person the input that it requires.
"""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import msgspec

import legato
from legato.core.errors import InvalidRequest
from legato.flow.definition import Definition

SEND: Final = "send"
STREAM: Final = "stream"
GET: Final = "get"
CANCEL: Final = "cancel"
FOLLOW: Final = "follow"
_OUTPUT: Final = "output"
_PARTS_MAX: Final = 100
_ID_MAX: Final = 128


class Version(NamedTuple):
    """One version of the protocol."""

    number: str
    is_new: bool


NEW: Final = Version("1.0", is_new=True)
OLD: Final = Version("0.3", is_new=False)
METHODS: Final[Mapping[str, tuple[str, Version]]] = {
    "SendMessage": (SEND, NEW),
    "SendStreamingMessage": (STREAM, NEW),
    "GetTask": (GET, NEW),
    "CancelTask": (CANCEL, NEW),
    "SubscribeToTask": (FOLLOW, NEW),
    "message/send": (SEND, OLD),
    "message/stream": (STREAM, OLD),
    "tasks/get": (GET, OLD),
    "tasks/cancel": (CANCEL, OLD),
    "tasks/resubscribe": (FOLLOW, OLD),
}
"""By method: what is wanted, and in which version it is said."""


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A message that was sent."""

    id: str
    task: str
    context: str
    text: str
    data: list[Any]
    at_once: bool
    """Whether the task is wanted as it stands, without waiting for it."""


class Asked(NamedTuple):
    """A question to a person."""

    task: str
    """Its id: an answer may name it."""
    told: str
    data: dict[str, Any]


class TaskState(msgspec.Struct, frozen=True, kw_only=True):
    """How a task stands; `output` counts for a completed one."""

    id: str
    context: str
    state: str
    """`submitted`, `working`, `input-required`, `completed`, `failed` or `canceled`."""
    at: str
    told: str = ""
    questions: tuple[Asked, ...] = ()
    """What a person is asked now, the oldest first."""
    output: Any = None

    @property
    def rests(self) -> bool:
        """Whether nothing more comes of it by itself."""
        return self.state not in {"submitted", "working"}

    @property
    def is_over(self) -> bool:
        """Whether nothing comes of it any more."""
        return self.rests and self.state != "input-required"


def said_in(params: Mapping[str, Any]) -> Said:
    """Return the message of a call. Raises InvalidRequest."""
    message, how = params.get("message"), params.get("configuration")
    if not isinstance(message, dict) or not isinstance(message.get("parts"), list):
        raise InvalidRequest("params.message: a message with parts is needed", param="message")
    message_id = message.get("messageId")
    if not isinstance(message_id, str) or not 0 < len(message_id) <= _ID_MAX:
        msg = f"params.message.messageId: up to {_ID_MAX} characters are needed"
        raise InvalidRequest(msg, param="messageId")
    parts = [one for one in message["parts"][:_PARTS_MAX] if isinstance(one, dict)]
    how = how if isinstance(how, dict) else {}
    return Said(
        id=message_id,
        task=_name(message, "taskId"),
        context=_name(message, "contextId"),
        text="\n".join(str(one["text"]) for one in parts if isinstance(one.get("text"), str)),
        data=[one["data"] for one in parts if one.get("data") is not None],
        at_once=how.get("returnImmediately") is True or how.get("blocking") is False,
    )


def _name(message: Mapping[str, Any], field: str) -> str:
    value = message.get(field) or ""
    if not isinstance(value, str) or len(value) > _ID_MAX:
        raise InvalidRequest(f"params.message.{field}: a name is needed", param=field)
    return value


def input_of(said: Said, definition: Definition) -> Any:
    """Return a workflow's input: the data of a message, else its text.

    Text is the input itself, or the one text that an object wants.

    Raises:
        InvalidRequest: the workflow wants data; it says which.
    """
    if said.data:
        return said.data[0]
    schema = definition.input
    if schema is None or schema.get("type") != "object":
        return said.text
    properties = schema.get("properties") or {}
    wanted = schema.get("required") or list(properties)
    if len(wanted) == 1 and properties.get(wanted[0], {}).get("type", "string") == "string":
        return {wanted[0]: said.text}
    try:
        found = msgspec.json.decode(said.text)
    except (msgspec.DecodeError, RecursionError):
        found = None
    if not isinstance(found, dict):
        fields = ", ".join(map(str, properties)) or "any"
        msg = f"params.message.parts: send a part with `data`, an object with the fields {fields}"
        raise InvalidRequest(msg, param="parts")
    return found


def task_of(task: TaskState, version: Version) -> dict[str, Any]:
    """Return a task."""
    found: dict[str, Any] = {
        "id": task.id,
        "contextId": task.context,
        "status": _status(task, version),
        "artifacts": [] if (made := _artifact(task, version)) is None else [made],
    }
    return found if version.is_new else {"kind": "task", **found}


def answer_of(task: TaskState, version: Version) -> dict[str, Any]:
    """Return what a message is answered with."""
    return {"task": task_of(task, version)} if version.is_new else task_of(task, version)


def updates_of(task: TaskState, version: Version) -> list[dict[str, Any]]:
    """Return the events that tell of a task's new state."""
    about = {"taskId": task.id, "contextId": task.context}
    status: dict[str, Any] = {**about, "status": _status(task, version)}
    found: list[dict[str, Any]] = []
    made = _artifact(task, version)
    if version.is_new:
        if made is not None:
            found.append({"artifactUpdate": {**about, "artifact": made, "lastChunk": True}})
        return [*found, {"statusUpdate": status}]
    if made is not None:
        found.append({"kind": "artifact-update", **about, "artifact": made, "lastChunk": True})
    return [*found, {"kind": "status-update", **status, "final": task.rests}]


def card_of(name: str, definition: Definition, url: str) -> dict[str, Any]:
    """Return the card of a workflow: of version 1.0, with the fields that 0.3 looks for."""
    told = definition.description or definition.title or f"The workflow {name}."
    interfaces = [
        {"url": url, "protocolBinding": "JSONRPC", "protocolVersion": one.number}
        for one in (NEW, OLD)
    ]
    takes_data = definition.input is not None and definition.input.get("type") == "object"
    modes = ["application/json", "text/plain"] if takes_data else ["text/plain"]
    return {
        "name": definition.title or name,
        "description": told,
        "version": legato.__version__,
        "supportedInterfaces": interfaces,
        "url": url,
        "preferredTransport": "JSONRPC",
        "protocolVersion": "0.3.0",
        "capabilities": {"streaming": True, "pushNotifications": False},
        "defaultInputModes": modes,
        "defaultOutputModes": ["application/json", "text/plain"],
        "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        "security": [{"key": []}],
        "skills": [
            {
                "id": name,
                "name": definition.title or name,
                "description": told,
                "tags": ["workflow"],
            }
        ],
    }


def _status(task: TaskState, version: Version) -> dict[str, Any]:
    status: dict[str, Any] = {"state": _state(task.state, version), "timestamp": task.at}
    if task.told or task.questions:
        said = [task.told, *(part for one in task.questions for part in (one.told, one.data))]
        parts = [_part(one, version) for one in said if one]
        of = blake2b("".join(one.task for one in task.questions).encode(), digest_size=8)
        message: dict[str, Any] = {
            "messageId": f"{task.id}-{task.state}-{of.hexdigest()}",
            "taskId": task.id,
            "contextId": task.context,
            "role": "ROLE_AGENT" if version.is_new else "agent",
            "parts": parts,
        }
        status["message"] = message if version.is_new else {"kind": "message", **message}
    return status


def _state(state: str, version: Version) -> str:
    return f"TASK_STATE_{state.upper().replace('-', '_')}" if version.is_new else state


def _artifact(task: TaskState, version: Version) -> dict[str, Any] | None:
    if task.state != "completed":
        return None
    return {"artifactId": _OUTPUT, "name": _OUTPUT, "parts": [_part(task.output, version)]}


def _part(value: Any, version: Version) -> dict[str, Any]:
    if isinstance(value, str):
        return {"text": value} if version.is_new else {"kind": "text", "text": value}
    data = value if isinstance(value, dict) else {_OUTPUT: value}
    return {"data": data} if version.is_new else {"kind": "data", "data": data}
