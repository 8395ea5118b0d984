"""Where Mistral's messages differ from OpenAI's.

Source: the vendor's package mistralai 3.7, whose types are made from its OpenAPI document
(docs.mistral.ai/api); 2026-11-21. Reasoning is a part of the content:
`{"type": "thinking", "thinking": [{"type": "text", "text": "..."}]}`, and so are references to what
tools found: `{"type": "reference", "reference_ids": [1]}`. Ids of tool calls are nine letters or
digits; those that another vendor gave out are mapped, always to the same.
"""

import hashlib
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from legato.core.chat import Citation
from legato.core.speakers import are_several, said_in_words
from legato.providers import sse

_ID = re.compile(r"[A-Za-z0-9]{9}")
_ID_CHARS = 9


def messages(wire: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the messages as Mistral takes them; what needs no change is not copied."""
    tells_speakers = are_several(wire)
    return [_message(message, tells_speakers=tells_speakers) for message in wire]


def content_texts(content: list[Any]) -> Iterator[tuple[str, str]]:
    """Yield ("thinking" or "text", text) for the parts of an answer's content."""
    for part in content:
        kind = part.get("type")
        if kind == "thinking":
            inner = part.get("thinking") or ()
            text = inner if isinstance(inner, str) else "".join(map(_inner_text, inner))
        else:
            text = part.get("text") if kind == "text" else ""
        if text:
            yield kind, text


def references(content: list[Any]) -> Iterator[Citation]:
    """Yield what the texts of a content refer to, by its id: a reference follows its text."""
    chars, last = 0, None
    for part in content:
        if part.get("type") == "text":
            begun, chars = chars, chars + len(part.get("text") or "")
            last = (begun, chars)
        elif part.get("type") == "reference":
            for one in part.get("reference_ids") or ():
                yield Citation(last, document=str(one))


def plain_answer(body: bytes) -> bytes | None:
    """Return a complete answer with the content as text, None where it is already."""
    answer = msgspec.json.decode(body)
    return msgspec.json.encode(answer) if _plain(answer, "message") else None


def plain_event(event: bytes) -> bytes:
    """Return an event of a stream with the content as text; any other event as it came."""
    payload = sse.data(event)
    if not sse.is_json(payload):
        return event
    chunk = msgspec.json.decode(payload)
    if not _plain(chunk, "delta"):
        return event
    return b"data: " + msgspec.json.encode(chunk) + b"\n\n"


def _plain(answer: Any, holder: str) -> bool:
    """Rewrite each choice in place; return whether there was anything to do."""
    choices = answer.get("choices") if isinstance(answer, dict) else None
    found = False
    for choice in choices if isinstance(choices, list) else ():
        message = choice.get(holder) if isinstance(choice, dict) else None
        if not isinstance(message, dict) or not _is_parts(message.get("content")):
            continue
        texts = list(content_texts(message["content"]))
        cited = [_cited(one, whole=holder == "message") for one in references(message["content"])]
        thought = "".join(text for kind, text in texts if kind == "thinking")
        message["content"] = "".join(text for kind, text in texts if kind == "text")
        if thought:
            message["reasoning_content"] = thought
        if cited:
            message["citations"] = cited
        found = True
    return found


def _cited(citation: Citation, *, whole: bool) -> dict[str, Any]:
    """As Legato writes what OpenAI's annotations have no form for; a delta knows no place."""
    told: dict[str, Any] = {"document": citation.document}
    if whole and citation.span is not None:
        told["start_index"], told["end_index"] = citation.span
    return told


def _is_parts(content: Any) -> bool:
    return isinstance(content, list) and all(isinstance(part, dict) for part in content)


def _inner_text(part: Any) -> str:
    text = part.get("text") if isinstance(part, dict) else None
    return text if isinstance(text, str) else ""


def _message(message: dict[str, Any], *, tells_speakers: bool) -> dict[str, Any]:
    role = message.get("role")
    if role == "developer":
        return {**message, "role": "system"}
    if role == "tool" and isinstance(message.get("tool_call_id"), str):
        return {**message, "tool_call_id": _id(message["tool_call_id"])}
    if role == "user":
        return _user(message, tells_speakers=tells_speakers)
    return _assistant(message) if role == "assistant" else message


def _user(message: dict[str, Any], *, tells_speakers: bool) -> dict[str, Any]:
    """Mistral has no names of speakers."""
    name = message.get("name")
    content: Any = message.get("content")
    if "name" not in message and isinstance(content, str):
        return message
    if _is_parts(content):
        content = [_user_part(part) for part in content]
    if name and tells_speakers:
        content = said_in_words(name, content)
    return {field: value for field, value in message.items() if field != "name"} | {
        "content": content
    }


def document(url: str, name: str) -> dict[str, Any]:
    """Return the part for a document, by its address or a data URL."""
    return {"type": "document_url", "document_url": url, "document_name": name}


def _user_part(part: dict[str, Any]) -> dict[str, Any]:
    """Mistral's own parts of the kind `file` hold an id alone."""
    file = part.get("file")
    if part.get("type") != "file" or not isinstance(file, dict):
        return part
    data, name = file.get("file_data"), file.get("filename")
    if not isinstance(data, str):
        return part
    return document(data, name if isinstance(name, str) else "document.pdf")


def _assistant(message: dict[str, Any]) -> dict[str, Any]:
    # what an SDK echoes of an answer and Mistral refuses
    wire = {k: v for k, v in message.items() if k not in _ECHOED}
    thought = message.get("reasoning_content") or message.get("reasoning")
    if isinstance(thought, str) and thought:
        parts: list[dict[str, Any]] = [
            {"type": "thinking", "thinking": [{"type": "text", "text": thought}]}
        ]
        content = message.get("content")
        if isinstance(content, str) and content:
            parts.append({"type": "text", "text": content})
        elif isinstance(content, list):
            parts += content
        wire["content"] = parts
    calls = message.get("tool_calls")
    if isinstance(calls, list):
        wire["tool_calls"] = [_call(call) for call in calls]
    return wire


_ECHOED = frozenset(
    {"annotations", "audio", "citations", "function_call", "images", "name"}
    | {"reasoning", "reasoning_content", "reasoning_details", "refusal"}
)


def _call(call: Any) -> Any:
    if isinstance(call, dict) and isinstance(call.get("id"), str):
        return {**call, "id": _id(call["id"])}
    return call


def _id(given: str) -> str:
    if _ID.fullmatch(given):
        return given
    return hashlib.blake2b(given.encode(), digest_size=8).hexdigest()[:_ID_CHARS]
