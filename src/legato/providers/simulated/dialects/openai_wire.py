"""OpenAI's request shapes, as far as they change the answer, and how they become a question."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from legato.providers.simulated.answers import Question, Tool
from legato.providers.simulated.dialects.parsing import Content, Prompt, decoded
from legato.providers.simulated.refusal import Refusal

INPUTS_MAX = 2_048
ANY_OBJECT = {
    "type": "object",
    "properties": {"answer": {"type": "string"}},
    "required": ["answer"],
}

TokensMax = Annotated[int, Meta(ge=1)] | None


class Message(msgspec.Struct):
    """One message; parts of its content stay as decoded."""

    role: str
    content: Content = None
    tool_calls: list[dict[str, Any]] | None = None


class Function(msgspec.Struct):
    """A function on offer."""

    name: str
    parameters: Any = None
    description: str | None = None


class FunctionTool(msgspec.Struct):
    """A tool on offer; kinds other than functions have none."""

    type: str = "function"
    function: Function | None = None


class StreamOptions(msgspec.Struct):
    """What else a stream shall carry."""

    include_usage: bool | None = None


class ChatRequest(msgspec.Struct):
    """A chat completion request; fields that change nothing here are not read."""

    model: str
    messages: Annotated[list[Message], Meta(min_length=1)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: Annotated[int, Meta(ge=1, le=128)] | None = None
    max_tokens: TokensMax = None
    max_completion_tokens: TokensMax = None
    stop: str | list[str] | None = None
    seed: int | None = None
    tools: list[FunctionTool] | None = None
    tool_choice: str | dict[str, Any] | None = None
    response_format: dict[str, Any] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None


class EmbeddingRequest(msgspec.Struct):
    """An embeddings request. Inputs are texts or lists of token numbers."""

    model: str
    input: str | list[Any]
    dimensions: Annotated[int, Meta(ge=1, le=8192)] | None = None
    encoding_format: str | None = None


_CHAT = msgspec.json.Decoder(ChatRequest)
_EMBEDDING = msgspec.json.Decoder(EmbeddingRequest)


def chat_question(body: bytes) -> Question:
    """Parse a chat completion request.

    Raises:
        Refusal: 400, not a valid request.
    """
    request = decoded(body, _CHAT)
    prompt = Prompt(request.model)
    last_user_text = _count_messages(request, prompt)
    tools = _tools(request)
    if tools:
        prompt.structure(request.tools)
    schema = _schema(request.response_format)
    if schema is not None:
        prompt.structure(schema)
    if request.seed is not None:
        prompt.salt(request.seed)
    mode, forced = _tool_choice(request.tool_choice, tools)
    stop = request.stop or ()
    options = request.stream_options
    return Question(
        model=request.model,
        stream=bool(request.stream),
        reports_usage=bool(options and options.include_usage),
        fingerprint=prompt.fingerprint(),
        prompt_tokens=prompt.tokens,
        last_user_text=last_user_text,
        said=tuple(prompt.said),
        follows_tool_result=request.messages[-1].role in {"tool", "function"},
        output_tokens_max=request.max_completion_tokens or request.max_tokens,
        choices=request.n or 1,
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
        tools=tools,
        tool_mode=mode,
        forced_tool=forced,
        schema=schema,
        top_logprobs=(request.top_logprobs or 0) if request.logprobs else None,
    )


def embedding_request(body: bytes) -> tuple[EmbeddingRequest, list[str], int]:
    """Parse an embeddings request: itself, its inputs as texts, and their tokens.

    Raises:
        Refusal: 400, not a valid request.
    """
    request = decoded(body, _EMBEDDING)
    inputs = request.input if isinstance(request.input, list) else [request.input]
    if inputs and isinstance(inputs[0], int):
        inputs = [inputs]
    if not 1 <= len(inputs) <= INPUTS_MAX:
        raise Refusal(400, f"input must hold 1 to {INPUTS_MAX} items.", param="input")
    prompt = Prompt(request.model)
    texts = [_input_text(item, prompt) for item in inputs]
    return request, texts, prompt.tokens


def _input_text(item: Any, prompt: Prompt) -> str:
    if isinstance(item, str):
        return prompt.text(item)
    if isinstance(item, list) and all(type(number) is int for number in item):
        prompt.tokens += len(item)
        return repr(item)
    raise Refusal(400, "input must be text or a list of token numbers.", param="input")


def _count_messages(request: ChatRequest, prompt: Prompt) -> str:
    last_user_text = ""
    for message in request.messages:
        text = prompt.message(message.role, message.content)
        if message.tool_calls:
            prompt.structure(message.tool_calls)
        if message.role == "user":
            last_user_text = text
    return last_user_text


def _tools(request: ChatRequest) -> tuple[Tool, ...]:
    functions = [tool.function for tool in request.tools or () if tool.function is not None]
    return tuple(Tool(function.name, function.parameters) for function in functions)


def _tool_choice(choice: Any, tools: tuple[Tool, ...]) -> tuple[Any, str | None]:
    if isinstance(choice, dict):
        function = choice.get("function")
        name = function.get("name") if isinstance(function, dict) else None
        if name not in {tool.name for tool in tools}:
            raise Refusal(400, "tool_choice names no tool of this request.", param="tool_choice")
        return "required", name
    if choice not in {None, "auto", "none", "required"}:
        raise Refusal(400, "tool_choice must be auto, none or required.", param="tool_choice")
    return choice or "auto", None


def _schema(response_format: dict[str, Any] | None) -> Any:
    kind = (response_format or {}).get("type")
    if response_format is None or kind == "text":
        return None
    if kind == "json_object":
        return ANY_OBJECT
    wrapper = response_format.get("json_schema")
    if kind != "json_schema" or not isinstance(wrapper, dict):
        raise Refusal(400, "Unknown response_format.", param="response_format")
    return wrapper.get("schema", ANY_OBJECT)
