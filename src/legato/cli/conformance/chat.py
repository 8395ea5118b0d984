"""Chat completions, whole."""

import json
from typing import Any

from legato.cli.conformance.check import Check
from legato.cli.conformance.findings import (
    Skipped,
    Unfulfilled,
    at,
    count_at,
    list_at,
    need,
    text_at,
)
from legato.cli.conformance.subject import CHAT, Subject, good

FINISH_REASONS = frozenset({"stop", "length", "tool_calls", "content_filter", "function_call"})
CITY: Any = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
TOOL: Any = {
    "type": "function",
    "function": {"name": "look_up", "description": "Looks weather up.", "parameters": CITY},
}
_STOP_WORD_AT = 3


def shape(subject: Subject) -> None:
    """An object of the documented shape, with one finished choice."""
    answer = subject.chat()
    text_at(answer, "id")
    kind = at(answer, "object")
    need(kind == "chat.completion", f"object is {kind!r}")
    count_at(answer, "created")
    text_at(answer, "model")
    need(len(list_at(answer, "choices")) == 1, "there is not one choice")
    role = at(answer, "choices", 0, "message", "role")
    need(role == "assistant", f"the message's role is {role!r}")
    text_at(answer, "choices", 0, "message", "content")
    finished(answer, 0)


def usage(subject: Subject) -> None:
    """Counts that add up."""
    sums(at(subject.chat(), "usage"))


def bound(subject: Subject) -> None:
    """An answer cut off by the caller's bound says so."""
    answer = subject.chat(None, **{subject.bound_field: 1})
    reason = finished(answer, 0)
    need(reason == "length", f"bounded by one token, finish_reason is {reason!r}")


def several(subject: Subject) -> None:
    """Every one of n choices, by its index, finished."""
    choices = list_at(subject.chat(n=2), "choices")
    indices = sorted(count_at(choice, "index") for choice in choices)
    need(indices == [0, 1], f"n is 2, the choices' indices are {indices}")
    for choice in choices:
        text_at(choice, "message", "content")
        text_at(choice, "finish_reason")


def stop(subject: Subject) -> None:
    """The answer ends before a stop sequence."""
    question = subject.question()
    text = text_at(subject.chat(question, temperature=0), "choices", 0, "message", "content")
    words = text.split()
    if len(words) <= _STOP_WORD_AT:
        raise Skipped(f"the answer is too short to be stopped: {text!r}")
    word = words[_STOP_WORD_AT]
    answer = subject.chat(question, temperature=0, stop=[word])
    content = at(answer, "choices", 0, "message", "content") or ""
    need(word not in content, f"stopped at {word!r}, the answer is {content!r}")
    finished(answer, 0)


def repeated_message(subject: Subject) -> None:
    """A message said twice is two messages."""
    question = subject.question()
    message = {"role": "user", "content": question}
    once = subject.chat(question, messages=[message])
    twice = subject.chat(question, messages=[message, message])
    counts = [count_at(answer, "usage", "prompt_tokens") for answer in (once, twice)]
    need(counts[1] > counts[0], f"prompt_tokens for once and twice are {counts}")


def asked_again(subject: Subject) -> None:
    """The same request again is answered as well-formed as before, a cache or not."""
    body = subject.chat_body()
    for answer in (good(subject.post(CHAT, body)), good(subject.post(CHAT, body))):
        text_at(answer, "choices", 0, "message", "content")
        finished(answer, 0)
        sums(at(answer, "usage"))


def roles(subject: Subject) -> None:
    """A system message, content in parts, and a turn of the assistant's."""
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": subject.question()}]},
        {"role": "assistant", "content": "Rivers flow."},
        {"role": "user", "content": "Go on."},
    ]
    text_at(subject.chat(messages=messages), "choices", 0, "message", "content")


def structured(subject: Subject) -> None:
    """The content is an instance of the schema."""
    wanted = {
        "type": "json_schema",
        "json_schema": {"name": "trip", "strict": True, "schema": CITY},
    }
    question = subject.question("Name a city and a number of days, as JSON.")
    answer = subject.chat(question, response_format=wanted)
    trip(text_at(answer, "choices", 0, "message", "content"))


def json_object(subject: Subject) -> None:
    """The content is a JSON object."""
    question = subject.question("Name a city, as a JSON object.")
    answer = subject.chat(question, response_format={"type": "json_object"})
    decoded(text_at(answer, "choices", 0, "message", "content"))


def tool_round_trip(subject: Subject) -> None:
    """A tool is called with an id and JSON arguments; its result is taken and answered."""
    question = subject.question("What is the weather in Ghent for 3 days?")
    asking = {"tools": [TOOL], "tool_choice": "required"}
    first = subject.chat(question, **asking)
    reason = finished(first, 0)
    need(reason == "tool_calls", f"finish_reason is {reason!r}, not 'tool_calls'")
    message = at(first, "choices", 0, "message")
    calls = list_at(message, "tool_calls")
    need(calls, "tool_calls is empty")
    results = []
    for call in calls:
        need(at(call, "type") == "function", "a tool call's type is not 'function'")
        need(at(call, "function", "name") == "look_up", "the tool called is not the one offered")
        trip(text_at(call, "function", "arguments"))
        result = {"role": "tool", "tool_call_id": text_at(call, "id"), "content": "Sunny."}
        results.append(result)
    messages = [{"role": "user", "content": question}, message, *results]
    second = subject.chat(messages=messages, tools=[TOOL], tool_choice="none")
    text_at(second, "choices", 0, "message", "content")


def finished(answer: Any, choice: int) -> str:
    """Return a choice's finish reason. Raises Unfulfilled where it is none of the documented."""
    reason = at(answer, "choices", choice, "finish_reason")
    need(reason in FINISH_REASONS, f"finish_reason is {reason!r}")
    return str(reason)


def sums(counts: Any) -> None:
    """Raises Unfulfilled where the parts of usage don't make its total."""
    prompt, completion = count_at(counts, "prompt_tokens"), count_at(counts, "completion_tokens")
    total = count_at(counts, "total_tokens")
    need(prompt > 0, "prompt_tokens is 0")
    need(prompt + completion == total, f"{prompt} + {completion} tokens are said to be {total}")


def decoded(text: str) -> Any:
    """Return the object that a text is. Raises Unfulfilled."""
    try:
        found = json.loads(text)
    except ValueError:
        raise Unfulfilled(f"{text!r} is not JSON") from None
    need(isinstance(found, dict), f"{text!r} is not an object")
    return found


def trip(text: str) -> None:
    """Raises Unfulfilled where a text is no instance of CITY."""
    found = decoded(text)
    need(set(found) == {"city", "days"}, f"{text!r} has not exactly the schema's properties")
    need(isinstance(at(found, "city"), str), f"city in {text!r} is not a text")
    days = at(found, "days")
    need(isinstance(days, int) and not isinstance(days, bool), f"days in {text!r} is no integer")


CHECKS = (
    Check("chat.shape", shape, "a whole answer has the documented shape, one finished choice"),
    Check("chat.usage", usage, "usage's parts are counts and sum to the total"),
    Check("chat.bound", bound, "an answer cut by max_tokens finishes with 'length'"),
    Check("chat.n", several, "n choices come with their indices, each finished"),
    Check("chat.stop", stop, "an answer ends before a stop sequence"),
    Check("chat.roles", roles, "system messages, content in parts and earlier turns are taken"),
    Check("chat.repeated-message", repeated_message, "a message said twice is not merged"),
    Check("chat.again", asked_again, "the same request again is as well-formed (cached or not)"),
    Check("chat.json-schema", structured, "structured output is an instance of its schema"),
    Check("chat.json-object", json_object, "JSON mode answers with an object"),
    Check(
        "chat.tools", tool_round_trip, "tool calls have ids and JSON arguments; results are taken"
    ),
)
