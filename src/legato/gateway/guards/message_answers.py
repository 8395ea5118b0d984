"""Answers of Anthropic's messages through filters: all blocks of text are one text.

So is all thinking of a whole answer, and in a stream what of it isn't parted by other blocks:
these would have to wait for what may follow.

A citation of characters is left out where a document was changed before the model saw it: it
counts in what the model saw. Thinking that its vendor signed is passed on as reasoning; whether
anything is put back into it is the filter's matter. What blocks, deltas and events hold besides
is looked at as legato.gateway.guards.unnamed says.
"""

import json
from collections.abc import Hashable, Mapping
from functools import partial
from typing import Any, Final

import msgspec

from legato.core.guarding import ARGUMENTS, QUOTE, REASONING, SEALED, TEXT, Channel
from legato.gateway.guards.channels import Texts
from legato.gateway.guards.chat_answers import CITED, cite
from legato.gateway.guards.joined import Frame, Joined, joined
from legato.gateway.guards.unnamed import HERE, Unnamed, filled
from legato.providers import sse

_BLOCK: Final = frozenset({"type", "text", "thinking", "citations", "index"})
_THINKING: Final = frozenset({"thinking", "redacted_thinking"})
_ARGUMENTS: Final = {"type": "input_json_delta", "partial_json": HERE}
_ANSWER: Final = frozenset({"content", "stop_sequence"})
_EVENT: Final = frozenset({"index", "delta", "content_block", "message"})
_BLOCK_EVENT: Final = frozenset({"type", "index", "delta", "content_block"})
_PLAIN_FIELDS: Final = 2
_encode = msgspec.json.Encoder().encode


class MessageAnswer:
    """One answer, whole or as the frames of a stream."""

    def __init__(
        self,
        texts: Texts,
        asked: Mapping[str, Any],
        *,
        answers_json: bool,
        seals_thinking: bool,
        masked: bool,
    ) -> None:
        """`asked` is the request as the model saw it."""
        self._texts = texts
        self._unnamed = Unnamed(texts, asked)
        self._text = Channel(TEXT, is_json=answers_json)
        self._joined = Joined(texts, self._text, _text_delta)
        self._reasoning = Channel(SEALED if seals_thinking else REASONING)
        self._thoughts = Joined(texts, self._reasoning, self._thinking_delta)
        self._masked = masked
        self._open: dict[int, dict[Channel, Any]] = {}  # by block: its texts, how to tell more

    def whole(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return a complete answer, its texts passed on."""
        blocks = body.get("content") or ()
        told = [one for one in blocks if _is_text(one)]
        if told:
            texts = joined(self._texts, self._text, [one["text"] for one in told])
            for block, text in zip(told, texts, strict=True):
                block["text"] = text
        self._thinking(blocks)
        for index, block in enumerate(blocks):
            self._block(block, index)
        self._stop_sequence(body)
        self._unnamed.rest(body, _ANSWER)
        return body

    def event(self, event: bytes) -> bytes:
        """Return what goes out in the place of a frame."""
        payload = sse.data(event)
        if not payload:
            return event
        body = msgspec.json.decode(payload)
        kind = body.get("type") if isinstance(body, dict) else None
        if str(kind).startswith("content_block") and not body.keys() <= _BLOCK_EVENT:
            self._unnamed.withheld(body, _BLOCK_EVENT)
            event = _frame(body)
        if kind == "content_block_delta":
            return self._delta(event, body)
        if kind == "content_block_stop":
            index = body["index"]
            rest = self._rest(index) + self._thoughts.end(index) + self._joined.end(index)
            return rest + self._then(lambda: event)
        if kind == "content_block_start":
            return self._start(body)
        if kind in {"ping", "error"}:
            return event
        return self._about(kind, event, body)

    def _about(self, kind: Any, event: bytes, body: Any) -> bytes:
        """Return an event about the whole answer."""
        if not isinstance(body, dict):
            return b"" if self._texts.withholds else event
        out = b""
        changed = self._unnamed.withheld(body, _EVENT)
        for field in ("message", "delta"):
            inside = body.get(field)
            if isinstance(inside, dict):
                changed = self._stop_sequence(inside) or changed
                changed = self._unnamed.rest(inside, _ANSWER) or changed
                self._thinking(inside.get("content") or ())
                for index, block in enumerate(inside.get("content") or ()):
                    self._block(block, index)
                    changed = True
        if kind in {"message_delta", "message_stop"}:
            self._texts.begun = True
            out = self._thoughts.close() + self._joined.finish()
        frame = _frame(body) if changed else event
        return out + self._then(lambda: frame)

    def _start(self, body: dict[str, Any]) -> bytes:
        index, block = body["index"], body["content_block"]
        kind = str(block.get("type"))
        given = ""
        before = b"" if kind in _THINKING else self._thoughts.close()
        if kind == "text":
            given, block["text"] = block.get("text") or "", ""
            self._cited(block)
            self._unnamed.rest(block, _BLOCK)
        elif kind == "thinking":
            given, block["thinking"] = block.get("thinking") or "", ""
            self._unnamed.rest(block, _BLOCK)
        else:
            self._block(block, index)
            if not kind.endswith("tool_use"):
                self._texts.begun = True
        frame = _frame(body)
        out = before + self._then(lambda: frame)
        text = self._thoughts if kind == "thinking" else self._joined
        return out + text.feed(index, given) if given else out

    def _delta(self, event: bytes, body: dict[str, Any]) -> bytes:
        index, delta = body["index"], body["delta"]
        kind = delta.get("type")
        if kind == "text_delta" and isinstance(delta.get("text"), str):
            out = b""
            if len(delta) > _PLAIN_FIELDS:
                event = b""
                out = self._loose(index, delta, {"type", "text"})
            return self._joined.feed(index, delta["text"], event) + out
        if kind == "citations_delta":
            if not self._cite(delta.get("citation")):
                return b""
            self._unnamed.withheld(delta, {"citation"})
            frame = _frame(body)
            return self._then(lambda: frame)
        if kind == "thinking_delta":
            given = delta.get("thinking")
            more = self._thoughts.feed(index, given) if isinstance(given, str) else b""
            return more + self._loose(index, delta, {"type", "thinking"})
        if kind == "input_json_delta":
            more = self._more(index, delta.get("partial_json"))
            return more + self._loose(index, delta, {"type", "partial_json"})
        if kind == "signature_delta":
            if self._unnamed.withheld(delta, ()):
                event = _frame(body)
            rest = self._rest(index) + self._thoughts.end(index)
            return rest + self._then(lambda: event)
        return self._loose(index, delta, {"type"})

    def _more(self, index: int, given: Any) -> bytes:
        """Tell more of a tool's arguments."""
        if not isinstance(given, str):
            return b""
        channel = Channel(ARGUMENTS, 0, index, is_json=True)
        self._opened(index).setdefault(channel, _ARGUMENTS)
        return self._told(index, _ARGUMENTS, self._texts.feed(channel, given))

    def _then(self, frame: Frame) -> bytes:
        """Return a frame, or keep it until what was thought and said before it has gone out."""
        return self._thoughts.then(partial(self._joined.then, frame))

    def _thinking_delta(self, index: Hashable, text: str) -> bytes:
        delta = {"type": "thinking_delta", "thinking": text}
        frame = _frame({"type": "content_block_delta", "index": index, "delta": delta})
        return self._joined.then(lambda: frame)

    def _thinking(self, blocks: Any) -> None:
        """Pass on the thinking of blocks that are there as a whole."""
        told = [
            one
            for one in blocks
            if isinstance(one, dict)
            and one.get("type") == "thinking"
            and isinstance(one.get("thinking"), str)
        ]
        if told:
            texts = joined(self._texts, self._reasoning, [one["thinking"] for one in told])
            for block, text in zip(told, texts, strict=True):
                block["thinking"] = text

    def _loose(self, index: int, delta: dict[str, Any], named: set[str]) -> bytes:
        """Tell more of what nobody named: each a text of its own."""
        kind, out = delta.get("type"), b""
        for one in self._unnamed.loose(delta, named):
            number = self._unnamed.number(index, kind, *one.path)
            channel = Channel(QUOTE, 0, number)
            made = {"type": kind, **one.made}
            self._opened(index).setdefault(channel, made)
            told = self._texts.feed(channel, one.inside[one.key])
            out += self._told(index, made, told)
        return out

    def _told(self, index: int, made: Any, text: str) -> bytes:
        if not text:
            return b""
        frame = _frame({"type": "content_block_delta", "index": index, "delta": filled(made, text)})
        return self._then(lambda: frame)

    def _rest(self, index: int) -> bytes:
        """Tell what was held back of a block."""
        return b"".join(
            [
                self._told(index, made, self._texts.end(channel))
                for channel, made in self._opened(index).items()
            ]
        )

    def _opened(self, index: int) -> dict[Channel, Any]:
        return self._open.setdefault(index, {})

    def _block(self, block: Any, index: int) -> None:
        """Pass on what of a block is there, text aside."""
        if not isinstance(block, dict):
            return
        kind = block.get("type")
        named = set(_BLOCK)
        if kind == "redacted_thinking":
            named.add("data")
        elif isinstance(kind, str) and kind.endswith("tool_use"):
            named |= {"input", "name", "server_name"}
            self._unnamed.name(block, (index,))
            self._unnamed.name(block, (index, "server"), "server_name")
            if block.get("input"):
                channel = Channel(ARGUMENTS, 0, index, is_json=True)
                written = self._texts.whole(channel, _encode(block["input"]).decode())
                block["input"] = json.loads(written)
        elif kind != "text":
            named = {"type"}
        self._cited(block)
        self._unnamed.rest(block, named)

    def _cited(self, block: dict[str, Any]) -> None:
        cited = block.get("citations")
        if cited and block.get("type") == "text":
            block["citations"] = [one for one in cited if self._cite(one)]

    def _cite(self, citation: Any) -> bool:
        """Pass on a citation's words; tell whether its place is right."""
        cite(self._texts, citation, None)
        if isinstance(citation, dict):
            self._unnamed.rest(citation, CITED)
        return not (
            self._masked and isinstance(citation, dict) and citation.get("type") == "char_location"
        )

    def _stop_sequence(self, body: dict[str, Any]) -> bool:
        given = body.get("stop_sequence")
        if not isinstance(given, str):
            return False
        body["stop_sequence"] = self._texts.whole(Channel(QUOTE), given)
        return True


def _is_text(block: Any) -> bool:
    return (
        isinstance(block, dict)
        and block.get("type") == "text"
        and isinstance(block.get("text"), str)
    )


def _text_delta(index: Hashable, text: str) -> bytes:
    delta = {"type": "text_delta", "text": text}
    return _frame({"type": "content_block_delta", "index": index, "delta": delta})


def _frame(body: dict[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (body["type"].encode(), _encode(body))
