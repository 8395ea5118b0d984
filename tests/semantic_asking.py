"""Calls as the semantic cache meets them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from legato.core.principal import Principal
from legato.core.semantic_terms import SemanticTerms
from legato.core.wire import RequestView
from legato.gateway.context import Call
from legato.gateway.semantic.asked import asked_of

if TYPE_CHECKING:
    from legato.gateway.looked import Asked

TERMS = SemanticTerms(
    bound=0.01,
    bound_per_hit=None,
    confidence=0.95,
    sharing="team",
    temperature_max=0.5,
    multi_turn=False,
)
NOTHING: Any = None


def principal(**changed: Any) -> Principal:
    given: dict[str, Any] = {"key_id": "k", "name": "k", "org": "o", "team": "t", "feature": "f"}
    return Principal(**{**given, **changed})


def call_of(
    question: Any = "How tall is Mont Blanc?",
    *,
    who: Principal | None = None,
    surface: str = "chat_completions",
    choices: int = 1,
    messages: list[Any] | None = None,
    **body: Any,
) -> Call:
    named: Any = SimpleNamespace(name=surface)
    call = Call("r", named, NOTHING, 0)
    call.principal = who or principal()
    call.view = RequestView(model="chat", choices=choices)
    turns = messages or [{"role": "user", "content": question}]
    call.body = {"model": "chat", "messages": turns, **body}
    return call


def route(fingerprint: str = "f") -> Any:
    return SimpleNamespace(fingerprint=fingerprint, alias="chat", rules=None)


def asked(terms: SemanticTerms = TERMS, *, of: Any = None, **given: Any) -> Asked:
    return asked_of(call_of(**given), of or route(), terms)
