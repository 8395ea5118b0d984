"""Answers of Anthropic's messages through filters: each block is a text of its own.

A citation of characters is left out where a document was changed before the model saw it: it
counts in what the model saw. Thinking that its vendor signed is passed on as reasoning; whether
anything is put back into it is the filter's matter.
"""

import json
from typing import Any

import msgspec

from legato.core.guarding import ARGUMENTS, QUOTE, REASONING, SEALED, TEXT, Channel
from legato.gateway.guards.channels import Texts
from legato.gateway.guards.chat_answers import cite
from legato.providers import sse

_FIELDS = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "input_json_delta": "partial_json",
}
_DELTAS = {"text": "text_delta", "thinking": "thinking_delta", "arguments": "input_json_delta"}
_encode = msgspec.json.Encoder().encode


class MessageAnswer:
    """One answer, whole or as the frames of a stream."""

    def __init__(
        self, texts: Texts, *, answers_json: bool, seals_thinking: bool, masked: bool
    ) -> None:
        self._texts = texts
        self._answers_json = answers_json
        self._reasoning = SEALED if seals_thinking else REASONING
        self._masked = masked
        self._open: dict[int, tuple[Channel, str]] = {}  # by block: its channel, kind of delta

    def whole(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return a complete answer, its texts passed on."""
        for index, block in enumerate(body.get("content") or ()):
            self._block(block, index)
        self._stop_sequence(body)
        return body

    def event(self, event: bytes) -> bytes:
        """Return what goes out in the place of a frame."""
        payload = sse.data(event)
        if not payload:
            return event
        body = msgspec.json.decode(payload)
        kind = body.get("type") if isinstance(body, dict) else None
        if kind == "content_block_delta":
            return self._delta(event, body)
        if kind == "content_block_stop":
            return self._rest(body["index"]) + event
        if kind == "content_block_start":
            return self._start(event, body)
        if kind == "message_delta":
            self._texts.begun = True
            if self._stop_sequence(body["delta"]):
                return _frame(body)
        return event

    def _start(self, event: bytes, body: dict[str, Any]) -> bytes:
        index, block = body["index"], body["content_block"]
        kind = block.get("type")
        if kind in {"text", "thinking"}:
            channel = self._channel(kind, index)
            self._open[index] = channel, _DELTAS[kind]
            if block.get(kind):
                block[kind] = self._texts.feed(channel, block[kind])
                return _frame(body)
        elif isinstance(kind, str) and kind.endswith("tool_use"):
            channel = Channel(ARGUMENTS, 0, index, is_json=True)
            self._open[index] = channel, _DELTAS["arguments"]
        else:
            self._texts.begun = True
        return event

    def _delta(self, event: bytes, body: dict[str, Any]) -> bytes:
        index, delta = body["index"], body["delta"]
        kind = delta.get("type")
        if kind == "citations_delta":
            return _frame(body) if self._cite(delta.get("citation")) else b""
        field = _FIELDS.get(kind)
        if field is None or not isinstance(delta.get(field), str):
            return self._rest(index) + event  # a signature: it stands behind what it signs
        channel = self._open[index][0] if index in self._open else self._late(kind, index)
        given = delta[field]
        told = delta[field] = self._texts.feed(channel, given)
        if told == given:
            return event
        return _frame(body) if told else b""

    def _late(self, kind: str, index: int) -> Channel:
        """Return the channel of a block whose start didn't say what it is."""
        channel = Channel(ARGUMENTS, 0, index, is_json=True)
        if kind != "input_json_delta":
            channel = self._channel(_FIELDS[kind], index)
        self._open[index] = channel, kind
        return channel

    def _rest(self, index: int) -> bytes:
        """Tell what was held back of a block."""
        opened = self._open.get(index)
        rest = "" if opened is None else self._texts.end(opened[0])
        if opened is None or not rest:
            return b""
        kind = opened[1]
        delta = {"type": kind, _FIELDS[kind]: rest}
        return _frame({"type": "content_block_delta", "index": index, "delta": delta})

    def _block(self, block: dict[str, Any], index: int) -> None:
        kind = block.get("type")
        if kind in {"text", "thinking"} and isinstance(block.get(kind), str):
            block[kind] = self._texts.whole(self._channel(kind, index), block[kind])
            cited = block.get("citations")
            if cited:
                block["citations"] = [one for one in cited if self._cite(one)]
        elif isinstance(kind, str) and kind.endswith("tool_use") and block.get("input"):
            channel = Channel(ARGUMENTS, 0, index, is_json=True)
            block["input"] = json.loads(
                self._texts.whole(channel, _encode(block["input"]).decode())
            )

    def _cite(self, citation: Any) -> bool:
        """Pass on a citation's words; tell whether its place is right."""
        cite(self._texts, citation, None)
        return not (
            self._masked and isinstance(citation, dict) and citation.get("type") == "char_location"
        )

    def _stop_sequence(self, body: dict[str, Any]) -> bool:
        given = body.get("stop_sequence")
        if not isinstance(given, str):
            return False
        body["stop_sequence"] = self._texts.whole(Channel(QUOTE), given)
        return True

    def _channel(self, kind: str, index: int) -> Channel:
        if kind == "thinking":
            return Channel(self._reasoning, 0, index)
        return Channel(TEXT, 0, index, is_json=self._answers_json)


def _frame(body: dict[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (body["type"].encode(), _encode(body))
