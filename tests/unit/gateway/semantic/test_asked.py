from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.core.config_parts import Requirements
from legato.gateway.semantic.asked import NotEligible, asked_of
from semantic_asking import TERMS, asked, call_of, principal, route

SYSTEM = {"role": "system", "content": "Be brief."}
USER = {"role": "user", "content": "How tall is Mont Blanc?"}


def test_only_the_words_of_the_question_stay_out_of_the_partition() -> None:
    one, other = (
        asked(question="How tall is Mont Blanc?"),
        asked(question="What is the height of it?"),
    )
    assert one.partition == other.partition
    assert (one.text, other.text) == ("How tall is Mont Blanc?", "What is the height of it?")


@pytest.mark.parametrize(
    "changed",
    [
        {"who": principal(org="other")},
        {"who": principal(team="other")},
        {"who": principal(require=Requirements(no_training=True))},
        {"of": route("another model")},
        {"surface": "messages"},
        {"messages": [SYSTEM, USER]},
        {"messages": [{**USER, "name": "eve"}]},
        {"question": [{"type": "text", "text": USER["content"]}]},
        {"question": "Wie hoch ist der Mont Blanc?"},
        {"model": "another"},
        {"temperature": 0.1},
        {"max_tokens": 5},
        {"stop": ["x"]},
        {"seed": 7},
        {"response_format": {"type": "json_object"}},
        {"tools": [{"type": "function", "function": {"name": "f"}}]},
        {"reasoning_effort": "high"},
        {"something_that_nobody_knows": 1},
    ],
)  # fmt: skip
def test_whatever_may_change_the_answer_is_another_partition(changed: dict[str, Any]) -> None:
    assert asked(**changed).partition != asked().partition


@pytest.mark.parametrize(
    "changed",
    [
        {"who": principal(feature="other", key_id="k2", name="k2")},
        {"user": "eve"},
        {"stream": True, "stream_options": {"include_usage": True}},
        {"metadata": {"trace": "1"}},
    ],
)
def test_who_asks_within_a_team_is_no_part_of_it(changed: dict[str, Any]) -> None:
    assert asked(**changed).partition == asked().partition


def test_versions_of_prompts_are_part_of_it() -> None:
    call = call_of()
    call.versions = "prompt/a@1"
    assert asked_of(call, route(), TERMS).partition != asked().partition


def test_teams_share_only_where_the_route_says_so() -> None:
    shared = msgspec.structs.replace(TERMS, sharing="organisation")
    assert asked(shared).partition == asked(shared, who=principal(team="other")).partition
    assert asked(shared).partition != asked(shared, who=principal(org="other")).partition
    assert asked(shared).partition != asked().partition


def test_users_share_nothing_where_the_route_says_so() -> None:
    own = msgspec.structs.replace(TERMS, sharing="user")
    one, other = call_of(), call_of()
    one.user, other.user = "ann", "bob"
    assert asked_of(one, route(), own).partition != asked_of(other, route(), own).partition
    assert asked(own).partition != asked(own, who=principal(key_id="k2")).partition


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"surface": "embeddings"}, "surface"),
        ({"choices": 2}, "choices"),
        ({"temperature": 0.6}, "temperature"),
        ({"logprobs": True}, "content"),
        ({"web_search_options": {"x": 1}}, "content"),
        ({"metadata": {"user_context": "premium"}}, "user_context"),
        ({"question": "Where is my order AB-12345?"}, "user_context"),
        ({"question": "Write to ann@example.com"}, "personal_data"),
        ({"question": "Call +43 660 1234567"}, "personal_data"),
        ({"question": "Is 4111 1111 1111 1111 a card?"}, "personal_data"),
        ({"question": "Is DE89 3704 0044 0532 0130 00 an account?"}, "personal_data"),
        ({"question": ""}, "length"),
        ({"question": "x" * 4_001}, "length"),
        ({"question": [{"type": "image_url", "image_url": {"url": "x"}}]}, "content"),
        ({"messages": [USER, {"role": "assistant", "content": "a"}, USER]}, "turns"),
        ({"messages": [USER, {"role": "assistant", "content": "a"}]}, "turns"),
        ({"messages": [{"role": "tool", "content": "42", "tool_call_id": "1"}]}, "turns"),
    ],
)
def test_what_is_never_looked_up(changed: dict[str, Any], why: str) -> None:
    with pytest.raises(NotEligible, match=f"^{why}$"):
        asked(**changed)


def test_variables_about_the_user_of_a_prompt_keep_a_call_out() -> None:
    call = call_of()
    call.user_context = True
    with pytest.raises(NotEligible, match="user_context"):
        asked_of(call, route(), TERMS)


def test_turns_before_it_are_part_of_the_partition_where_they_are_allowed() -> None:
    terms = msgspec.structs.replace(TERMS, multi_turn=True)
    turns = [USER, {"role": "assistant", "content": "4806 m"}, USER]
    others = [USER, {"role": "assistant", "content": "4810 m"}, USER]
    assert asked(terms, messages=turns).partition != asked(terms, messages=others).partition
    tool = [USER, {"role": "assistant", "tool_calls": [{"id": "1"}], "content": None}, USER]
    with pytest.raises(NotEligible, match="tools"):
        asked(terms, messages=tool)


NAMES = st.sampled_from(["a", "b", "c"])
DIMENSIONS = st.fixed_dictionaries(
    {
        "org": NAMES,
        "team": NAMES,
        "route": NAMES,
        "model": NAMES,
        "system": NAMES,
        "temperature": st.sampled_from([None, 0, 0.25, 0.5]),
        "max_tokens": st.sampled_from([None, 1, 2]),
        "versions": NAMES,
        "tool": NAMES,
        "surface": st.sampled_from(["chat_completions", "messages"]),
    }
)


def _partition(of: dict[str, Any], question: str) -> bytes:
    body = {name: of[name] for name in ("temperature", "max_tokens") if of[name] is not None}
    call = call_of(
        messages=[
            {"role": "system", "content": of["system"]},
            {"role": "user", "content": question},
        ],
        who=principal(org=of["org"], team=of["team"]),
        surface=of["surface"],
        model=of["model"],
        tools=[{"type": "function", "function": {"name": of["tool"]}}],
        **body,
    )
    call.versions = of["versions"]
    return asked_of(call, route(of["route"]), TERMS).partition


@given(DIMENSIONS, DIMENSIONS, NAMES, NAMES)
def test_nothing_crosses_a_partition(
    one: dict[str, Any], other: dict[str, Any], asked_one: str, asked_other: str
) -> None:
    same = _partition(one, asked_one) == _partition(other, asked_other)
    assert same == (one == other)
