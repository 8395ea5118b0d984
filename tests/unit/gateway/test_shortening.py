from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from legato.gateway.shortening import (
    LEFT_OUT,
    chars_of,
    newest_turns,
    summary_cuts,
    transcript,
    without_repeated,
)

PASSAGE = "The pump must be primed before it is started, as described in chapter four. " * 4


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def said(content: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content}


def test_a_passage_that_stands_above_is_left_out() -> None:
    first, again = user(f"Read:\n\n{PASSAGE}"), user(f"{PASSAGE}\n\nWhich chapter?")
    kept, removed = without_repeated([first, said("Yes."), again])
    assert kept == [first, said("Yes."), user(f"{LEFT_OUT}\n\nWhich chapter?")]
    assert removed == len(PASSAGE) - len(LEFT_OUT)
    assert again == user(f"{PASSAGE}\n\nWhich chapter?")


def test_results_of_tools_are_read_and_words_of_the_model_are_not_touched() -> None:
    result = {"type": "tool_result", "tool_use_id": "t", "content": PASSAGE}
    listed = {**result, "content": [{"type": "text", "text": PASSAGE}]}
    kept, _ = without_repeated([user([result]), said(PASSAGE), user([result]), user([listed])])
    assert [one["content"] for one in kept[:2]] == [[result], PASSAGE]
    assert kept[2]["content"][0]["content"] == LEFT_OUT
    assert kept[3]["content"][0]["content"] == [{"type": "text", "text": LEFT_OUT}]


def test_short_repetitions_stay() -> None:
    messages = [user("Yes\n\nYes"), user("Yes")]
    assert without_repeated(messages) == (messages, 0)


def test_whole_turns_go_with_their_tools_and_the_system_prompt_stays() -> None:
    system = {"role": "system", "content": "Be brief."}
    called = said(None) | {"tool_calls": [{"id": "t"}]}
    old = [user("old " * 50), called, {"role": "tool", "tool_call_id": "t", "content": "9"}]
    new = [user("new"), called, {"role": "tool", "tool_call_id": "t", "content": "8"}]
    kept, gone = newest_turns([system, *old, *new], 60, 0)
    assert (kept, gone) == ([system, *new], old)


def test_a_turn_with_results_in_the_users_role_is_one() -> None:
    call = said([{"type": "tool_use", "id": "t", "name": "f", "input": {}}])
    result = user([{"type": "tool_result", "tool_use_id": "t", "content": "9" * 100}])
    messages = [user("old"), said("yes"), user("new"), call, result]
    kept, _ = newest_turns(messages, 10, 0)
    assert kept == [user("new"), call, result]


texts = st.text("ab \n", max_size=30)
conversations = st.lists(
    st.builds(lambda role, text: {"role": role, "content": text},
              st.sampled_from(["system", "user", "assistant", "tool"]), texts),
    max_size=12,
)  # fmt: skip


@given(conversations, st.integers(0, 200), st.integers(0, 50))
def test_nothing_is_lost_but_the_oldest(
    messages: list[dict[str, Any]], chars_max: int, beside: int
) -> None:
    kept, gone = newest_turns(messages, chars_max, beside)
    assert chars_of(kept) + chars_of(gone) == chars_of(messages)
    if not gone:
        assert kept is messages
    else:
        head = len(kept) - (len(messages) - len(gone) - _head(messages))
        assert messages == [*kept[:head], *gone, *kept[head:]]


def _head(messages: list[dict[str, Any]]) -> int:
    count = 0
    while count < len(messages) and messages[count]["role"] == "system":
        count += 1
    return count


@given(conversations)
def test_without_repetition_nothing_changes(messages: list[dict[str, Any]]) -> None:
    assert without_repeated(messages) == (messages, 0)


def _conversation(turns: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [{"role": "system", "content": "Be brief."}]
    for number in range(turns):
        found.append({"role": "user", "content": f"{number:03} " + "x" * 96})
        found.append({"role": "assistant", "content": "y" * 100})
    return found


def test_cuts_stay_while_a_conversation_goes_on() -> None:
    beginnings = []
    for turns in range(1, 40):
        head, pieces, rest = summary_cuts(_conversation(turns), 2_000, 0)
        assert head == _conversation(0)
        assert [*head, *(one for piece in pieces for one in piece), *rest] == _conversation(turns)
        assert chars_of([*head, *rest]) <= 2_000
        beginnings.append(pieces)
    for before, after in pairwise(beginnings):
        assert after[: len(before)] == before
    assert len(beginnings[-1]) < 10


def test_the_newest_turn_stays_however_long_it_is() -> None:
    messages = [*_conversation(2), {"role": "user", "content": "z" * 5_000}]
    _, pieces, rest = summary_cuts(messages, 2_000, 0)
    assert rest == messages[-1:]
    assert len(pieces) == 1


def test_a_transcript_has_the_words_alone() -> None:
    messages = [
        {"role": "user", "content": [{"type": "text", "text": "Look."}, {"type": "image_url"}]},
        {"role": "assistant", "content": None, "tool_calls": []},
        {"role": "tool", "content": "Found."},
    ]
    assert transcript(messages) == "user: Look.\ntool: Found."
