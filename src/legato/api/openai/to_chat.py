"""OpenAI's chat requests in canonical form."""

from typing import Any

from legato.api import body as check
from legato.api.openai.messages import read_messages
from legato.api.openai.validation import chat_view
from legato.api.unsupported import refuse_unknown
from legato.core.chat import ChatRequest, OutputFormat, Tool, ToolChoice

_KNOWN = frozenset(
    {
        "model",
        "messages",
        "max_tokens",
        "max_completion_tokens",
        "temperature",
        "top_p",
        "stop",
        "seed",
        "n",
        "logprobs",
        "top_logprobs",
        "presence_penalty",
        "frequency_penalty",
        "reasoning_effort",
        "verbosity",
        "modalities",
        "response_format",
        "user",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "stream",
        "stream_options",
    }
)
# Labels for the vendor's own books: they can't change an answer, so leaving them out is no loss.
_LABELS = frozenset({"metadata", "prompt_cache_key", "safety_identifier"})
# Values by which a caller asks for nothing beyond the default.
_NEUTRAL: dict[str, frozenset[Any]] = {
    "store": frozenset({False}),
    "service_tier": frozenset({"auto", "default"}),
}
_PENALTY_MAX = 2
_TOP_LOGPROBS_MAX = 20


def read_chat(body: dict[str, Any], *, drop_unsupported: bool) -> ChatRequest:
    """Translate a chat completions body.

    Raises:
        InvalidRequest: naming a field that is wrong or that has no canonical form.
    """
    if not drop_unsupported:
        refuse_unknown(body, _KNOWN | _LABELS, neutral=_NEUTRAL)
    view = chat_view(body)
    system, messages = read_messages(body["messages"], drop_unsupported=drop_unsupported)
    stop = body.get("stop") or ()
    return ChatRequest(
        messages=messages,
        system=system,
        tools=_tools(body, drop_unsupported=drop_unsupported),
        tool_choice=_tool_choice(body.get("tool_choice")),
        parallel_tool_calls=body.get("parallel_tool_calls"),
        max_output_tokens=body.get("max_completion_tokens") or view.max_output_tokens,
        temperature=check.number(body, "temperature", 0, 2),
        top_p=check.number(body, "top_p", 0, 1),
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
        seed=_integer(body, "seed"),
        choices=view.choices,
        output_format=_output_format(check.table(body, "response_format")),
        logprobs=check.boolean(body, "logprobs") or None,
        top_logprobs=check.positive(body, "top_logprobs", _TOP_LOGPROBS_MAX)
        if body.get("top_logprobs")
        else None,
        presence_penalty=check.number(body, "presence_penalty", -_PENALTY_MAX, _PENALTY_MAX),
        frequency_penalty=check.number(body, "frequency_penalty", -_PENALTY_MAX, _PENALTY_MAX),
        reasoning_effort=check.text(body, "reasoning_effort"),
        verbosity=check.text(body, "verbosity"),
        user=check.text(body, "user"),
        modalities=_modalities(body.get("modalities")),
        stream=view.stream,
        drop_unsupported=drop_unsupported,
    )


def _modalities(given: Any) -> tuple[str, ...]:
    if given is None or given == ["text"]:
        return ()
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise check.refuse("modalities", "must be a list of strings")
    return tuple(given)


def _integer(body: dict[str, Any], field: str) -> int | None:
    value = body.get(field)
    if value is not None and type(value) is not int:
        raise check.refuse(field, "must be an integer")
    return value


def _tools(body: dict[str, Any], *, drop_unsupported: bool) -> tuple[Tool, ...]:
    tools = []
    for position, tool in enumerate(check.objects(body, "tools")):
        if tool["type"] != "function":
            if drop_unsupported:
                continue
            raise check.refuse(f"tools.{position}.type", "only functions can be translated")
        function = tool["function"]
        tools.append(
            Tool(
                name=function["name"],
                description=check.text(function, "description") or "",
                parameters=check.table(function, "parameters") or {},
                strict=function.get("strict"),
                cache_control=check.table(tool, "cache_control"),
            )
        )
    return tuple(tools)


def _tool_choice(choice: Any) -> ToolChoice | None:
    if choice is None:
        return None
    if choice in ("auto", "none", "required"):
        return ToolChoice(choice)
    function = choice.get("function") if isinstance(choice, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(name, str):
        raise check.refuse("tool_choice", "must be auto, none, required or name a function")
    return ToolChoice("tool", name)


def _output_format(wire: dict[str, Any] | None) -> OutputFormat | None:
    if wire is None or wire.get("type") == "text":
        return None
    if wire.get("type") == "json_object":
        return OutputFormat()
    inner = wire.get("json_schema")
    if wire.get("type") != "json_schema" or not isinstance(inner, dict):
        raise check.refuse("response_format.type", "must be text, json_object or json_schema")
    schema = inner.get("schema")
    if not isinstance(schema, dict):
        raise check.refuse("response_format.json_schema.schema", "must be an object")
    return OutputFormat(
        schema,
        check.text(inner, "name") or "",
        inner.get("strict"),
        check.text(inner, "description") or "",
    )
