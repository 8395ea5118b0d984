from typing import Any

from legato.core.principal import Principal
from legato.gateway.context import Call
from legato.gateway.prompt_cache import LIFETIME_NS, SEEN_MAX, PromptCache
from legato.providers.base import NOT_REPEATED, Repeated

LONG = "All about the product. " * 300
QUESTION = {"role": "user", "content": "How do I start it?"}
ANSWER = {"role": "assistant", "content": "Press the button."}
NEXT = {"role": "user", "content": "Which button?"}


class Hands:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0

    def now_ns(self) -> int:
        return self.now


def asked(cache: PromptCache, body: dict[str, Any], org: str = "acme") -> Repeated:
    surface: Any = None
    source: Any = None
    call = Call("r", surface, source, 0)
    call.principal = Principal("k", "k", org, "t", "f")
    call.body = body
    return cache.repeated(call)


def test_the_second_request_with_the_same_beginning_is_marked() -> None:
    cache = PromptCache(Hands())
    assert asked(cache, {"system": LONG, "messages": [QUESTION]}) is NOT_REPEATED
    assert asked(cache, {"system": LONG, "messages": [NEXT]}) == Repeated(head=True)


def test_a_system_message_of_the_other_dialect_is_a_beginning_too() -> None:
    cache = PromptCache(Hands())
    system = {"role": "system", "content": LONG}
    asked(cache, {"messages": [system, QUESTION]})
    assert asked(cache, {"messages": [system, NEXT]}) == Repeated(head=True)


def test_the_next_turn_of_a_conversation_marks_its_end() -> None:
    cache = PromptCache(Hands())
    told = {"role": "user", "content": LONG}
    asked(cache, {"messages": [told]})
    assert asked(cache, {"messages": [told, ANSWER, NEXT]}) == Repeated(turns=True)


def test_what_is_short_is_not_worth_it() -> None:
    cache = PromptCache(Hands())
    asked(cache, {"system": "Be brief.", "messages": [QUESTION]})
    assert asked(cache, {"system": "Be brief.", "messages": [QUESTION]}) is NOT_REPEATED


def test_five_minutes_later_it_is_new_again() -> None:
    hands = Hands()
    cache = PromptCache(hands)
    asked(cache, {"system": LONG, "messages": [QUESTION]})
    hands.now = LIFETIME_NS
    assert asked(cache, {"system": LONG, "messages": [QUESTION]}) is NOT_REPEATED


def test_nobody_learns_what_another_organisation_sent() -> None:
    cache = PromptCache(Hands())
    asked(cache, {"system": LONG, "messages": [QUESTION]}, org="acme")
    assert asked(cache, {"system": LONG, "messages": [QUESTION]}, org="rival") is NOT_REPEATED


def test_a_caller_who_marks_is_left_alone() -> None:
    cache = PromptCache(Hands())
    system = [{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}}]
    for _ in range(2):
        assert asked(cache, {"system": system, "messages": [QUESTION]}) is NOT_REPEATED


def test_a_request_without_messages_is_none_of_ours() -> None:
    cache = PromptCache(Hands())
    for body in ({}, {"messages": []}, {"messages": "hello"}, {"input": LONG}):
        assert asked(cache, body) is NOT_REPEATED


def test_what_it_remembers_is_bounded() -> None:
    cache = PromptCache(Hands())
    first = {"system": LONG, "messages": [QUESTION]}
    asked(cache, first)
    for number in range(SEEN_MAX):
        asked(cache, {"system": f"{number}", "messages": [QUESTION]})
    assert asked(cache, first) is NOT_REPEATED
