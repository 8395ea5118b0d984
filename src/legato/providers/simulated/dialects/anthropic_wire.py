"""Anthropic's request shapes, as far as they change the answer, and how they become a question."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from legato.providers.simulated.answers import Question, Tool
from legato.providers.simulated.dialects.parsing import Content, Prompt, decoded
from legato.providers.simulated.refusal import Refusal


class Message(msgspec.Struct):
    """One message; blocks of its content stay as decoded."""

    role: str
    content: Content


class ToolOffer(msgspec.Struct):
    """A tool on offer."""

    name: str
    input_schema: Any = None
    description: str | None = None


class CountRequest(msgspec.Struct):
    """A request to count tokens: a message request without its length."""

    model: str
    messages: Annotated[list[Message], Meta(min_length=1)]
    system: Content = None
    tools: list[ToolOffer] | None = None


class MessagesRequest(CountRequest, kw_only=True):
    """A message request; fields that change nothing here are not read."""

    max_tokens: Annotated[int, Meta(ge=1)]
    stream: bool | None = None
    stop_sequences: list[str] | None = None
    tool_choice: dict[str, Any] | None = None
    thinking: dict[str, Any] | None = None
    output_config: dict[str, Any] | None = None
    output_format: dict[str, Any] | None = None  # its older place


_MESSAGES = msgspec.json.Decoder(MessagesRequest)
_COUNT = msgspec.json.Decoder(CountRequest)


def messages_question(body: bytes) -> Question:
    """Parse a message request.

    Raises:
        Refusal: 400, not a valid request.
    """
    request = decoded(body, _MESSAGES)
    prompt = Prompt(request.model)
    last_user_text, follows_tool_result = _count(request, prompt)
    schema = _schema(request)
    if schema is not None:
        prompt.structure(schema)
    tools = tuple(Tool(tool.name, tool.input_schema) for tool in request.tools or ())
    mode, forced = _tool_choice(request.tool_choice, tools)
    return Question(
        model=request.model,
        stream=bool(request.stream),
        fingerprint=prompt.fingerprint(),
        prompt_tokens=prompt.tokens,
        last_user_text=last_user_text,
        said=tuple(prompt.said),
        follows_tool_result=follows_tool_result,
        output_tokens_max=request.max_tokens,
        stop=tuple(request.stop_sequences or ()),
        tools=tools,
        tool_mode=mode,
        forced_tool=forced,
        schema=schema,
        thinks_aloud=(request.thinking or {}).get("type") in {"enabled", "adaptive"},
    )


def counted_tokens(body: bytes) -> int:
    """The prompt tokens of a counting request, equal to those billed for the same message request.

    Raises:
        Refusal: 400, not a valid request.
    """
    request = decoded(body, _COUNT)
    prompt = Prompt(request.model)
    _count(request, prompt)
    return prompt.tokens


def _count(request: CountRequest, prompt: Prompt) -> tuple[str, bool]:
    if request.system is not None:
        prompt.message("system", request.system)
    last_user_text = ""
    for message in request.messages:
        text = prompt.message(message.role, message.content)
        if message.role == "user":
            last_user_text = text
    if request.tools:
        prompt.structure(request.tools)
    blocks = request.messages[-1].content
    results = isinstance(blocks, list) and any(b.get("type") == "tool_result" for b in blocks)
    return last_user_text, results


def _tool_choice(choice: dict[str, Any] | None, tools: tuple[Tool, ...]) -> tuple[Any, str | None]:
    match (choice or {}).get("type", "auto"):
        case "auto" | "none" as mode:
            return mode, None
        case "any":
            return "required", None
        case "tool" if choice and choice.get("name") in {tool.name for tool in tools}:
            return "required", choice["name"]
        case _:
            raise Refusal(400, "tool_choice: names no tool of this request.")


def _schema(request: MessagesRequest) -> Any:
    output_format = (request.output_config or {}).get("format") or request.output_format
    if not isinstance(output_format, dict) or output_format.get("type") != "json_schema":
        return None
    return output_format.get("schema")
