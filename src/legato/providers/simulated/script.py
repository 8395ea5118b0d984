"""Answers that are said beforehand, so that what depends on an answer can be tried.

    script:
      - asked: "order (?P<order>[0-9]+)"          # found in the last user text
        calls: [{tool: look_up, arguments: {order: $order}}]
      - asked: "order (?P<order>[0-9]+)"
        result: "(?P<status>shipped|lost)"        # found in the tool results after it
        text: "Your order $order is $status."
      - system: "critic"                          # found in the system text
        json: {verdict: good}

The first line that fits is answered, whatever the schema or the tool choice of the call; without
one the answer is made up as ever. A line without `result` fits only where no tool has answered
since the last user text. `$name` stands for a named group of what was found; in `json` and in
arguments a whole text `#name` stands for the number, or true or false, that the group reads as.
"""

import re
from collections.abc import Iterable, Mapping
from string import Template
from typing import Any

import msgspec

Said = tuple[str, str]
"""A role (`system`, `user`, `assistant`, `tool`) and its text."""


class ScriptedCall(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A call of a tool."""

    tool: str
    arguments: dict[str, Any] = {}


class Line(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is answered where all its patterns are found. Exactly one of text, json and calls."""

    asked: str = ""
    system: str = ""
    result: str | None = None
    text: str | None = None
    json: Any = msgspec.UNSET
    calls: tuple[ScriptedCall, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a line that answers nothing or twice, and patterns that aren't any."""
        given = (self.text is not None) + (self.json is not msgspec.UNSET) + bool(self.calls)
        if given != 1:
            raise ValueError("a line of the script has one of text, json and calls")
        for pattern in (self.asked, self.system, self.result or ""):
            try:
                re.compile(pattern)
            except re.error as error:
                msg = f"{pattern!r} is no regular expression: {error}"
                raise ValueError(msg) from error


class Scripted(msgspec.Struct, frozen=True):
    """An answer of the script: a text, or calls of tools with the JSON of their arguments."""

    text: str = ""
    calls: tuple[tuple[str, str], ...] = ()


def scripted(script: Iterable[Line], said: Iterable[Said]) -> Scripted | None:
    """Return what the script answers; None where no line fits."""
    system, asked, results = "", "", None
    for role, text in said:
        if role == "user":
            asked, results = text, None
        elif role == "tool":
            results = text if results is None else f"{results}\n{text}"
        elif role in {"system", "developer"}:
            system += text + "\n"
    for line in script:
        if (line.result is None) != (results is None):
            continue
        texts = ((line.system, system), (line.asked, asked), (line.result or "", results or ""))
        found = [re.search(pattern, text) for pattern, text in texts]
        if all(found):
            return _answer(line, {k: v for one in found if one for k, v in one.groupdict().items()})
    return None


def _answer(line: Line, groups: Mapping[str, str | None]) -> Scripted:
    names = {name: text or "" for name, text in groups.items()}
    if line.calls:
        calls = ((call.tool, _json(call.arguments, names)) for call in line.calls)
        return Scripted(calls=tuple(calls))
    if line.text is not None:
        return Scripted(Template(line.text).safe_substitute(names))
    return Scripted(_json(line.json, names))


def _json(value: Any, names: Mapping[str, str]) -> str:
    return msgspec.json.encode(_filled(value, names)).decode()


def _filled(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        if value.startswith("#") and value[1:] in names:
            return _scalar(names[value[1:]])
        return Template(value).safe_substitute(names)
    if isinstance(value, dict):
        return {name: _filled(inner, names) for name, inner in value.items()}
    return [_filled(inner, names) for inner in value] if isinstance(value, list) else value


def _scalar(text: str) -> Any:
    try:
        return msgspec.json.decode(text, type=float | int | bool)
    except msgspec.MsgspecError:
        return text
