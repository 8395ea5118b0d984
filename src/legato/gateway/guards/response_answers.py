"""Answers of responses through filters.

What events tell once more at the end, the text of a part, an item or the whole answer, is what
went out of it piece by piece. Events are numbered anew, since some are left out and others added.
`logprobs` are left out, and an annotation's place in a text that was changed is its end so far.
The texts of all parts and items are one text: what begins in one may end in the next. So is all
reasoning, in a stream as far as no other item parts it: that would have to wait. What items and
events hold besides is looked at as legato.gateway.guards.unnamed says.
"""

from collections.abc import Collection, Hashable, Iterator, Mapping
from functools import partial
from typing import Any, Final

import msgspec

from legato.core.guarding import ARGUMENTS, QUOTE, REASONING, REFUSAL, TEXT, Channel
from legato.gateway.guards.channels import Texts
from legato.gateway.guards.chat_answers import CITED, cite
from legato.gateway.guards.joined import Frame, Joined, joined
from legato.gateway.guards.unnamed import HERE, Unnamed, filled
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
_OUTPUT_TEXT: Final = "response.output_text"
_THOUGHTS: Final = frozenset({"response.reasoning_text", "response.reasoning_summary_text"})
_MEDIA_EVENTS: Final = ("response.audio.", "response.image_generation_call.partial_image")
_EVENT: Final = frozenset(
    {"annotation", "delta", "item", "logprobs", "part", "response", "sequence_number"}
)
_DELTA: Final = frozenset(
    {
        "type",
        "sequence_number",
        "output_index",
        "content_index",
        "summary_index",
        "item_id",
        "delta",
        "logprobs",
        "obfuscation",
    }
)
_ITEM: Final = frozenset({"content", "summary", "name", "server_label", "namespace"})
_PART: Final = frozenset({"annotations", "logprobs"})
_RESPONSE: Final = frozenset({"output", "output_text", *_REPEATED})
_encode = msgspec.json.Encoder().encode


class ResponseAnswer:
    """One answer, whole or as the frames of a stream."""

    def __init__(self, texts: Texts, asked: Mapping[str, Any], *, answers_json: bool) -> None:
        """`asked` is the request as the model saw it."""
        self._texts = texts
        self._unnamed = Unnamed(texts, asked)
        self._answers_json = answers_json
        self._text = Channel(TEXT, is_json=answers_json)
        self._joined = Joined(texts, self._text, self._text_delta)
        self._thoughts = Joined(texts, Channel(REASONING), self._thought_delta)
        self._refused: dict[Hashable, str] = {}  # what goes out of refusals that came whole
        self._places: dict[Hashable, dict[str, Any]] = {}  # of parts: what events say of them
        self._loose: dict[Channel, Any] = {}  # texts that nobody named: what tells more of them
        self._number = 0

    def whole(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return a complete answer, its texts passed on."""
        self._join(body.get("output") or ())
        if isinstance(body.get("output_text"), str):  # all of it once more
            body["output_text"] = "".join(self._joined.told.values())
        for index, item in enumerate(body.get("output") or ()):
            self._item(item, index)
        self._about(body)
        return body

    def event(self, event: bytes) -> bytes:
        """Return what goes out in the place of a frame."""
        payload = sse.data(event)
        if not payload:
            return event
        body = msgspec.json.decode(payload)
        kind = body.get("type") if isinstance(body, dict) else None
        if not isinstance(kind, str):
            return b"" if self._texts.withholds else event
        stem, _, ending = kind.rpartition(".")
        if ending == "delta" and not body.keys() <= _DELTA:
            self._unnamed.withheld(body, _DELTA)
            event = b""
        if kind.startswith(_MEDIA_EVENTS) and "transcript" not in kind:
            self._unnamed.require_seen(payload)
        if stem == _OUTPUT_TEXT and ending in {"delta", "done"}:
            before = self._thoughts.close() if self._thoughts.is_open else b""
            return before + self._answer_text(ending, event, body)
        if stem in _THOUGHTS and ending in {"delta", "done"}:
            return self._thought(stem, ending, body)
        if stem in _KINDS and ending == "delta":
            return self._delta(stem, event, body)
        if stem in _KINDS and ending == "done":
            return self._done(stem, body)
        return self._changed(kind, body)

    def failure(self, frames: bytes) -> bytes:
        """Return the frames of a failure: numbered on, without what came of the answer."""
        out = []
        for event in sse.split(frames):
            body = msgspec.json.decode(sse.data(event))
            if isinstance(body.get("response"), dict):
                body["response"]["output"] = []
                self._about(body["response"])
            out.append(self._frame(body))
        return b"".join(out)

    def _answer_text(self, ending: str, event: bytes, body: dict[str, Any]) -> bytes:
        """Tell more of what the model answers, or that a part of it has ended."""
        part = body.get("output_index", 0), _position(body)
        self._places.setdefault(part, _place(body))
        if ending == "delta":
            as_numbered = body.get("sequence_number") == self._number
            is_plain = event and as_numbered and not body.get("logprobs")
            sent = self._joined.feed(part, body["delta"], event if is_plain else b"")
            if sent is event:
                self._number += 1
            return sent
        out = b""
        if part not in self._joined.told and body.get("text"):
            out = self._joined.feed(part, body["text"])  # no delta came before it
        out += self._joined.end(part)
        return out + self._then(partial(self._text_done, part, body))

    def _thought(self, stem: str, ending: str, body: dict[str, Any]) -> bytes:
        """Tell more of what the model thinks, or that a part of it has ended."""
        part = stem, body.get("output_index", 0), _position(body)
        self._places.setdefault(part, _place(body))
        if ending == "delta":
            return self._thoughts.feed(part, body["delta"])
        out = b""
        if part not in self._thoughts.told and body.get("text"):
            out = self._thoughts.feed(part, body["text"])  # no delta came before it
        out += self._thoughts.end(part)
        return out + self._then(partial(self._thought_done, part, body))

    def _thought_delta(self, part: Hashable, text: str) -> bytes:
        stem = part[0] if isinstance(part, tuple) else ""
        delta = {"type": f"{stem}.delta", **self._places.get(part, {}), "delta": text}
        return self._joined.then(partial(self._frame, delta))

    def _thought_done(self, part: Hashable, body: dict[str, Any]) -> bytes:
        body["text"] = self._thoughts.told.get(part, "")
        self._unnamed.rest(body, {*_EVENT, "text"})
        return self._frame(body)

    def _then(self, frame: Frame) -> bytes:
        """Return a frame, or keep it until what was thought and said before it has gone out."""
        return self._thoughts.then(partial(self._joined.then, frame))

    def _join(self, output: Any) -> None:
        """Pass on the parts that came as a whole, as the texts that they are parts of.

        Those that came piece by piece are looked at with them, and stay as they went out.
        """
        self._join_parts(self._joined, dict(_parts(output, {_OUTPUT_TEXT})))
        self._join_parts(self._thoughts, dict(_parts(output, _THOUGHTS)))
        parts = dict(_parts(output, {"response.refusal"}))
        channels = [self._channel_at(*key) for key in parts]
        if parts and not any(self._texts.known(one) for one in channels):
            passed = joined(self._texts, Channel(REFUSAL), list(parts.values()))
            self._refused = dict(zip(parts, passed, strict=True))

    def _join_parts(self, text: Joined, parts: Mapping[tuple[Any, ...], str]) -> None:
        new = {key: given for key, given in parts.items() if key not in text.told}
        if not text.told and new:
            text.whole(dict(new))
        elif new:
            before = list(text.told.values())
            channel = self._text if text is self._joined else Channel(REASONING)
            passed = joined(self._texts, channel, [*before, *new.values()])
            text.told.update(zip(new, passed[len(before) :], strict=True))

    def _text_delta(self, part: Hashable, text: str) -> bytes:
        delta = {"type": f"{_OUTPUT_TEXT}.delta", **self._places.get(part, {}), "delta": text}
        return self._frame({**delta, "logprobs": []})

    def _text_done(self, part: Hashable, body: dict[str, Any]) -> bytes:
        body["text"] = self._joined.told.get(part, "")
        _drop_logprobs(body)
        self._unnamed.rest(body, {*_EVENT, "text"})
        return self._frame(body)

    def _delta(self, stem: str, event: bytes, body: dict[str, Any]) -> bytes:
        given = body["delta"]
        told = self._texts.feed(self._channel(stem, body), given)
        if not told:
            return b""
        as_numbered = body.get("sequence_number") == self._number
        if event and told == given and as_numbered and not body.get("logprobs"):
            return self._then(partial(self._as_numbered, event, body))
        body["delta"] = told
        _drop_logprobs(body)
        return self._then(partial(self._frame, body))

    def _as_numbered(self, event: bytes, body: dict[str, Any]) -> bytes:
        if body.get("sequence_number") != self._number:
            return self._frame(body)
        self._number += 1
        return event

    def _done(self, stem: str, body: dict[str, Any]) -> bytes:
        """End a text, telling what was held back first."""
        channel = self._channel(stem, body)
        field = _KINDS[stem][1]
        if self._texts.known(channel) is None and isinstance(body.get(field), str):
            self._texts.feed(channel, body[field])  # no delta came before it
        rest = self._texts.end(channel)
        frames = b""
        if rest:
            delta = {"type": f"{stem}.delta", **_place(body), "delta": rest}
            if "logprobs" in body:
                delta["logprobs"] = []
            frames = self._then(partial(self._frame, delta))
        if isinstance(body.get(field), str):
            body[field] = self._texts.at(channel).told
        _drop_logprobs(body)
        self._unnamed.name(body, (body.get("output_index", 0), stem))
        self._unnamed.rest(body, {*_EVENT, field, "name"})
        return frames + self._then(partial(self._frame, body))

    def _changed(self, kind: str, body: dict[str, Any]) -> bytes:
        """Return an event that tells no more of a text that has a name."""
        out = b""
        if kind in _ENDS:
            self._texts.begun = True
            out = self._rests() + self._thoughts.close() + self._joined.finish()
        elif kind == "response.output_item.added" and _kind_of(body.get("item")) != "reasoning":
            out = self._thoughts.close()
        elif kind == "response.output_item.done":
            out = self._rests()
        if isinstance(body.get("delta"), str) and body["delta"]:
            return self._unknown(kind, body)
        self._unnamed.withheld(body, _EVENT)
        if isinstance(body.get("delta"), (dict, list)):
            inside = {"delta": body["delta"]}
            self._unnamed.withheld(inside, ())
            body["delta"] = inside["delta"]
        return out + self._then(partial(self._passed_on, kind, body))

    def _passed_on(self, kind: str, body: dict[str, Any]) -> bytes:
        """Write an event when its turn has come: what it repeats has gone out by then."""
        index, begins = body.get("output_index", 0), kind.endswith(".added")
        if isinstance(body.get("response"), dict):
            self._about(body["response"])
            self._join(body["response"].get("output") or ())
            for number, item in enumerate(body["response"].get("output") or ()):
                self._item(item, number)
        if isinstance(body.get("part"), dict):
            self._part(body["part"], index, _position(body), begins=begins)
        if isinstance(body.get("item"), dict):
            self._item(body["item"], index, begins=begins)
        if kind == _ANNOTATED:
            self._annotation(body["annotation"], (index, _position(body)))
        elif isinstance(body.get("annotation"), dict):
            self._unnamed.rest(body["annotation"], ())
        return self._frame(body)

    def _unknown(self, kind: str, body: dict[str, Any]) -> bytes:
        """Tell more of a text that nobody named."""
        place = _place(body)
        channel = Channel(QUOTE, 0, self._unnamed.number(kind, *map(str, place.values())))
        self._loose.setdefault(channel, {"type": kind, **place, "delta": HERE})
        body["delta"] = self._texts.feed(channel, body["delta"])
        self._unnamed.withheld(body, _EVENT)
        return self._then(partial(self._frame, body)) if body["delta"] else b""

    def _rests(self) -> bytes:
        """Tell what was held back of texts that nobody named."""
        made = [(one, self._texts.end(channel)) for channel, one in self._loose.items()]
        self._loose = {}
        return b"".join(
            [self._then(partial(self._frame, filled(one, rest))) for one, rest in made if rest]
        )

    def _about(self, response: dict[str, Any]) -> None:
        """Pass on what a response says beside its output."""
        self._unnamed.repeated(response, _REPEATED)
        self._unnamed.rest(response, _RESPONSE)

    def _annotation(self, annotation: Any, part: Hashable) -> None:
        moved = self._joined.changed
        end = len(self._joined.told.get(part, "")) if moved else None
        cite(self._texts, annotation, end)
        if isinstance(annotation, dict):
            self._unnamed.rest(annotation, CITED)

    def _item(self, item: dict[str, Any], index: int, *, begins: bool = False) -> None:
        for position, part in enumerate(item.get("content") or ()):
            self._part(part, index, position, begins=begins)
        for position, part in enumerate(item.get("summary") or ()):
            self._part(part, index, position + _SUMMARIES, begins=begins)
        field, stem = _ITEM_TEXTS.get(item.get("type", ""), ("", ""))
        if field and isinstance(item.get(field), str) and item[field]:
            item[field] = self._told(self._channel_at(stem, index, 0), item[field], whole=begins)
        if item.get("type") == "image_generation_call":
            self._unnamed.require_seen(item.get("result"))
        for name in ("name", "server_label", "namespace"):
            self._unnamed.name(item, (index, name, object()), name)
        self._unnamed.rest(item, {*_ITEM, field})

    def _part(self, part: Any, index: int, position: int, *, begins: bool) -> None:
        if not isinstance(part, dict):
            return
        stem = _PART_KINDS.get(part.get("type", ""), "")
        field = _KINDS[stem][1] if stem else ""
        given = part.get(field)
        if stem == _OUTPUT_TEXT:
            self._text_part(part, (index, position), begins=begins)
        elif isinstance(given, str) and given:
            part[field] = self._told_part((stem, index, position), given, begins=begins)
        if part.get("type") == "output_audio":
            self._unnamed.require_seen(part.get("data"))
        _drop_logprobs(part)
        for one in part.get("annotations") or ():
            self._annotation(one, (index, position))
        self._unnamed.rest(part, {*_PART, field})

    def _told_part(self, key: tuple[str, int, int], given: str, *, begins: bool) -> str:
        """Return what goes out of a part that is no answer's text."""
        if key[0] in _THOUGHTS and not begins:
            self._join_parts(self._thoughts, {key: given})
            return self._thoughts.told[key]
        if key in self._refused and not begins:
            return self._refused[key]
        return self._told(self._channel_at(*key), given, whole=begins)

    def _text_part(self, part: dict[str, Any], place: tuple[int, int], *, begins: bool) -> None:
        """Tell what has gone out of a part; nothing but that, where it came piece by piece."""
        if begins:
            part["text"] = self._texts.whole(Channel(QUOTE), part.get("text") or "")
        elif place in self._joined.told or part.get("text"):
            self._join_parts(self._joined, {place: part.get("text") or ""})
            part["text"] = self._joined.told[place]

    def _told(self, channel: Channel, given: str, *, whole: bool) -> str:
        """Return what has gone out of a text, passing it on if nothing has."""
        if whole:
            return self._texts.whole(channel, given)
        if self._texts.known(channel) is None:
            self._texts.feed(channel, given)
        self._texts.end(channel)
        return self._texts.at(channel).told

    def _channel(self, stem: str, body: dict[str, Any]) -> Channel:
        return self._channel_at(stem, body.get("output_index", 0), _position(body))

    def _channel_at(self, stem: str, index: int, position: int) -> Channel:
        name = _KINDS[stem][0]
        is_json = stem in _JSON_ARGUMENTS or (self._answers_json and name == TEXT)
        return Channel(name, 0, index * _PARTS_PER_ITEM + position + 1, is_json=is_json)

    def _frame(self, body: dict[str, Any]) -> bytes:
        if "sequence_number" in body or "delta" in body:
            body["sequence_number"] = self._number
            self._number += 1
        return b"event: %b\ndata: %b\n\n" % (body["type"].encode(), _encode(body))


def _parts(output: Any, stems: Collection[str]) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Yield the texts of some kinds in items, each by its place."""
    for index, item in enumerate(output):
        for position, part in _places_of(item):
            stem = _PART_KINDS.get(part.get("type", ""), "")
            given = part.get(_KINDS[stem][1]) if stem in stems else None
            if isinstance(given, str):
                yield (index, position) if stem == _OUTPUT_TEXT else (stem, index, position), given


def _places_of(item: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    for field, first in (("summary", _SUMMARIES), ("content", 0)):
        for position, part in enumerate(item.get(field) or ()):
            if isinstance(part, dict):
                yield first + position, part


def _kind_of(item: Any) -> Any:
    return item.get("type") if isinstance(item, dict) else None


def _place(body: dict[str, Any]) -> dict[str, Any]:
    """Return what an event says of where it belongs."""
    return {name: value for name, value in body.items() if name.endswith(("_id", "_index"))}


def _position(body: dict[str, Any]) -> int:
    if "summary_index" in body:
        return int(body["summary_index"]) + _SUMMARIES
    return int(body.get("content_index", 0))


def _drop_logprobs(told: dict[str, Any]) -> None:
    if told.get("logprobs"):
        told["logprobs"] = []
