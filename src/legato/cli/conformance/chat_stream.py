"""Chat completions, streamed."""

import unicodedata
from collections import Counter
from typing import Any

from legato.cli.conformance.chat import FINISH_REASONS, TOOL, sums, trip
from legato.cli.conformance.check import Check
from legato.cli.conformance.events import Event
from legato.cli.conformance.findings import Skipped, at, count_at, list_at, need, text_at
from legato.cli.conformance.subject import CHAT, Subject, streamed

_DONE = "[DONE]"
_WITH_USAGE = {"include_usage": True}
_LETTERS_TRIES = 4


def shape(subject: Subject) -> None:
    """Chunks of one id, one model, one object, that start with the assistant's role."""
    chunks = chunks_of(subject.chat_stream())
    for field in ("id", "model", "object"):
        values = {text_at(chunk, field) for chunk in chunks}
        need(len(values) == 1, f"{field} differs between chunks: {sorted(values)}")
    kind = at(chunks[0], "object")
    need(kind == "chat.completion.chunk", f"object is {kind!r}")
    role = at(chunks[0], "choices", 0, "delta").get("role")
    need(role == "assistant", f"the first delta's role is {role!r}")
    need(text_of(chunks), "the stream has no text")


def one_done(subject: Subject) -> None:
    """Exactly one [DONE], the very last."""
    events = subject.chat_stream()
    count = sum(event.data == _DONE for event in events)
    need(count == 1, f"[DONE] comes {count} times")
    need(events[-1].data == _DONE, "[DONE] is not the last event")


def finish_reasons(subject: Subject) -> None:
    """Null until the end, never empty, one for the choice."""
    one_finish_each(chunks_of(subject.chat_stream()), 1)


def several(subject: Subject) -> None:
    """With n, one finish reason for every choice."""
    chunks = chunks_of(subject.chat_stream(n=2))
    one_finish_each(chunks, 2)
    for index in range(2):
        need(text_of(chunks, index), f"choice {index} has no text")


def usage_unasked(subject: Subject) -> None:
    """Clients that read choices[0] of every chunk don't stumble."""
    for chunk in chunks_of(subject.chat_stream()):
        need(list_at(chunk, "choices"), "a chunk without choices, though no usage was asked for")
        need(chunk.get("usage") is None, "usage, though none was asked for")


def usage_asked(subject: Subject) -> None:
    """One chunk with usage and no choices, after the finish."""
    chunks = chunks_of(subject.chat_stream(stream_options=_WITH_USAGE))
    told = [chunk for chunk in chunks if chunk.get("usage") is not None]
    need(len(told) == 1, f"usage was asked for once and comes {len(told)} times")
    need(told[0] is chunks[-1], "the chunk with usage is not the last before [DONE]")
    need(list_at(told[0], "choices") == [], "the chunk with usage has choices")
    sums(told[0]["usage"])
    for chunk in chunks[:-1]:
        need(list_at(chunk, "choices"), "another chunk without choices than the one with usage")


def same_usage(subject: Subject) -> None:
    """A stream counts the same prompt as a whole answer."""
    question = subject.question()
    whole = count_at(subject.chat(question), "usage", "prompt_tokens")
    chunks = chunks_of(subject.chat_stream(question, stream_options=_WITH_USAGE))
    count = count_at(chunks[-1], "usage", "prompt_tokens")
    need(whole == count, f"prompt_tokens is {whole} whole, {count} streamed")


def tool_calls(subject: Subject) -> None:
    """Deltas carry their index; the first of each has id and name; arguments join to JSON."""
    question = subject.question("What is the weather in Ghent for 3 days?")
    chunks = chunks_of(subject.chat_stream(question, tools=[TOOL], tool_choice="required"))
    calls: dict[int, dict[str, str]] = {}
    for delta in deltas(chunks):
        pieces = delta.get("tool_calls")
        need(pieces is None or pieces, "a delta has an empty list of tool_calls")
        for piece in pieces or ():
            _add(calls, piece)
    need(calls, "no tool call in the stream")
    for call in calls.values():
        need(call["name"] == "look_up", f"the tool called is {call['name']!r}")
        trip(call["arguments"])
    reason = one_finish_each(chunks, 1)
    need(reason == {"tool_calls"}, f"finish_reason is {sorted(reason)}, not 'tool_calls'")


def _add(calls: dict[int, dict[str, str]], piece: Any) -> None:
    index = count_at(piece, "index")
    function = at(piece, "function")
    if index not in calls:
        need(index == len(calls), f"tool call {index} comes before {len(calls)}")
        name = text_at(function, "name")
        calls[index] = {"id": text_at(piece, "id"), "name": name, "arguments": ""}
    calls[index]["arguments"] += function.get("arguments") or ""


def letters(subject: Subject) -> None:
    """Characters of several bytes arrive whole, however the packets fell."""
    for _ in range(_LETTERS_TRIES):
        asked = subject.question("Repeat: naïve café, façade, Ωmega, 河川, 🛶.")
        text = text_of(chunks_of(subject.chat_stream(asked)))
        if any(ord(letter) >= 128 for letter in text):  # noqa: PLR2004 - the end of ASCII
            broken = [letter for letter in text if unicodedata.category(letter) == "Cs"]
            need(not broken, "half of a surrogate pair in the text")
            return
    raise Skipped("the model used no letter outside ASCII")


def again(subject: Subject) -> None:
    """The same stream again is as well-formed as before, a cache or not."""
    body = subject.chat_body(stream=True, stream_options=_WITH_USAGE)
    for answer in (subject.post(CHAT, body), subject.post(CHAT, body)):
        chunks = chunks_of(streamed(answer))
        one_finish_each(chunks, 1)
        need(text_of(chunks), "the stream has no text")
        need(sum(chunk.get("usage") is not None for chunk in chunks) == 1, "not one usage chunk")


def refused(subject: Subject) -> None:
    """What is refused before the first content is an HTTP error, not an event."""
    body = subject.chat_body(stream=True, messages="hello")
    answer = subject.post(CHAT, body)
    need(answer.status in {400, 422}, f"messages that are a text are answered {answer.status}")


def chunks_of(events: list[Event]) -> list[Any]:
    """Return the decoded chunks; one that is an error ends the check. Raises Unfulfilled."""
    chunks = [event.json for event in events if event.data != _DONE]
    for chunk in chunks:
        need(isinstance(chunk, dict), f"a chunk is {chunk!r}")
        need("error" not in chunk, f"the stream failed: {chunk.get('error')}")
    need(chunks, "the stream has no chunk")
    return chunks


def deltas(chunks: list[Any], index: int = 0) -> list[dict[str, Any]]:
    """Return a choice's deltas. Raises Unfulfilled."""
    return [
        at(choice, "delta")
        for chunk in chunks
        for choice in list_at(chunk, "choices")
        if count_at(choice, "index") == index
    ]


def text_of(chunks: list[Any], index: int = 0) -> str:
    """Return a choice's text. Raises Unfulfilled."""
    return "".join(delta.get("content") or "" for delta in deltas(chunks, index))


def one_finish_each(chunks: list[Any], choices: int) -> set[str]:
    """Return the reasons. Raises Unfulfilled unless each choice has one, null before its end."""
    found: Counter[int] = Counter()
    reasons = set()
    for chunk in chunks:
        for choice in list_at(chunk, "choices"):
            index, reason = count_at(choice, "index"), choice.get("finish_reason")
            content = at(choice, "delta").get("content")
            need(not (found[index] and content), f"choice {index} goes on after its end")
            need(reason is None or reason in FINISH_REASONS, f"a finish_reason is {reason!r}")
            if reason is not None:
                found[index] += 1
                reasons.add(reason)
    need(found == dict.fromkeys(range(choices), 1), f"finish reasons by choice: {dict(found)}")
    return reasons


CHECKS = (
    Check("chat.stream.shape", shape, "id, model and object are the same on every chunk"),
    Check("chat.stream.done", one_done, "exactly one [DONE], and it is last"),
    Check("chat.stream.finish", finish_reasons, "finish_reason: null to the end, never '', one"),
    Check("chat.stream.n", several, "n choices stream with exactly one finish_reason each"),
    Check("chat.stream.usage-unasked", usage_unasked, "no usage chunk unless it is asked for"),
    Check("chat.stream.usage", usage_asked, "include_usage: one chunk, no choices, after the end"),
    Check(
        "chat.stream.same-usage", same_usage, "a stream counts the prompt as a whole answer does"
    ),
    Check("chat.stream.tools", tool_calls, "tool-call deltas carry index, id and name, never []"),
    Check("chat.stream.utf-8", letters, "a character split over packets arrives whole"),
    Check("chat.stream.again", again, "the same stream again is as well-formed (cached or not)"),
    Check("chat.stream.refused", refused, "a refusal before the first content is an HTTP error"),
)
