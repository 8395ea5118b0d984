from typing import Any

import pytest

from legato.providers.anthropic.cache_hints import MARK, marked
from legato.providers.base import Repeated

BOTH = Repeated(head=True, turns=True)


def test_the_end_of_the_system_prompt_and_of_the_conversation_are_marked() -> None:
    wire = {"system": "Be kind.", "messages": [{"role": "user", "content": "Hi"}]}
    assert marked(wire, BOTH) == {
        "system": [{"type": "text", "text": "Be kind.", "cache_control": MARK}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Hi", "cache_control": MARK}]}
        ],
    }
    assert wire == {"system": "Be kind.", "messages": [{"role": "user", "content": "Hi"}]}


def test_tools_are_marked_where_there_is_no_system_prompt() -> None:
    tools = [{"name": "a"}, {"name": "b"}]
    wire = marked({"tools": tools, "messages": []}, Repeated(head=True))
    assert wire["tools"] == [{"name": "a"}, {"name": "b", "cache_control": MARK}]


@pytest.mark.parametrize(
    ("content", "place"),
    [
        ([{"type": "text", "text": "a"}, {"type": "text", "text": ""}], 0),
        ([{"type": "tool_result", "tool_use_id": "t"}], 0),
        ([{"type": "text", "text": "a"}, {"type": "thinking", "thinking": "…"}], 0),
    ],
)
def test_a_mark_stands_on_the_last_block_that_takes_one(content: Any, place: int) -> None:
    wire = marked({"messages": [{"role": "user", "content": content}]}, BOTH)
    found = [
        n for n, block in enumerate(wire["messages"][0]["content"]) if "cache_control" in block
    ]
    assert found == [place]


@pytest.mark.parametrize("content", ["", [], [{"type": "text", "text": ""}]])
def test_what_is_empty_takes_none(content: Any) -> None:
    wire = {"messages": [{"role": "user", "content": content}]}
    assert marked(wire, BOTH) == wire
