"""What was asked in a call, out of the many forms in which logs write it."""

import json
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from legato.accounting.imports.reader import Asked

_TEXT_MAX: Final = 200_000
_SETTINGS: Final = ("temperature", "top_p", "seed", "response_format", "tools", "tool_choice")
_CALLERS: Final = frozenset({"user", "human"})


def asked_of(body: object, settings: Mapping[str, Any], model: str) -> Asked | None:
    """Return what a body asks: messages, a prompt, `input`, or contents as Gemini's.

    None where there is no text, as where a log doesn't keep content.
    """
    body = _decoded(body)
    if isinstance(body, Mapping):
        settings = {**settings, **body}
        own = next(
            (body[name] for name in ("messages", "input", "contents", "prompt") if body.get(name)),
            None,
        )
        if own is None:
            return None
        system = body.get("system") or body.get("instructions") or body.get("systemInstruction")
        turns = ([("system", _text(system))] if system else []) + _turns(own)
    else:
        turns = _turns(body)
    turns = [(role, text) for role, text in turns if text.strip()]
    if not turns:
        return None
    last = max(
        (place for place, (role, _) in enumerate(turns) if role in _CALLERS),
        default=len(turns) - 1,
    )
    kept = {name: settings[name] for name in _SETTINGS if settings.get(name) is not None}
    before = "\n".join(
        f"{role}: {text}" for place, (role, text) in enumerate(turns) if place != last
    )
    context = f"{model}\n{json.dumps(kept, sort_keys=True, default=str)}\n{before}"
    text = "\n".join(f"{role}: {text}" for role, text in turns)
    return Asked(text[:_TEXT_MAX], turns[last][1][:_TEXT_MAX], context[:_TEXT_MAX])


def _decoded(value: object) -> object:
    """Return what JSON in a text means; other texts are a question themselves."""
    if isinstance(value, str) and value[:1] in {"{", "[", '"'}:
        try:
            return msgspec.json.decode(value)
        except msgspec.DecodeError:
            return value
    return value


def _turns(value: object) -> list[tuple[str, str]]:
    if isinstance(value, Mapping):
        inner = value.get("messages")
        return _turns(inner) if inner else [("user", _text(value))]
    if not isinstance(value, list):
        return [("user", _text(value))]
    if all(isinstance(one, str) for one in value):
        return [("user", "\n".join(value))]
    return [
        (str(one.get("role") or one.get("type") or "user").lower(), _text(one))
        for one in value
        if isinstance(one, Mapping)
    ]


def _text(value: object) -> str:
    """Return the text of a turn: a string, parts, or an object that has one of these."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\n".join(filter(None, map(_text, value)))
    if isinstance(value, Mapping):
        for name in ("content", "text", "parts", "input_text", "query", "question", "input"):
            if value.get(name):
                return _text(value[name])
        if "role" in value or "type" in value:
            return ""  # an image, a sound, a call of a tool
        return json.dumps(value, sort_keys=True, default=str)
    return "" if value is None else str(value)
