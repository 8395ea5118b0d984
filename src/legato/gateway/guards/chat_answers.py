"""Answers of chat completions and of text completions, through filters.

`logprobs` are left out: they spell the text as the model wrote it, token by token. A citation's
place in a text that was changed can't be told any more: it is put at the end of what has gone out.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec

from legato.core.guarding import ARGUMENTS, QUOTE, REASONING, REFUSAL, SEALED, TEXT, Channel
from legato.gateway.guards.channels import Texts
from legato.providers import sse

_DONE = b"[DONE]"
_TEXTS = {"content": TEXT, "refusal": REFUSAL}
_REASONING = ("reasoning_content", "reasoning")
_DETAILS = ("text", "summary")
_LEGACY_CALL = -1
_CUSTOM = 1_000_000
"""Custom tools' inputs are no JSON: channels of their own."""
_HERE: Final = object()
"""Stands for a text in what tells it."""
_CONTENT: Final = MappingProxyType({"content": _HERE})
_encode = msgspec.json.Encoder().encode


class ChatAnswer:
    """One answer, whole or as the frames of a stream."""

    def __init__(self, texts: Texts, *, answers_json: bool) -> None:
        self._texts = texts
        self._answers_json = answers_json
        self._deltas: dict[Channel, Mapping[str, Any]] = {}  # how a delta tells more of a text
        self._head: dict[str, Any] = {}

    def whole(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return a complete answer, its texts passed on."""
        for position, choice in enumerate(body.get("choices") or ()):
            index = choice.get("index", position)
            if isinstance(choice.get("text"), str):
                choice["text"] = self._texts.whole(self._text(TEXT, index), choice["text"])
            if isinstance(choice.get("message"), dict):
                self._fields(choice["message"], index, whole=True)
            _drop_logprobs(choice)
        return body

    def event(self, event: bytes) -> bytes:
        """Return what goes out in the place of a frame."""
        payload = sse.data(event)
        if not payload:
            return event
        if payload == _DONE:
            return self._rests() + event
        body = msgspec.json.decode(payload)
        choices = body.get("choices") if isinstance(body, dict) else None
        if not choices:
            return event
        if len(choices) == 1 and _is_plain(choices[0]):
            return self._plain(event, body, choices[0])
        self._head = {name: value for name, value in body.items() if name != "choices"}
        before: list[bytes] = []
        kept = [choice for choice in choices if self._choice(choice, before)]
        if kept or body.get("usage") is not None:
            before.append(_frame({**body, "choices": kept}))
        return b"".join(before)

    def _plain(self, event: bytes, body: dict[str, Any], choice: dict[str, Any]) -> bytes:
        """Most of a stream: text for one choice, nothing else."""
        delta = choice["delta"]
        given = delta["content"]
        channel = self._text(TEXT, choice.get("index", 0))
        self._deltas.setdefault(channel, _CONTENT)
        told = self._texts.feed(channel, given)
        if told == given:
            return event
        if not told and body.get("usage") is None:
            return b""
        delta["content"] = told
        return _frame(body)

    def _choice(self, choice: dict[str, Any], before: list[bytes]) -> bool:
        """Pass on a choice's texts; tell whether anything of it is left to be told."""
        index = choice.get("index", 0)
        _drop_logprobs(choice)
        delta = choice.get("delta")
        is_legacy = isinstance(choice.get("text"), str)
        if is_legacy:
            choice["text"] = self._texts.feed(self._text(TEXT, index), choice["text"])
        elif isinstance(delta, dict):
            delta = choice["delta"] = self._fields(delta, index, whole=False)
        if choice.get("finish_reason"):
            self._texts.begun = True
            before += self._finishing(choice, index, is_legacy=is_legacy)
            return True
        return bool(choice["text"] if is_legacy else delta)

    def _finishing(self, choice: dict[str, Any], index: int, *, is_legacy: bool) -> Iterator[bytes]:
        """Tell what was held back before the end is told."""
        rests = [
            (channel, rest)
            for channel in self._texts.of_choice(index)
            if (rest := self._texts.end(channel))
        ]
        if not rests:
            return
        if is_legacy:
            choice["text"] += "".join(rest for _, rest in rests)
            return
        if choice.get("delta"):
            yield self._more(index, choice["delta"])
        for channel, rest in rests:
            yield self._more(index, self._delta(channel, rest))
        choice["delta"] = {}

    def _rests(self) -> bytes:
        """Tell what was held back of choices that nobody ended."""
        frames: list[bytes] = []
        for index in self._texts.choices:
            for channel in self._texts.of_choice(index):
                rest = self._texts.end(channel)
                if rest:
                    frames.append(self._more(index, self._delta(channel, rest)))
        return b"".join(frames)

    def _more(self, index: int, delta: dict[str, Any]) -> bytes:
        head = {**self._head, "usage": None} if "usage" in self._head else self._head
        choice: dict[str, Any] = {"index": index, "finish_reason": None}
        if "" in delta:
            choice |= {"text": delta[""], "logprobs": None}
        else:
            choice["delta"] = delta
        return _frame({**head, "choices": [choice]})

    def _delta(self, channel: Channel, text: str) -> dict[str, Any]:
        made = self._deltas.get(channel)
        if made is None:
            return {"": text}
        delta: dict[str, Any] = _filled(made, text)
        return delta

    # ------------------------------------------------------------- fields of a message or a delta

    def _fields(self, told: dict[str, Any], index: int, *, whole: bool) -> dict[str, Any]:
        """Pass on the texts of a message, or of a delta, less what says nothing."""
        for field, name in _TEXTS.items():
            self._field(told, field, self._text(name, index), whole=whole)
        reasoning = next((field for field in _REASONING if told.get(field)), None)
        for field in _REASONING:
            if field == reasoning:
                self._field(told, field, Channel(REASONING, index), whole=whole)
            elif isinstance(told.get(field), str) and reasoning is not None:
                told.pop(field)  # the same once more
        self._details(told, index, whole=whole)
        self._calls(told, index, whole=whole)
        self._cited(told, index)
        audio = told.get("audio")
        if isinstance(audio, dict):
            self._inner("audio", audio, "transcript", Channel(TEXT, index, 1), whole=whole)
        return told

    def _field(self, told: dict[str, Any], field: str, channel: Channel, *, whole: bool) -> None:
        given = told.get(field)
        if isinstance(given, list):  # parts of text
            for part in given:
                if isinstance(part, dict) and isinstance(part.get("text"), str):
                    take = self._texts.whole if whole else self._texts.feed
                    part["text"] = take(channel, part["text"])
            return
        if not isinstance(given, str):
            return
        if whole:
            text = self._texts.at(channel)
            told[field] = text.feed(given) + text.end()
            return
        self._deltas.setdefault(channel, {field: _HERE})
        text_out = self._texts.feed(channel, given)
        if text_out or "role" in told:
            told[field] = text_out
        else:
            told.pop(field)

    def _inner(
        self,
        outer: str,
        inside: dict[str, Any],
        field: str,
        channel: Channel,
        *,
        whole: bool,
    ) -> None:
        if not isinstance(inside.get(field), str):
            return
        if whole:
            inside[field] = self._texts.whole(channel, inside[field])
            return
        kept = {name: value for name, value in inside.items() if name in {"id", "index"}}
        self._deltas.setdefault(channel, {outer: {**kept, field: _HERE}})
        inside[field] = self._texts.feed(channel, inside[field])

    def _details(self, told: dict[str, Any], index: int, *, whole: bool) -> None:
        """Reasoning once more, as its vendor signed it."""
        for position, detail in enumerate(told.get("reasoning_details") or ()):
            number = detail.get("index", position) if isinstance(detail, dict) else position
            channel = Channel(SEALED, index, number)
            for field in _DETAILS:
                if not isinstance(detail, dict) or not isinstance(detail.get(field), str):
                    continue
                if whole:
                    detail[field] = self._texts.whole(channel, detail[field])
                    continue
                made = {**detail, field: _HERE}
                self._deltas.setdefault(channel, {"reasoning_details": [made]})
                detail[field] = self._texts.feed(channel, detail[field])

    def _calls(self, told: dict[str, Any], index: int, *, whole: bool) -> None:
        legacy = told.get("function_call")
        if isinstance(legacy, dict):
            channel = Channel(ARGUMENTS, index, _LEGACY_CALL, is_json=True)
            self._inner("function_call", legacy, "arguments", channel, whole=whole)
        calls = told.get("tool_calls")
        if not calls:
            return
        kept = []
        for position, call in enumerate(calls):
            self._call(call, index, call.get("index", position), whole=whole)
            if whole or _says_something(call):
                kept.append(call)
        if kept:
            told["tool_calls"] = kept
        else:
            told.pop("tool_calls")

    def _call(self, call: dict[str, Any], index: int, number: int, *, whole: bool) -> None:
        for kind, field, channel in (
            ("function", "arguments", Channel(ARGUMENTS, index, number, is_json=True)),
            ("custom", "input", Channel(ARGUMENTS, index, number + _CUSTOM)),
        ):
            inside = call.get(kind)
            if not isinstance(inside, dict) or not isinstance(inside.get(field), str):
                continue
            if whole:
                inside[field] = self._texts.whole(channel, inside[field])
                continue
            made = {"tool_calls": [{"index": number, kind: {field: _HERE}}]}
            self._deltas.setdefault(channel, made)
            inside[field] = self._texts.feed(channel, inside[field])

    def _cited(self, told: dict[str, Any], index: int) -> None:
        text = self._texts.known(self._text(TEXT, index))
        moved = text is not None and text.changed
        end = 0 if text is None else len(text.told)
        for field in ("annotations", "citations"):
            for one in told.get(field) or ():
                if isinstance(one, dict):
                    cite(self._texts, one.get(one.get("type") or "", one), end if moved else None)

    def _text(self, name: str, choice: int) -> Channel:
        return Channel(name, choice, is_json=self._answers_json and name == TEXT)


def cite(texts: Texts, citation: Any, end: int | None) -> None:
    """Pass on a citation's words, and put it at the end of a text that was changed."""
    if not isinstance(citation, dict):
        return
    for field in (
        "title",
        "content",
        "url",
        "document",
        "document_title",
        "cited_text",
        "filename",
    ):
        if isinstance(citation.get(field), str):
            citation[field] = texts.whole(Channel(QUOTE), citation[field])
    if end is not None:
        for field in ("start_index", "end_index", "index"):
            if isinstance(citation.get(field), int):
                citation[field] = end


def _is_plain(choice: dict[str, Any]) -> bool:
    delta = choice.get("delta")
    return (
        type(delta) is dict
        and len(delta) == 1
        and type(delta.get("content")) is str
        and choice.get("finish_reason") is None
        and choice.get("logprobs") is None
    )


def _says_something(call: dict[str, Any]) -> bool:
    if call.get("id") or call.get("type"):
        return True
    function, custom = call.get("function") or {}, call.get("custom") or {}
    return bool(function.get("name") or function.get("arguments") or custom.get("input"))


def _drop_logprobs(choice: dict[str, Any]) -> None:
    if choice.get("logprobs") is not None:
        choice["logprobs"] = None


def _filled(made: Any, text: str) -> Any:
    """Return a copy in which the text stands where its place is."""
    if isinstance(made, Mapping):
        return {
            name: text if value is _HERE else _filled(value, text) for name, value in made.items()
        }
    if isinstance(made, list):
        return [_filled(value, text) for value in made]
    return made


def _frame(body: dict[str, Any]) -> bytes:
    return b"data: " + _encode(body) + b"\n\n"
