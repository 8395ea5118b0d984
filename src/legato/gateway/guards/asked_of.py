"""What of a request the checks of its answer depend on: instructions, sources, a schema."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from legato.guardrails.outputs.plan import Asked

if TYPE_CHECKING:
    from legato.gateway.context import Call

_SYSTEM: Final = frozenset({"system", "developer"})
_DOCUMENTS: Final = frozenset({"document", "search_result", "input_file"})
_RESULTS: Final = frozenset({"tool_result", "function_call_output", "custom_tool_call_output"})
_TEXTS: Final = ("text", "content", "output", "data", "title", "context", "source")
CANARY_HEADER: Final = b"x-legato-canary"
_ANY_OBJECT: Final = {"type": "object"}


def asked_of(call: "Call") -> Asked:
    """Return it. Nothing is walked through before a check needs it."""
    body = call.body
    planted = call.source.header(CANARY_HEADER)
    return Asked(
        system="\n".join(_system(body)),
        schema=schema_of(body),
        sources=partial(_sources, body),
        redacted=() if call.redaction is None else tuple(call.redaction.values.values()),
        canaries=() if planted is None else (planted.decode("utf-8", "replace"),),
    )


def schema_of(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the schema that a request of any dialect wants its answer held to."""
    text = body.get("text")
    config = body.get("output_config")
    given = (
        body.get("response_format"),
        text.get("format") if isinstance(text, dict) else None,
        config.get("format") if isinstance(config, dict) else None,
        body.get("output_format"),
    )
    for form in given:
        if not isinstance(form, dict):
            continue
        if form.get("type") == "json_object":
            return _ANY_OBJECT
        if form.get("type") == "json_schema":
            inner = form.get("json_schema")
            schema = (inner if isinstance(inner, dict) else form).get("schema")
            if isinstance(schema, dict):
                return schema
    return None


def _system(body: Mapping[str, Any]) -> Iterator[str]:
    for name in ("system", "instructions"):
        yield from _texts(body.get(name))
    for turn in _turns(body):
        if turn.get("role") in _SYSTEM:
            yield from _texts(turn.get("content"))


def _sources(body: Mapping[str, Any], places: Sequence[str]) -> list[str]:
    found: list[str] = []
    if "system" in places:
        found += _system(body)
    if "document" in places:
        found += _texts(body.get("documents"))
    for turn in _turns(body):
        if turn.get("role") == "tool" or turn.get("type") in _RESULTS:
            found += _texts(turn) if "tool_result" in places else ()
            continue
        content = turn.get("content")
        for part in content if isinstance(content, list) else ():
            kind = part.get("type") if isinstance(part, dict) else None
            if (kind in _RESULTS and "tool_result" in places) or (
                kind in _DOCUMENTS and "document" in places
            ):
                found += _texts(part)
    return found


def _turns(body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name in ("messages", "input"):
        turns = body.get(name)
        yield from (
            one for one in (turns if isinstance(turns, list) else ()) if isinstance(one, dict)
        )


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts within a value, by the fields that hold words."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, dict):
        for name in _TEXTS:
            yield from _texts(value.get(name))
