import msgspec
from hypothesis import given
from hypothesis import strategies as st

from legato.providers.simulated.answers import Question, Tool, answer
from legato.providers.simulated.settings import Behaviour

QUESTION = Question(model="m", fingerprint=b"f" * 32, prompt_tokens=100)
TOOL = Tool("look", {"type": "object", "properties": {"city": {"type": "string"}}})


def asked(**changes: object) -> Question:
    return msgspec.structs.replace(QUESTION, **changes)


def test_the_same_question_gets_the_same_answer() -> None:
    assert answer(QUESTION, Behaviour()) == answer(QUESTION, Behaviour())
    assert answer(asked(fingerprint=b"g" * 32), Behaviour()) != answer(QUESTION, Behaviour())


SHARES = st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))


@given(
    st.integers(1, 200),
    st.one_of(st.none(), st.integers(1, 300)),
    SHARES,
    st.integers(1, 4),
)
def test_usage_parts_never_exceed_their_whole(
    wanted: int, most: int | None, shares: tuple[float, float, float], choices: int
) -> None:
    cached, written, reasoned = shares
    behaviour = Behaviour(
        output_tokens=wanted,
        cached_share=cached,
        cache_write_share=written,
        reasoning_share=reasoned,
    )
    composed = answer(asked(output_tokens_max=most, choices=choices), behaviour)
    usage = composed.usage
    assert usage.completion == choices * min(wanted, most or wanted)
    assert usage.reasoning <= usage.completion
    assert usage.cached + usage.cache_write <= usage.prompt == 100
    cut_short = most is not None and most < wanted
    assert all(choice.finish == ("length" if cut_short else "stop") for choice in composed.choices)


def test_choices_differ() -> None:
    one, two = answer(asked(choices=2), Behaviour()).choices
    assert one.pieces != two.pieces


def test_a_stop_sequence_ends_the_answer_before_it() -> None:
    whole = "".join(answer(QUESTION, Behaviour(output_tokens=40)).choices[0].pieces)
    stop = whole[30:36]
    choice = answer(asked(stop=("never", stop)), Behaviour(output_tokens=40)).choices[0]
    assert "".join(choice.pieces) == whole[: whole.index(stop)]
    assert (choice.finish, choice.stop_sequence) == ("stop", stop)


def test_tools_are_called_when_required_named_or_marked() -> None:
    behaviour = Behaviour()
    other = Tool("other")
    marked = asked(tools=(TOOL,), last_user_text="please [call-tool]")
    assert answer(asked(tools=(TOOL,)), behaviour).choices[0].finish == "stop"
    for question in (
        marked,
        asked(tools=(TOOL,), tool_mode="required"),
        asked(tools=(other, TOOL), tool_mode="required", forced_tool="look"),
    ):
        choice = answer(question, behaviour).choices[0]
        assert choice.finish == "tool_calls"
        assert [call.name for call in choice.tool_calls] == ["look"]
        arguments = msgspec.json.decode("".join(choice.tool_calls[0].pieces))
        assert isinstance(arguments["city"], str)
    after = msgspec.structs.replace(marked, follows_tool_result=True)
    assert answer(after, behaviour).choices[0].finish == "stop"
    none = msgspec.structs.replace(marked, tool_mode="none")
    assert answer(none, behaviour).choices[0].finish == "stop"


def test_several_tools_at_once() -> None:
    question = asked(tools=(TOOL, Tool("other")), tool_mode="required")
    choice = answer(question, Behaviour(tool_calls=2)).choices[0]
    assert [call.name for call in choice.tool_calls] == ["look", "other"]
    assert len({call.identity for call in choice.tool_calls}) == 2


def test_structured_answers_are_instances_unless_cut_short() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
    choice = answer(asked(schema=schema), Behaviour()).choices[0]
    assert isinstance(msgspec.json.decode("".join(choice.pieces))["n"], int)
    short = answer(asked(schema=schema, output_tokens_max=1), Behaviour()).choices[0]
    assert (short.finish, len(short.pieces)) == ("length", 1)


def test_reasoning_is_shown_only_when_asked_for() -> None:
    behaviour = Behaviour(output_tokens=20, reasoning_share=0.5)
    hidden = answer(QUESTION, behaviour).choices[0]
    shown = answer(asked(thinks_aloud=True), behaviour).choices[0]
    assert (hidden.hidden_reasoning, len(hidden.pieces), hidden.thinking) == (10, 10, [])
    assert (shown.hidden_reasoning, len(shown.pieces), len(shown.thinking)) == (0, 10, 10)
