"""What is answered to a question: the same question and settings give the same answer."""

import hashlib
from typing import Any, Literal

import msgspec

from legato.providers.simulated.instances import instance_of
from legato.providers.simulated.script import Said, Scripted, scripted
from legato.providers.simulated.settings import Behaviour
from legato.providers.simulated.usage import Usage, billed
from legato.providers.simulated.words import words

PIECE_CHARACTERS = 4  # JSON is cut into pieces of so many characters, one token each

FinishReason = Literal["stop", "length", "tool_calls"]


class Tool(msgspec.Struct, frozen=True):
    """A tool the caller offers, with the JSON schema of its arguments."""

    name: str
    schema: Any = None


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """A call, said in neither vendor's words."""

    model: str
    stream: bool = False
    reports_usage: bool = True  # in a stream; a whole answer always does
    fingerprint: bytes  # of everything that may change the answer
    prompt_tokens: int
    last_user_text: str = ""
    said: tuple[Said, ...] = ()
    follows_tool_result: bool = False
    output_tokens_max: int | None = None
    choices: int = 1
    stop: tuple[str, ...] = ()
    tools: tuple[Tool, ...] = ()
    tool_mode: Literal["auto", "none", "required"] = "auto"
    forced_tool: str | None = None
    schema: Any = None  # the answer is an instance of it
    thinks_aloud: bool = False  # reasoning is shown, as Anthropic does when asked
    top_logprobs: int | None = None


class ToolCall(msgspec.Struct, frozen=True):
    """One call of a tool; the pieces concatenate to the JSON of its arguments, a token each."""

    identity: str
    name: str
    pieces: list[str]


class Choice(msgspec.Struct, frozen=True):
    """One answer of possibly several. Every piece of any kind, and each tool's name, is a token."""

    pieces: list[str]
    finish: FinishReason
    tool_calls: tuple[ToolCall, ...] = ()
    stop_sequence: str | None = None
    thinking: list[str] = []
    hidden_reasoning: int = 0

    @property
    def reasoning(self) -> int:
        """Tokens of reasoning, shown or not."""
        return self.hidden_reasoning + len(self.thinking)

    @property
    def tokens(self) -> int:
        """All tokens of this choice."""
        called = sum(1 + len(call.pieces) for call in self.tool_calls)
        return self.reasoning + len(self.pieces) + called


class Answer(msgspec.Struct, frozen=True):
    """The whole answer and what it is billed when it arrives whole."""

    choices: list[Choice]
    usage: Usage


def answer(question: Question, behaviour: Behaviour) -> Answer:
    """Compose the answer.

    Raises:
        Refusal: 400, a schema can't be met.
    """
    choices = [_choice(question, behaviour, index) for index in range(question.choices)]
    completion = sum(choice.tokens for choice in choices)
    reasoning = sum(choice.hidden_reasoning for choice in choices)
    return Answer(choices, billed(behaviour, question.prompt_tokens, completion, reasoning))


def _choice(question: Question, behaviour: Behaviour, index: int) -> Choice:
    seed = hashlib.blake2b(question.fingerprint + bytes((index,)), digest_size=32).digest()
    if behaviour.script and (said := scripted(behaviour.script, question.said)):
        return _scripted_choice(question, said, seed)
    called = _called_tools(question, behaviour)
    if called:
        return _tool_choice(question, called, seed)
    if question.schema is not None:
        text = msgspec.json.encode(instance_of(question.schema, seed)).decode()
        return _stopped(question, Choice(*_capped(_pieces(text), question.output_tokens_max)))
    return _stopped(question, _prose(question, behaviour, seed))


def _scripted_choice(question: Question, said: Scripted, seed: bytes) -> Choice:
    if not said.calls:
        return _stopped(question, Choice(*_capped(_pieces(said.text), question.output_tokens_max)))
    calls = [
        ToolCall((seed[:10] + bytes((place,))).hex(), tool, _pieces(arguments))
        for place, (tool, arguments) in enumerate(said.calls)
    ]
    return Choice([], "tool_calls", tuple(calls))


def _prose(question: Question, behaviour: Behaviour, seed: bytes) -> Choice:
    wanted = behaviour.output_tokens
    if wanted is None:
        span = behaviour.output_tokens_max - behaviour.output_tokens_min + 1
        wanted = behaviour.output_tokens_min + int.from_bytes(seed[:4]) % span
    most = question.output_tokens_max
    total = wanted if most is None else min(wanted, most)
    reasoning = int(total * behaviour.reasoning_share)
    finish: FinishReason = "stop" if total == wanted else "length"
    pieces = words(seed, wanted - reasoning)[: total - reasoning]
    if question.thinks_aloud:
        return Choice(pieces, finish, thinking=words(seed + b"thinking", reasoning))
    return Choice(pieces, finish, hidden_reasoning=reasoning)


def _stopped(question: Question, choice: Choice) -> Choice:
    """The choice ended before the first of the caller's stop sequences it contains."""
    if not question.stop:
        return choice
    text = "".join(choice.pieces)
    found = [(text.find(stop), stop) for stop in question.stop if stop and stop in text]
    if not found:
        return choice
    end, stop = min(found)
    return msgspec.structs.replace(
        choice, pieces=_until(choice.pieces, end), finish="stop", stop_sequence=stop
    )


def _until(pieces: list[str], end: int) -> list[str]:
    kept: list[str] = []
    for piece in pieces:
        if end <= 0:
            break
        kept.append(piece[:end])
        end -= len(piece)
    return kept


def _called_tools(question: Question, behaviour: Behaviour) -> tuple[Tool, ...]:
    tools = question.tools
    if not tools or question.tool_mode == "none":
        return ()
    if question.forced_tool is not None:
        return tuple(tool for tool in tools if tool.name == question.forced_tool)[:1]
    if question.tool_mode == "required":
        return tools[: behaviour.tool_calls]
    marker = behaviour.tool_call_marker
    asked = marker is not None and marker in question.last_user_text
    return tools[: behaviour.tool_calls] if asked and not question.follows_tool_result else ()


def _tool_choice(question: Question, tools: tuple[Tool, ...], seed: bytes) -> Choice:
    calls: list[ToolCall] = []
    left = question.output_tokens_max
    for position, tool in enumerate(tools):
        own = hashlib.blake2b(seed + bytes((position,)), digest_size=32).digest()
        schema = tool.schema if isinstance(tool.schema, dict) else {"type": "object"}
        arguments = msgspec.json.encode(instance_of(schema, own)).decode()
        pieces, finish = _capped(_pieces(arguments), None if left is None else left - 1)
        calls.append(ToolCall(own[:12].hex(), tool.name, pieces))
        if finish == "length":
            return Choice([], "length", tuple(calls))
        left = None if left is None else left - 1 - len(pieces)
    return Choice([], "tool_calls", tuple(calls))


def _pieces(text: str) -> list[str]:
    return [text[at : at + PIECE_CHARACTERS] for at in range(0, len(text), PIECE_CHARACTERS)]


def _capped(pieces: list[str], most: int | None) -> tuple[list[str], FinishReason]:
    if most is None or len(pieces) <= most:
        return pieces, "stop"
    return pieces[: max(most, 0)], "length"
