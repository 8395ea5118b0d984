"""Prompts in the database of a running instance, and a provider that tells what it was sent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from legato.app.checks.configuration import load
from legato.app.config.data_dir import DataDir
from legato.app.models.vaults import open_data_keys
from legato.core.clock import SystemClock
from legato.core.ids import IdSource
from legato.core.registry import Kind, ObjectName, Selector
from legato.core.tenant import Tenant
from legato.registry.checking import check_prompt
from legato.registry.documents import Document
from legato.registry.registry import Act, References, Registry
from legato.storage.data_keys import DataKeyTable
from legato.storage.database.engine import open_engine
from legato.storage.registry.changes import RegistryChanges
from legato.storage.registry.reader import RegistryReader
from legato.vault.envelope import Envelopes
from wire_servers.plain_server import Reply, Request, WireServer, as_json

if TYPE_CHECKING:
    from running import RunningLegato


class PromptDesk:
    """Saves prompts and moves their labels beside a running instance."""

    def __init__(self, legato: RunningLegato) -> None:
        data, clock, tenant = DataDir(legato.data), SystemClock(), Tenant("default")
        engine = open_engine(data.database_url)
        loaded = load(legato.config, legato.environment)
        self._registry = Registry(
            tenant.org,
            (
                RegistryReader(engine, tenant),
                RegistryChanges(engine, clock, IdSource(clock), tenant),
            ),
            Envelopes(open_data_keys(loaded, data, DataKeyTable(engine))),
            checks={Kind.PROMPT: _references},
            approvals=(),
        )

    def save(self, name: str, spec: dict[str, Any], *labels: str) -> str:
        """Keep a version, point labels to it, return its digest."""
        document = Document(Kind.PROMPT, name, spec, labels=labels)
        return self._registry.save(document, Act("test"))[0].digest

    def move(self, name: str, label: str, digest: str) -> None:
        """Point a label to a version."""
        to = Selector(digest_prefix=digest)
        self._registry.point(ObjectName(Kind.PROMPT, name), label, to, Act("test"))


def _references(content: Any) -> References:
    return frozenset({("route", check_prompt(content).route)})


class Recorder(WireServer):
    """Answers both vendors' chat with how many requests it has taken."""

    def answer(self, request: Request) -> Reply:
        text = f"answer {len(self.taken)}"
        if json.loads(request.body).get("stream"):
            return Reply(200, {"content-type": "text/event-stream"}, parts=_chunks(text))
        if request.path.endswith("/messages"):
            return as_json(200, _message(text))
        return as_json(200, _completion(text))

    @property
    def last(self) -> dict[str, Any]:
        """The body of the newest request."""
        body: dict[str, Any] = json.loads(self.taken[-1].body)
        return body


def _completion(text: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m-2026",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11},
    }


def _chunks(text: str) -> list[bytes]:
    """The same answer as a stream of chat completions."""
    whole = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m-2026"}
    deltas: list[tuple[dict[str, str], str | None]] = [
        ({"role": "assistant", "content": text}, None),
        ({}, "stop"),
    ]
    chunks = [
        {**whole, "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}
        for delta, reason in deltas
    ]
    return [*(f"data: {json.dumps(chunk)}\n\n".encode() for chunk in chunks), b"data: [DONE]\n\n"]


def _message(text: str) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m-2026",
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 9, "output_tokens": 2},
    }
