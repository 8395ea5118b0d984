"""Answers of chat completions and of text completions, through filters.

`logprobs` are left out: they spell the text as the model wrote it, token by token. A citation's
place in a text that was changed can't be told any more: it is put at the end of what has gone out.
Fields that aren't named here are looked at as legato.gateway.guards.unnamed says.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec

from legato.core.guarding import ARGUMENTS, CALLED, QUOTE, REASONING, REFUSAL, SEALED, TEXT, Channel
from legato.gateway.guards.channels import Text, Texts, quoted
from legato.gateway.guards.joined import joined
from legato.gateway.guards.unnamed import HERE, Unnamed, filled
from legato.providers import sse

_DONE = b"[DONE]"
_TEXTS = {"content": TEXT, "refusal": REFUSAL}
_REASONING = ("reasoning_content", "reasoning")
_DETAILS = ("text", "summary")
_LEGACY_CALL = -1
_CUSTOM = 1_000_000
"""Custom tools' inputs are no JSON: channels of their own."""
_CONTENT: Final = MappingProxyType({"content": HERE})
_CHUNK: Final = frozenset({"choices", "id", "object", "created", "model", "usage"})
_CHOICE: Final = frozenset({"message", "delta", "text", "logprobs"})
_MESSAGE: Final = frozenset(
    {
        "annotations",
        "audio",
        "citations",
        "content",
        "function_call",
        "reasoning",
        "reasoning_content",
        "reasoning_details",
        "refusal",
        "tool_calls",
    }
)
_CALL: Final = frozenset({"function", "custom"})
_CALLED: Final = frozenset({"name", "arguments", "input"})
_SOUND: Final = frozenset({"data", "transcript"})
_PART: Final = frozenset({"text"})
_CITED_WORDS: Final = (
    "title",
    "content",
    "url",
    "document",
    "document_title",
    "cited_text",
    "filename",
)
CITED: Final = frozenset(_CITED_WORDS)
"""Fields of a citation that `cite` passes on."""
_encode = msgspec.json.Encoder().encode


class ChatAnswer:
    """One answer, whole or as the frames of a stream."""

    def __init__(self, texts: Texts, asked: Mapping[str, Any], *, answers_json: bool) -> None:
        """`asked` is the request as the model saw it."""
        self._texts = texts
        self._unnamed = Unnamed(texts, asked)
        self._answers_json = answers_json
        self._deltas: dict[Channel, Mapping[str, Any]] = {}  # how a delta tells more of a text
        self._sealed: dict[int, Text] = {}  # all that is sealed of a choice: looked at as one text
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
            self._unnamed.rest(choice, _CHOICE)
        self._unnamed.rest(body, _CHUNK)
        return body

    def event(self, event: bytes) -> bytes:
        """Return what goes out in the place of a frame."""
        payload = sse.data(event)
        if not payload:
            return event
        if payload == _DONE:
            return self._rests() + event
        body = msgspec.json.decode(payload)
        if not isinstance(body, dict):
            return b"" if self._texts.withholds else event
        loose = not body.keys() <= _CHUNK and self._unnamed.withheld(body, _CHUNK)
        choices = body.get("choices")
        if not choices:
            return _frame(body) if loose else event
        if len(choices) == 1 and not loose and _is_plain(choices[0]):
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
        self._unnamed.withheld(choice, _CHOICE)
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
        self._end_sealed(index)
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
            self._end_sealed(index)
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
        delta: dict[str, Any] = filled(made, text)
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
            self._unnamed.require_seen(audio.get("data"))
            self._inner("audio", audio, "transcript", Channel(TEXT, index, 1), whole=whole)
            self._unnamed.rest(audio, _SOUND)
        if not told.keys() <= _MESSAGE:
            self._unknown(told, index, whole=whole)
        return told

    def _unknown(self, told: dict[str, Any], index: int, *, whole: bool) -> None:
        """Pass on what nobody named: each of a stream's is a text of its own."""
        if whole:
            self._unnamed.rest(told, _MESSAGE)
            return
        for one in self._unnamed.loose(told, _MESSAGE):
            channel = Channel(QUOTE, index, self._unnamed.number(index, *one.path))
            self._deltas.setdefault(channel, one.made)
            one.inside[one.key] = self._texts.feed(channel, one.inside[one.key])

    def _field(self, told: dict[str, Any], field: str, channel: Channel, *, whole: bool) -> None:
        given = told.get(field)
        if isinstance(given, list):
            self._parts([one for one in given if isinstance(one, dict)], channel, whole=whole)
            return
        if not isinstance(given, str):
            return
        if whole:
            text = self._texts.at(channel)
            told[field] = text.feed(given) + text.end()
            return
        self._deltas.setdefault(channel, {field: HERE})
        text_out = self._texts.feed(channel, given)
        if text_out or "role" in told:
            told[field] = text_out
        else:
            told.pop(field)

    def _parts(self, parts: list[dict[str, Any]], channel: Channel, *, whole: bool) -> None:
        """Pass on parts of one text; pictures and what else they are with it."""
        told = [one for one in parts if isinstance(one.get("text"), str)]
        texts = [one["text"] for one in told]
        if whole:
            texts = joined(self._texts, channel, texts) if texts else []
        else:
            self._deltas.setdefault(channel, _CONTENT)
            texts = [self._texts.feed(channel, one) for one in texts]
        for part, text in zip(told, texts, strict=True):
            part["text"] = text
        for part in parts:
            self._unnamed.rest(part, _PART)

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
        self._deltas.setdefault(channel, {outer: {**kept, field: HERE}})
        inside[field] = self._texts.feed(channel, inside[field])

    def _details(self, told: dict[str, Any], index: int, *, whole: bool) -> None:
        """Reasoning once more, as its vendor signed it: looked at one by one, and as one text."""
        for position, detail in enumerate(told.get("reasoning_details") or ()):
            number = detail.get("index", position) if isinstance(detail, dict) else position
            channel = Channel(SEALED, index, number)
            if isinstance(detail, dict):
                sealed = {"data"} if str(detail.get("type")).endswith("encrypted") else set()
                self._unnamed.rest(detail, {*_DETAILS, *sealed})
            for field in _DETAILS:
                if not isinstance(detail, dict) or not isinstance(detail.get(field), str):
                    continue
                self._sealed_at(index).feed(detail[field])
                if whole:
                    detail[field] = self._texts.whole(channel, detail[field])
                    continue
                made = {**detail, field: HERE}
                self._deltas.setdefault(channel, {"reasoning_details": [made]})
                detail[field] = self._texts.feed(channel, detail[field])
        if whole:
            self._end_sealed(index)

    def _sealed_at(self, index: int) -> Text:
        if index not in self._sealed:
            self._sealed[index] = self._texts.new(Channel(SEALED, index))
        return self._sealed[index]

    def _end_sealed(self, index: int) -> None:
        if index in self._sealed:
            self._sealed.pop(index).end()

    def _calls(self, told: dict[str, Any], index: int, *, whole: bool) -> None:
        legacy = told.get("function_call")
        if isinstance(legacy, dict):
            channel = Channel(ARGUMENTS, index, _LEGACY_CALL, is_json=True)
            self._called(legacy, channel, "function_call", whole=whole)
            self._unnamed.rest(legacy, _CALLED)
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
        self._unnamed.rest(call, _CALL)
        for kind, field, channel in (
            ("function", "arguments", Channel(ARGUMENTS, index, number, is_json=True)),
            ("custom", "input", Channel(ARGUMENTS, index, number + _CUSTOM)),
        ):
            inside = call.get(kind)
            if not isinstance(inside, dict):
                continue
            self._called(inside, channel, kind, whole=whole)
            self._unnamed.rest(inside, _CALLED)
            if not isinstance(inside.get(field), str):
                continue
            if whole:
                inside[field] = self._texts.whole(channel, inside[field])
                continue
            made = {"tool_calls": [{"index": number, kind: {field: HERE}}]}
            self._deltas.setdefault(channel, made)
            inside[field] = self._texts.feed(channel, inside[field])

    def _called(self, inside: dict[str, Any], of: Channel, kind: str, *, whole: bool) -> None:
        """Pass on the name of a tool: it goes out before the arguments in the channel `of`."""
        if whole:
            self._unnamed.name(inside, (of.choice, of.number))
            return
        channel = Channel(CALLED, of.choice, of.number)
        given = inside.get("name")
        if isinstance(given, str) and given:
            self._unnamed.look_at_name(inside, (of.choice, of.number))
            call: dict[str, Any] = {kind: {"name": HERE}}
            made = {"tool_calls": [{"index": of.number % _CUSTOM, **call}]}
            self._deltas.setdefault(channel, call if of.number == _LEGACY_CALL else made)
            inside["name"] = self._texts.at(channel).feed(given)
        if inside.get("arguments") or inside.get("input"):
            rest = self._texts.end(channel)
            if rest:
                inside["name"] = (inside.get("name") or "") + rest

    def _cited(self, told: dict[str, Any], index: int) -> None:
        text = self._texts.known(self._text(TEXT, index))
        moved = text is not None and text.changed
        end = 0 if text is None else len(text.told)
        for field in ("annotations", "citations"):
            for one in told.get(field) or ():
                if isinstance(one, dict):
                    inside = one.get(one.get("type") or "", one)
                    cite(self._texts, inside, end if moved else None)
                    self._unnamed.rest(inside, CITED)
                    if inside is not one:
                        self._unnamed.rest(one, (one["type"],))
            if isinstance(told.get(field), list):
                told[field] = [
                    quoted(self._texts, one) if isinstance(one, str) else one for one in told[field]
                ]

    def _text(self, name: str, choice: int) -> Channel:
        return Channel(name, choice, is_json=self._answers_json and name == TEXT)


def cite(texts: Texts, citation: Any, end: int | None) -> None:
    """Pass on a citation's words, and put it at the end of a text that was changed."""
    if not isinstance(citation, dict):
        return
    for field in _CITED_WORDS:
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


def _frame(body: dict[str, Any]) -> bytes:
    return b"data: " + _encode(body) + b"\n\n"
