"""Events as CloudEvents 1.0 has them: the structured and the binary mode, over HTTP and brokers.

What identifies an event is its source with its id (CloudEvents 1.0, 3.1.1): two of the same are
one. Messages that are no CloudEvents become events of the source they came by.
"""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, Final

import msgspec

from legato.core.errors import InvalidRequest

STRUCTURED: Final = "application/cloudevents+json"
_PREFIXES: Final = ("ce-", "ce_", "cloudEvents:", "cloudEvents_")
"""Of attributes in headers: HTTP and NATS, Kafka, AMQP 1.0 and what RabbitMQ makes of it."""
_KNOWN: Final = frozenset(
    {"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema"}
)
_NAME_MAX: Final = 2_000


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event. `data` is JSON, or text where it isn't that."""

    id: str
    source: str
    type: str
    data: Any = None
    subject: str = ""
    time: str = ""
    datacontenttype: str = ""
    extensions: Mapping[str, Any] = {}

    @property
    def digest(self) -> bytes:
        """What two deliveries of the same event have in common."""
        identity = f"{len(self.source)}:{self.source}{self.id}".encode("utf-8", "surrogatepass")
        return blake2b(identity, digest_size=20).digest()

    def seen(self) -> dict[str, Any]:
        """Return it as expressions and runs see it."""
        found = {"specversion": "1.0", "id": self.id, "source": self.source, "type": self.type}
        more = {
            "subject": self.subject, "time": self.time, "datacontenttype": self.datacontenttype,
        }  # fmt: skip
        given = {name: value for name, value in more.items() if value}
        return {**dict(self.extensions), **found, **given, "data": self.data}


class Fallback(msgspec.Struct, frozen=True, kw_only=True):
    """What a message is called that is no CloudEvent: by where it came from."""

    source: str
    type: str
    id: str
    """The broker's id of it, or what stands for one."""


def read_event(headers: Mapping[str, str], body: bytes, fallback: Fallback | None) -> Event:
    """Read a message in whichever mode it is; without a fallback it must be a CloudEvent.

    Raises:
        InvalidRequest: it says that it is one, and isn't; or it is none and must be.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    content_type = lower.get("content-type", lower.get("content_type", ""))
    media = content_type.partition(";")[0].strip().lower()
    if media == STRUCTURED:
        return structured(body)
    attributes = _attributes(headers)
    if "specversion" in attributes:
        attributes.setdefault("datacontenttype", content_type)
        return _event(attributes, data_of(body))
    if fallback is None:
        raise InvalidRequest(
            "send a CloudEvent: structured (content-type application/cloudevents+json), or binary "
            "(headers ce-specversion, ce-id, ce-source, ce-type)",
            param="specversion",
        )
    return Event(
        id=fallback.id,
        source=fallback.source,
        type=fallback.type,
        data=data_of(body),
        datacontenttype=media,
    )


def structured(body: bytes) -> Event:
    """Read an event in JSON. Raises InvalidRequest."""
    try:
        found = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError):
        raise InvalidRequest("the event is no JSON object", param="body") from None
    if "data_base64" in found:
        msg = "data_base64: binary data isn't taken; send JSON or text in `data`"
        raise InvalidRequest(msg, param="data_base64")
    return _event(found, found.pop("data", None))


def data_of(body: bytes) -> Any:
    """Return JSON as what it says, anything else as text. Raises InvalidRequest for other bytes."""
    if not body:
        return None
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, RecursionError):
        pass
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise InvalidRequest(
            "the message is neither JSON nor text in UTF-8", param="data"
        ) from None


def _attributes(headers: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in headers.items():
        for prefix in _PREFIXES:
            if name.lower().startswith(prefix.lower()):
                found[name[len(prefix) :].lower()] = value
    return found


def _event(found: Mapping[str, Any], data: Any) -> Event:
    for name in ("id", "source", "type"):
        value = found.get(name)
        if not isinstance(value, str) or not 0 < len(value) <= _NAME_MAX:
            raise InvalidRequest(f"{name}: a CloudEvent has one, a text", param=name)
    if not str(found.get("specversion", "")).startswith("1."):
        raise InvalidRequest('specversion: "1.0" is taken', param="specversion")
    return Event(
        id=found["id"],
        source=found["source"],
        type=found["type"],
        data=data,
        subject=str(found.get("subject") or ""),
        time=str(found.get("time") or ""),
        datacontenttype=str(found.get("datacontenttype") or ""),
        extensions={
            name: value for name, value in found.items() if name not in _KNOWN and name != "data"
        },
    )
