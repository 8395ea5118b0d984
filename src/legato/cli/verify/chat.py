"""What a chat model is asked."""

import json
from collections.abc import Sequence
from typing import Any

from legato.api.anthropic.count_tokens import CountTokens
from legato.api.anthropic.messages import Messages
from legato.api.openai.chat import ChatCompletions
from legato.cli.conformance.findings import Skipped, Unfulfilled, at, need, text_at
from legato.cli.verify.answers import ENDS, cut, nothing, only, said, text_of
from legato.cli.verify.check import BODY_BYTES_MAX, RESULT_BYTES_MAX, TEMPLATE_TOKENS_MAX, Check
from legato.cli.verify.picture import PICTURE_TOKENS_MAX, sees
from legato.cli.verify.responses import responds
from legato.cli.verify.subject import QUESTION, NotRun, Subject
from legato.cli.verify.thoughts import thinks
from legato.core import capability
from legato.core.chat import (
    Message,
    OutputFormat,
    Role,
    StopReason,
    Text,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
    ToolUseDelta,
    ToolUseStarted,
)
from legato.core.clock import SystemClock
from legato.core.errors import ProviderRejected
from legato.core.usage import Usage
from legato.core.wire import Dialect, Operation
from legato.providers.base import Target, TokenCounter
from legato.routing.ability import OWN_KINDS

_UNKNOWN_MODEL = "legato-verify-no-such-model"
_TRIP: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city", "days"],
    "additionalProperties": False,
}
_TOOL = Tool("look_up_weather", "Looks up the weather of a city for some days.", _TRIP)
_WEATHER = "What is the weather in Ghent for the next 3 days?"
_REQUIRED = ToolChoice("required")


async def whole(subject: Subject) -> str:
    """A text that ends."""
    subject.whole = await subject.ask(subject.question())
    return said(only(subject.whole), subject.whole.model)


async def forwarded(subject: Subject) -> str:
    """The same for a caller's own body, which passes through."""
    message = [{"role": "user", "content": QUESTION}]
    body: dict[str, Any] = {"model": "verified", "messages": message}
    if subject.provider.dialect is Dialect.OPENAI:
        answer = await subject.ask_as_caller(ChatCompletions(SystemClock()), body)
        text = text_at(answer, "choices", 0, "message", "content")
    elif subject.provider.dialect is Dialect.ANTHROPIC:
        body["max_tokens"] = subject.facts.output_tokens_max
        answer = await subject.ask_as_caller(Messages(), body)
        text = text_at(answer, "content", -1, "text")
    else:
        raise Skipped("no caller speaks this dialect: all is translated")
    return f"{len(text)} characters, the body unchanged"


async def stream(subject: Subject) -> str:
    """A stream with a text and one end."""
    subject.streamed = streamed = await subject.stream(subject.question())
    reason = streamed.reason
    need(reason in ENDS, f"it ends with {reason.value!r}")
    need(streamed.text.strip(), nothing(reason))
    return f"{len(streamed.events)} events, {len(streamed.text)} characters, {reason.value}"


async def usage(subject: Subject) -> str:
    """Plausible counts in a whole answer."""
    if subject.whole is None:
        raise NotRun("there was no whole answer")
    return _plausible(subject.whole.usage, subject)


async def stream_usage(subject: Subject) -> str:
    """Plausible counts in a stream."""
    if subject.streamed is None:
        raise NotRun("there was no whole stream")
    return _plausible(subject.streamed.usage, subject)


async def tool_call(subject: Subject) -> str:
    """A call of the tool that must be called."""
    asked = subject.question(_WEATHER, tools=(_TOOL,), tool_choice=_REQUIRED)
    answer = await subject.ask(asked)
    choice = only(answer)
    calls = [part for part in choice.parts if isinstance(part, ToolUse)]
    need(calls, "it must call a tool and calls none")
    for call in calls:
        _check_call(call.id, call.name, call.arguments)
    reason = choice.stop_reason
    need(reason is StopReason.TOOL_USE, f"it calls a tool and ends with {reason.value!r}")
    subject.called = answer
    return f"{_times(calls)}, its arguments fit the schema"


async def tool_result(subject: Subject) -> str:
    """An answer to the tool's result."""
    if subject.called is None:
        raise NotRun("there was no good call to answer")
    parts = only(subject.called).parts
    calls = [part for part in parts if isinstance(part, ToolUse)]
    results = tuple(ToolResult(call.id, (Text("Sunny, 21 degrees."),)) for call in calls)
    asked = subject.question(
        tools=(_TOOL,),
        messages=(
            Message(Role.USER, (Text(_WEATHER),)),
            Message(Role.ASSISTANT, parts),
            Message(Role.USER, results),
        ),
    )
    choice = only(await subject.ask(asked))
    again = any(isinstance(part, ToolUse) for part in choice.parts)
    return "it calls the tool once more" if again else said(choice)


async def tool_stream(subject: Subject) -> str:
    """The same call, in pieces."""
    asked = subject.question(_WEATHER, tools=(_TOOL,), tool_choice=_REQUIRED)
    streamed = await subject.stream(asked)
    begun = [event for event in streamed.events if isinstance(event, ToolUseStarted)]
    need(begun, "it must call a tool and calls none")
    pieces = [event for event in streamed.events if isinstance(event, ToolUseDelta)]
    for call in begun:
        arguments = "".join(one.arguments for one in pieces if one.tool == call.tool)
        _check_call(call.id, call.name, arguments)
    reason = streamed.reason
    need(reason is StopReason.TOOL_USE, f"it calls a tool and ends with {reason.value!r}")
    return f"{_times(begun)} in {len(pieces)} pieces, its arguments fit the schema"


async def json_schema(subject: Subject) -> str:
    """An instance of a schema."""
    output = OutputFormat(_TRIP, "trip", strict=True)
    question = "Name a city and how many days to stay there, as JSON."
    choice = only(await subject.ask(subject.question(question, output_format=output)))
    need(choice.stop_reason is not StopReason.LENGTH, cut(subject))
    _check_trip(text_of(choice), "the answer")
    return "an instance of the schema"


async def unknown_model(subject: Subject) -> str:
    """A refusal of a model that isn't there, which is the caller's to see."""
    try:
        answer = await subject.ask(subject.question(), _UNKNOWN_MODEL)
    except ProviderRejected as error:
        need(error.message.strip(), f"status {error.http_status} without a message")
        code = error.wire_code or error.wire_type or "without a code"
        return f"status {error.http_status}, {code}"
    if subject.facts.kind in OWN_KINDS or answer.model not in {"", _UNKNOWN_MODEL}:
        raise Skipped("this server answers any model's name")
    raise Unfulfilled("it answers as a model that does not exist")


async def count_tokens(subject: Subject) -> str:
    """A count of what a question has."""
    message = [{"role": "user", "content": QUESTION}]
    body: dict[str, Any] = {"model": "verified", "messages": message}
    provider, target = subject.provider, Target(subject.facts.model)
    if provider.dialect is Dialect.ANTHROPIC:
        count = at(await subject.ask_as_caller(CountTokens(), body), "input_tokens")
    elif isinstance(provider, TokenCounter):
        counter: TokenCounter = provider
        received = await subject.count(
            lambda: counter.request_for_count(subject.question(), target)
        )
        count = counter.to_count(received.body)
    else:
        raise Skipped("it counts for no caller")
    fits = isinstance(count, int) and 0 < count <= BODY_BYTES_MAX + TEMPLATE_TOKENS_MAX
    need(fits, f"it counts {count!r} tokens in {len(QUESTION)} characters")
    return f"{count} tokens"


def _times(calls: Sequence[object]) -> str:
    return "called once" if len(calls) == 1 else f"called {len(calls)} times"


def _plausible(counts: Usage | None, subject: Subject) -> str:
    if counts is None:
        raise Unfulfilled("no usage is reported")
    read, written = counts.input_tokens, counts.output_tokens
    most = subject.facts.output_tokens_max
    need(read > 0 and written > 0, f"{read} tokens in and {written} out are reported")
    plausible = BODY_BYTES_MAX + TEMPLATE_TOKENS_MAX
    need(read <= plausible, f"{read} tokens in are reported for {len(QUESTION)} characters")
    need(written <= most, f"{written} tokens out are reported, {most} were allowed")
    return f"{read} tokens in, {written} out"


def _check_call(identity: str, name: str, arguments: str) -> None:
    need(identity, "a call has no id")
    need(name == _TOOL.name, f"it calls {name!r}, which was not offered")
    _check_trip(arguments, "the call")


def _check_trip(text: str, what: str) -> None:
    """Raises Unfulfilled where a text is no instance of _TRIP; its content is not repeated."""
    try:
        found = json.loads(text)
    except ValueError:
        raise Unfulfilled(f"{what} is not JSON") from None
    fits = isinstance(found, dict) and set(found) == {"city", "days"}
    fits = fits and isinstance(found["city"], str) and type(found["days"]) is int
    need(fits, f"{what} is not an instance of the schema")


_STREAM, _TOOLS, _SCHEMA = capability.STREAMING, capability.TOOLS, capability.JSON_SCHEMA
_VISION, _REASONING = capability.VISION, capability.REASONING
_RESULT = (RESULT_BYTES_MAX,)
CHECKS = (
    Check("chat", "chat", "a question is answered with text", whole),
    Check("chat.forwarded", "chat", "a caller's own body is passed on", forwarded),
    Check("stream", "stream", "a stream is whole, with one end", stream, needs=_STREAM),
    Check("usage", "usage", "an answer reports what it used", usage, bodies=(), follows="chat"),
    Check("usage.stream", "usage", "so does a stream", stream_usage, (), _STREAM, follows="stream"),
    Check("tools", "tools", "a tool is called by its schema", tool_call, needs=_TOOLS),
    Check(
        "tools.result",
        "tools",
        "its result is taken",
        tool_result,
        _RESULT,
        _TOOLS,
        follows="tools",
    ),
    Check("tools.stream", "tools", "a streamed call is whole", tool_stream, needs=_TOOLS),
    Check("json-schema", "JSON schema", "an answer fits its schema", json_schema, needs=_SCHEMA),
    Check(
        "vision",
        "vision",
        "a picture's colour is named",
        sees,
        needs=_VISION,
        picture_tokens_max=PICTURE_TOKENS_MAX,
    ),
    Check("reasoning", "reasoning", "it thinks when asked to", thinks, needs=_REASONING),
    Check("responses", "responses", "a response is given, complete", responds),
    Check("unknown-model", "errors", "an unknown model is refused", unknown_model),
    Check(
        "count-tokens",
        "token count",
        "tokens are counted ahead",
        count_tokens,
        operation=Operation.COUNT_TOKENS,
        writes=False,
        free=True,
    ),
)
