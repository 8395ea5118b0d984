"""Answers of responses through filters.

What events tell once more at the end, the text of a part, an item or the whole answer, is what
went out of it piece by piece. Events are numbered anew, since some are left out and others added.
`logprobs` are left out, and an annotation's place in a text that was changed is its end so far.
"""

from typing import Any

import msgspec

from legato.core.guarding import ARGUMENTS, REASONING, REFUSAL, TEXT, Channel
from legato.gateway.guards.channels import Texts, quoted
from legato.gateway.guards.chat_answers import cite
from legato.providers import sse

_KINDS = {
    "response.output_text": (TEXT, "text"),
    "response.refusal": (REFUSAL, "refusal"),
    "response.reasoning_text": (REASONING, "text"),
    "response.reasoning_summary_text": (REASONING, "text"),
    "response.function_call_arguments": (ARGUMENTS, "arguments"),
    "response.mcp_call_arguments": (ARGUMENTS, "arguments"),
    "response.custom_tool_call_input": (ARGUMENTS, "input"),
    "response.code_interpreter_call_code": (ARGUMENTS, "code"),
    "response.audio.transcript": (TEXT, "transcript"),
}
_JSON_ARGUMENTS = frozenset({"response.function_call_arguments", "response.mcp_call_arguments"})
_PART_KINDS = {
    "output_text": "response.output_text",
    "refusal": "response.refusal",
    "reasoning_text": "response.reasoning_text",
    "summary_text": "response.reasoning_summary_text",
}
_ITEM_TEXTS = {
    "function_call": ("arguments", "response.function_call_arguments"),
    "mcp_call": ("arguments", "response.mcp_call_arguments"),
    "custom_tool_call": ("input", "response.custom_tool_call_input"),
    "code_interpreter_call": ("code", "response.code_interpreter_call_code"),
}
_ANNOTATED = "response.output_text.annotation.added"
_PART_ENDS = frozenset({"response.content_part.done", "response.reasoning_summary_part.done"})
_ENDS = frozenset({"response.completed", "response.incomplete", "response.failed"})
_REPEATED = (
    "instructions",
    "metadata",
    "tools",
    "text",
    "tool_choice",
    "user",
    "safety_identifier",
    "prompt_cache_key",
)
"""Fields of a response that its request may have had personal data in."""
_PARTS_PER_ITEM = 1_000_000
_SUMMARIES = 500_000
_encode = msgspec.json.Encoder().encode


class ResponseAnswer:
    """One answer, whole or as the frames of a stream."""

    def __init__(self, texts: Texts, *, answers_json: bool, masked: bool) -> None:
        self._texts = texts
        self._masked = masked
        self._answers_json = answers_json
        self._number = 0

    def whole(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return a complete answer, its texts passed on."""
        for index, item in enumerate(body.get("output") or ()):
            self._item(item, index)
        self._repeated(body)
        return body

    def event(self, event: bytes) -> bytes:
        """Return what goes out in the place of a frame."""
        payload = sse.data(event)
        if not payload:
            return event
        body = msgspec.json.decode(payload)
        kind = body.get("type") if isinstance(body, dict) else None
        if not isinstance(kind, str):
            return event
        stem, _, ending = kind.rpartition(".")
        if stem in _KINDS and ending == "delta":
            given = body["delta"]
            told = self._texts.feed(self._channel(stem, body), given)
            if not told:
                return b""
            as_numbered = body.get("sequence_number") == self._number
            if told == given and as_numbered and not body.get("logprobs"):
                self._number += 1
                return event
            body["delta"] = told
            _drop_logprobs(body)
            return self._frame(body)
        if stem in _KINDS and ending == "done":
            return self._done(stem, body)
        self._changed(kind, body)
        return self._frame(body)

    def failure(self, frames: bytes) -> bytes:
        """Return the frames of a failure: numbered on, without what came of the answer."""
        out = []
        for event in sse.split(frames):
            body = msgspec.json.decode(sse.data(event))
            if isinstance(body.get("response"), dict):
                body["response"]["output"] = []
                self._repeated(body["response"])
            out.append(self._frame(body))
        return b"".join(out)

    def _done(self, stem: str, body: dict[str, Any]) -> bytes:
        """End a text, telling what was held back first."""
        channel = self._channel(stem, body)
        field = _KINDS[stem][1]
        if self._texts.known(channel) is None and isinstance(body.get(field), str):
            self._texts.feed(channel, body[field])  # no delta came before it
        rest = self._texts.end(channel)
        frames = b""
        if rest:
            place = {
                name: value for name, value in body.items() if name.endswith(("_id", "_index"))
            }
            delta = {"type": f"{stem}.delta", **place, "delta": rest}
            if "logprobs" in body:
                delta["logprobs"] = []
            frames = self._frame(delta)
        if isinstance(body.get(field), str):
            body[field] = self._texts.at(channel).told
        _drop_logprobs(body)
        return frames + self._frame(body)

    def _repeated(self, response: dict[str, Any]) -> None:
        """Pass on what a response repeats of its request."""
        if self._masked:
            for field in _REPEATED:
                if response.get(field):
                    response[field] = quoted(self._texts, response[field])

    def _changed(self, kind: str, body: dict[str, Any]) -> None:
        if isinstance(body.get("response"), dict):
            self._repeated(body["response"])
        if kind in _PART_ENDS:
            self._part(body["part"], body.get("output_index", 0), _position(body))
        elif kind == "response.output_item.done":
            self._item(body["item"], body.get("output_index", 0))
        elif kind in _ENDS:
            self._texts.begun = True
            for index, item in enumerate(body["response"].get("output") or ()):
                self._item(item, index)
        elif kind == _ANNOTATED:
            text = self._texts.known(self._channel("response.output_text", body))
            moved = text is not None and text.changed
            cite(self._texts, body["annotation"], len(text.told) if text and moved else None)

    def _item(self, item: dict[str, Any], index: int) -> None:
        for position, part in enumerate(item.get("content") or ()):
            self._part(part, index, position)
        for position, part in enumerate(item.get("summary") or ()):
            self._part(part, index, position + _SUMMARIES)
        field, stem = _ITEM_TEXTS.get(item.get("type", ""), ("", ""))
        if field and isinstance(item.get(field), str) and item[field]:
            item[field] = self._told(self._channel_at(stem, index, 0), item[field])

    def _part(self, part: Any, index: int, position: int) -> None:
        stem = _PART_KINDS.get(part.get("type", "")) if isinstance(part, dict) else None
        if stem is None:
            return
        field = _KINDS[stem][1]
        channel = self._channel_at(stem, index, position)
        given = part.get(field)
        if isinstance(given, str):
            part[field] = self._told(channel, given)
        _drop_logprobs(part)
        text = self._texts.known(channel)
        moved = text is not None and text.changed
        for one in part.get("annotations") or ():
            cite(self._texts, one, len(text.told) if text and moved else None)

    def _told(self, channel: Channel, given: str) -> str:
        """Return what has gone out of a text, passing it on if nothing has."""
        if self._texts.known(channel) is None:
            self._texts.feed(channel, given)
        self._texts.end(channel)
        return self._texts.at(channel).told

    def _channel(self, stem: str, body: dict[str, Any]) -> Channel:
        return self._channel_at(stem, body.get("output_index", 0), _position(body))

    def _channel_at(self, stem: str, index: int, position: int) -> Channel:
        name = _KINDS[stem][0]
        is_json = stem in _JSON_ARGUMENTS or (self._answers_json and name == TEXT)
        return Channel(name, 0, index * _PARTS_PER_ITEM + position, is_json=is_json)

    def _frame(self, body: dict[str, Any]) -> bytes:
        if "sequence_number" in body or "delta" in body:
            body["sequence_number"] = self._number
            self._number += 1
        return b"event: %b\ndata: %b\n\n" % (body["type"].encode(), _encode(body))


def _position(body: dict[str, Any]) -> int:
    if "summary_index" in body:
        return int(body["summary_index"]) + _SUMMARIES
    return int(body.get("content_index", 0))


def _drop_logprobs(told: dict[str, Any]) -> None:
    if told.get("logprobs"):
        told["logprobs"] = []
