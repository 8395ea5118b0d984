"""What a request asks, taken apart: the question, and everything else that may change the answer.

Everything else is the partition, and nothing crosses it: organisation, team, route with its models,
key's requirements, what rules ask of the caller, surface, prompt's version, language, and the whole
body but for the question's words. A field that nobody here knows is part of it, too.
"""

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

import msgspec

from legato.gateway.looked import Asked
from legato.gateway.semantic.language import language_of
from legato.gateway.semantic.personal import is_about_the_caller, is_personal
from legato.gateway.sent_as import sent_as

if TYPE_CHECKING:
    from legato.core.semantic_terms import SemanticTerms
    from legato.gateway.context import Call
    from legato.gateway.directory import Route

PARTITION_BYTES: Final = 16
QUESTION_CHARS_MAX: Final = 4_000
"""Longer ones are documents rather than questions: what one word changes there is not seen."""
_VOLATILE: Final = frozenset({"user", "metadata", "safety_identifier", "prompt_cache_key"})
"""Fields that name the caller and can't change the answer, as in the exact cache."""
_FORM: Final = frozenset({"stream", "stream_options"})
"""Fields that say how an answer is told: one that is kept can be told either way."""
_FRESH_FIELDS: Final = (
    "logprobs", "top_logprobs", "audio", "prediction", "web_search_options", "suffix", "echo",
    "background", "include", "truncation",
)  # fmt: skip
_CONTINUES: Final = ("previous_response_id", "conversation")
_TEXT_PARTS: Final = frozenset({"text", "input_text"})
_INSTRUCTIONS: Final = frozenset({"system", "developer"})
_HOLE: Final = None
_encode = msgspec.msgpack.Encoder(order="sorted").encode


class NotEligible(Exception):
    """Why a request is neither looked up nor kept; the message is a metric's label."""


def asked_of(call: "Call", route: "Route", terms: "SemanticTerms") -> Asked:
    """Take a request apart.

    Raises:
        NotEligible: it is none that may be answered by another's answer.
    """
    body = call.body
    apart = _QUESTIONS.get(call.surface.name)
    if apart is None:
        raise NotEligible("surface")
    _require_repeatable(call, terms)
    text, asked_apart = apart(body, terms)
    if not text or len(text) > QUESTION_CHARS_MAX:
        raise NotEligible("length")
    if call.user_context or is_about_the_caller(text):
        raise NotEligible("user_context")
    if is_personal(text):
        raise NotEligible("personal_data")
    language = language_of(text)
    scope = (
        _scope(call, route, terms),
        call.surface.name,
        call.versions,
        language,
    )
    others = {
        name: value for name, value in body.items() if name not in _VOLATILE and name not in _FORM
    }
    others |= asked_apart
    digest = sha256(_encode((scope, others))).digest()[:PARTITION_BYTES]
    return Asked(digest, text, language)


def scope_of(call: "Call", route: "Route", terms: "SemanticTerms") -> str:
    """Return whose bound decides: a team's on a route, or an organisation's that shares."""
    caller = call.caller
    team = "" if terms.sharing == "organisation" else caller.team
    return f"{caller.org}\x1f{team}\x1f{route.alias}"


def within(asked: Asked, space: str) -> Asked:
    """Narrow a partition to vectors of one space: those of another model aren't compared."""
    digest = sha256(asked.partition + space.encode()).digest()[:PARTITION_BYTES]
    return msgspec.structs.replace(asked, partition=digest)


def _scope(call: "Call", route: "Route", terms: "SemanticTerms") -> tuple[Any, ...]:
    principal = call.caller
    return (
        principal.org,
        None if terms.sharing == "organisation" else principal.team,
        (call.user or principal.key_id) if terms.sharing == "user" else None,
        route.fingerprint,
        None if principal.require is None else msgspec.json.encode(principal.require),
        None if principal.access is None else principal.access.fingerprint,
        sent_as(call, route),
        *(() if call.outputs is None else (call.outputs.fingerprint,)),
    )


def _require_repeatable(call: "Call", terms: "SemanticTerms") -> None:
    body = call.body
    if call.view.choices > 1:
        raise NotEligible("choices")
    if call.view.image_count or any(body.get(name) for name in _FRESH_FIELDS):
        raise NotEligible("content")
    temperature = body.get("temperature")
    if temperature is not None and temperature > terms.temperature_max:
        raise NotEligible("temperature")
    metadata = body.get("metadata")
    if isinstance(metadata, Mapping) and metadata.get("user_context"):
        raise NotEligible("user_context")


def _of_messages(body: Mapping[str, Any], terms: "SemanticTerms") -> tuple[str, dict[str, Any]]:
    """Return the last message's words, and all messages with a hole where they stood."""
    text, rest = _question(body.get("messages"), multi_turn=terms.multi_turn)
    return text, {"messages": rest}


def _of_completions(body: Mapping[str, Any], terms: "SemanticTerms") -> tuple[str, dict[str, Any]]:
    del terms  # a prompt has no turns
    prompt = body.get("prompt")
    if not isinstance(prompt, str):
        raise NotEligible("content")
    return prompt, {"prompt": _HOLE}


def _of_responses(body: Mapping[str, Any], terms: "SemanticTerms") -> tuple[str, dict[str, Any]]:
    if any(body.get(name) for name in _CONTINUES):
        raise NotEligible("turns")
    if any(not isinstance(one, dict) or one.get("type") != "function" for one in _tools(body)):
        raise NotEligible("tools")  # the vendor's own, which look things up
    given = body.get("input")
    if isinstance(given, str):
        return given, {"input": _HOLE}
    text, rest = _question(given, multi_turn=terms.multi_turn)
    return text, {"input": rest}


def _tools(body: Mapping[str, Any]) -> list[Any]:
    tools = body.get("tools")
    return tools if isinstance(tools, list) else []


def _question(messages: Any, *, multi_turn: bool) -> tuple[str, list[Any]]:
    """Return the last message's words, and all messages with a hole where they stood."""
    if not isinstance(messages, list) or not messages:
        raise NotEligible("content")
    last = messages[-1]
    if not isinstance(last, dict) or last.get("role") != "user":
        raise NotEligible("turns")
    turns = [one for one in messages[:-1] if not _instructs(one)]
    if turns and not multi_turn:
        raise NotEligible("turns")
    for turn in turns:
        _require_words(turn)
    text, content = _words(last.get("content"))
    return text, [*messages[:-1], {**last, "content": content}]


def _instructs(message: Any) -> bool:
    return isinstance(message, dict) and message.get("role") in _INSTRUCTIONS


def _require_words(turn: Any) -> None:
    """Raise NotEligible for a turn that is no word of a person or a model: a tool's, say."""
    if not isinstance(turn, dict) or turn.get("role") not in {"user", "assistant"}:
        raise NotEligible("turns")
    if turn.get("tool_calls") or turn.get("function_call"):
        raise NotEligible("tools")
    _words(turn.get("content"))


def _words(content: Any) -> tuple[str, Any]:
    """Return a message's text, and the content with a hole in its place."""
    if isinstance(content, str):
        return content, _HOLE
    if not isinstance(content, list):
        raise NotEligible("content")
    texts: list[str] = []
    rest = []
    for part in content:
        if not isinstance(part, dict) or part.get("type") not in _TEXT_PARTS:
            raise NotEligible("content")
        text = part.get("text")
        if not isinstance(text, str):
            raise NotEligible("content")
        texts.append(text)
        rest.append({**part, "text": _HOLE})
    return "\n".join(texts), rest


_TakesApart = Callable[[Mapping[str, Any], "SemanticTerms"], tuple[str, dict[str, Any]]]
_QUESTIONS: Final[dict[str, _TakesApart]] = {
    "chat_completions": _of_messages,
    "messages": _of_messages,
    "completions": _of_completions,
    "responses": _of_responses,
}
"""By surface: what takes the question out of a body."""
