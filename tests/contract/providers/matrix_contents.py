"""Contents of a conversation: how each caller says them, what becomes of them at each provider."""

from __future__ import annotations

import base64
from typing import Any

from bedrock_converse import SIGNATURE
from gemini_requests import SIGNATURE as GOOGLES
from matrix import QUESTION, SCHEMA, Always, At, Feature, Left, Refused, everywhere

from legato.api.openai.responses.reasoning import SignedPart, encrypted_content
from legato.core.chat import Thinking

PNG = base64.b64encode(b"\x89PNG....").decode()
DATA_URL = f"data:image/png;base64,{PNG}"
URL = "https://example.org/a.png"
USER = {"role": "user", "content": QUESTION}
ARGUMENTS = '{"city":"Oslo"}'
CALLS = ("call_1", "call_2")
NAMES = ("weather", "clock")
DETAIL = "An image's `detail` reaches OpenAI and Cohere"
HINTS = "Cache hints are left out where the dialect has none"
UNSIGNED = "Signatures of reasoning and encrypted reasoning are sent to their own vendor only"
FAILED = "That a tool failed (`is_error`) is told to Anthropic, Google and Bedrock"
ALONE = "The `name` of an assistant, and of users who all have the same, is left out"
AGAIN = "providers aren't sent them again"


def content(*parts: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": "user", "content": list(parts)}]


def text(kind: str = "text") -> dict[str, Any]:
    return {"type": kind, "text": QUESTION}


def chat_tools() -> list[dict[str, Any]]:
    return [
        {"type": "function", "function": {"name": name, "parameters": SCHEMA}} for name in NAMES
    ]


def responses_tools() -> list[dict[str, Any]]:
    return [{"type": "function", "name": name, "parameters": SCHEMA} for name in NAMES]


def messages_tools() -> list[dict[str, Any]]:
    return [{"name": name, "input_schema": SCHEMA} for name in NAMES]


def tools(
    chat: dict[str, Any], responses: dict[str, Any], messages: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    return {
        "chat": {"tools": chat_tools()} | chat,
        "responses": {"tools": responses_tools()} | responses,
        "messages": {"tools": messages_tools()} | messages,
    }


def results(*, failed: bool = False, image: bool = False) -> dict[str, dict[str, Any]]:
    """A conversation that two calls were made in and answered."""
    called = [
        {"id": one, "type": "function", "function": {"name": name, "arguments": ARGUMENTS}}
        for one, name in zip(CALLS, NAMES, strict=True)
    ]
    chat = [USER, {"role": "assistant", "content": None, "tool_calls": called}]
    chat += [{"role": "tool", "tool_call_id": one, "content": f"It is {one}."} for one in CALLS]
    items: list[dict[str, Any]] = [USER]
    items += [
        {"type": "function_call", "call_id": one, "name": name, "arguments": ARGUMENTS}
        for one, name in zip(CALLS, NAMES, strict=True)
    ]
    items += [
        {"type": "function_call_output", "call_id": one, "output": f"It is {one}."} for one in CALLS
    ]
    used = [
        {"type": "tool_use", "id": one, "name": name, "input": {"city": "Oslo"}}
        for one, name in zip(CALLS, NAMES, strict=True)
    ]
    shown: Any = [{"type": "text", "text": "It is."}, png_block()] if image else None
    told = [
        {"type": "tool_result", "tool_use_id": one, "content": shown or f"It is {one}."}
        | ({"is_error": True} if failed else {})
        for one in CALLS
    ]
    messages = [USER, {"role": "assistant", "content": used}, {"role": "user", "content": told}]
    said = tools({"messages": chat}, {"input": items}, {"messages": messages})
    return {"messages": said["messages"]} if failed or image else said


def png_block() -> dict[str, Any]:
    source = {"type": "base64", "media_type": "image/png", "data": PNG}
    return {"type": "image", "source": source}


def said_before(chat: Any, responses: Any, messages: Any) -> dict[str, dict[str, Any]]:
    """A turn of the assistant's between two of the user's."""
    turns: dict[str, dict[str, Any]] = {}
    if chat:
        turns["chat"] = {"messages": [USER, {"role": "assistant", **chat}, USER]}
    if responses:
        turns["responses"] = {"input": [USER, *responses, USER]}
    if messages:
        turns["messages"] = {"messages": [USER, {"role": "assistant", "content": messages}, USER]}
    return turns


def output_text(**more: Any) -> dict[str, Any]:
    part = {"type": "output_text", "text": "Light.", "annotations": [], **more}
    return {"type": "message", "role": "assistant", "content": [part]}


def sealed(part: Any) -> dict[str, Any]:
    return {"type": "reasoning", "summary": [], "encrypted_content": encrypted_content(part)}


def googles_call() -> dict[str, dict[str, Any]]:
    """A call that Google signed, with its result."""
    said = results()
    extra = {"google": {"thought_signature": GOOGLES}}
    chat, items = said["chat"]["messages"], said["responses"]["input"]
    chat[1]["tool_calls"][0]["extra_content"] = extra
    items.insert(1, sealed(SignedPart(GOOGLES, of_call=True)))
    signed = {"type": "thinking", "thinking": "", "signature": f"google.call.{GOOGLES}"}
    said["messages"]["messages"][1]["content"].insert(0, signed)
    return said


LIGHT = {"type": "text", "text": "Light."}
CITED = {
    "type": "web_search_result_location", "cited_text": "Blue.", "encrypted_index": "",
    "title": "Rayleigh", "url": URL,
}  # fmt: skip
LINKED = {"start_index": 0, "end_index": 5, "url": URL, "title": "Rayleigh"}

CONTENTS = {
    "text": Feature(
        {"chat": {}, "responses": {}, "messages": {}},
        {
            "openai": At("messages.0.content", QUESTION),
            "anthropic": At("messages.0.content", QUESTION),
            "gemini": At("contents.0.parts.0.text", QUESTION),
            "converse": At("messages.0.content.0.text", QUESTION),
            "cohere": At("messages.0.content", QUESTION),
        },
    ),
    "system": Feature(
        {
            "chat": {"messages": [{"role": "system", "content": "Be brief."}, USER]},
            "responses": {"instructions": "Be brief."},
            "messages": {"system": "Be brief."},
        },
        {
            "openai": At("messages.0", {"role": "system", "content": "Be brief."}),
            "anthropic": At("system", "Be brief."),
            "gemini": At("systemInstruction.parts.0.text", "Be brief."),
            "converse": At("system.0.text", "Be brief."),
            "cohere": At("messages.0", {"role": "system", "content": "Be brief."}),
        },
    ),
    "image": Feature(
        {
            "chat": {
                "messages": content(text(), {"type": "image_url", "image_url": {"url": DATA_URL}})
            },
            "responses": {
                "input": content(text("input_text"), {"type": "input_image", "image_url": DATA_URL})
            },
            "messages": {"messages": content(text(), png_block())},
        },
        {
            "openai": At("messages.0.content.1.image_url.url", DATA_URL),
            "anthropic": At("messages.0.content.1.source", png_block()["source"]),
            "gemini": At("contents.0.parts.1.inlineData", {"mimeType": "image/png", "data": PNG}),
            "converse": At("messages.0.content.1.image.source.bytes", PNG),
            "cohere": At("messages.0.content.1.image_url.url", DATA_URL),
        },
    ),
    "image_by_url": Feature(
        {
            "chat": {"messages": content(text(), {"type": "image_url", "image_url": {"url": URL}})},
            "responses": {
                "input": content(text("input_text"), {"type": "input_image", "image_url": URL})
            },
            "messages": {
                "messages": content(
                    text(), {"type": "image", "source": {"type": "url", "url": URL}}
                )
            },
        },
        {
            "openai": At("messages.0.content.1.image_url.url", URL),
            "anthropic": At("messages.0.content.1.source", {"type": "url", "url": URL}),
            "gemini": At("contents.0.parts.1.fileData.fileUri", URL),
            "converse": Always("messages.0"),
            "cohere": At("messages.0.content.1.image_url.url", URL),
        },
    ),
    "tools": Feature(
        tools({}, {}, {}),
        {
            "openai": At("tools.1.function.name", "clock"),
            "anthropic": At("tools.1", {"name": "clock", "input_schema": SCHEMA}),
            "gemini": At("tools.0.functionDeclarations.1.parametersJsonSchema", SCHEMA),
            "converse": At("toolConfig.tools.1.toolSpec.inputSchema.json", SCHEMA),
            "cohere": At("tools.1.function.parameters", SCHEMA),
        },
    ),
    "one_tool_chosen": Feature(
        tools(
            {"tool_choice": {"type": "function", "function": {"name": "clock"}}},
            {"tool_choice": {"type": "function", "name": "clock"}},
            {"tool_choice": {"type": "tool", "name": "clock"}},
        ),
        {
            "openai": At("tool_choice.function.name", "clock"),
            "anthropic": At("tool_choice.name", "clock"),
            "gemini": At("toolConfig.functionCallingConfig.allowedFunctionNames", ["clock"]),
            "converse": At("toolConfig.toolChoice.tool.name", "clock"),
            "cohere": Refused("tool_choice"),
        },
    ),
    "a_tool_required": Feature(
        tools(
            {"tool_choice": "required"},
            {"tool_choice": "required"},
            {"tool_choice": {"type": "any"}},
        ),
        {
            "openai": At("tool_choice", "required"),
            "anthropic": At("tool_choice.type", "any"),
            "gemini": At("toolConfig.functionCallingConfig.mode", "ANY"),
            "converse": At("toolConfig.toolChoice", {"any": {}}),
            "cohere": At("tool_choice", "REQUIRED"),
        },
    ),
    "one_call_at_a_time": Feature(
        tools(
            {"parallel_tool_calls": False},
            {"parallel_tool_calls": False},
            {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
        ),
        everywhere(
            Refused("parallel_tool_calls"),
            openai=At("parallel_tool_calls", value=False),
            anthropic=At("tool_choice.disable_parallel_tool_use", value=True),
        ),
    ),
    "results": Feature(
        results(),
        {
            "openai": At(
                "messages.3", {"role": "tool", "tool_call_id": "call_2", "content": "It is call_2."}
            ),
            "anthropic": At("messages.2.content.1.tool_use_id", "call_2"),
            "gemini": At("contents.2.parts.1.functionResponse.response.output", "It is call_2."),
            "converse": At("messages.2.content.1.toolResult.content.0.text", "It is call_2."),
            "cohere": At("messages.3.content", "It is call_2."),
        },
    ),
    "calls_made": Feature(
        results(),
        {
            "openai": At("messages.1.tool_calls.1.function.name", "clock"),
            "anthropic": At("messages.1.content.1.input", {"city": "Oslo"}),
            "gemini": At("contents.1.parts.1.functionCall.args", {"city": "Oslo"}),
            "converse": At("messages.1.content.1.toolUse.input", {"city": "Oslo"}),
            "cohere": At("messages.1.tool_calls.1.function.name", "clock"),
        },
    ),
    "failed_results": Feature(
        results(failed=True),
        {
            "openai": Left(FAILED),
            "anthropic": At("messages.2.content.1.is_error", value=True),
            "gemini": At("contents.2.parts.1.functionResponse.response.error", "It is call_2."),
            "converse": At("messages.2.content.1.toolResult.status", "error"),
            "cohere": Left(FAILED),
        },
    ),
    "images_in_results": Feature(
        results(image=True),
        {
            "openai": At("messages.4.content.1.image_url.url", DATA_URL),
            "anthropic": At("messages.2.content.1.content.1", png_block()),
            "gemini": At("contents.2.parts.1.functionResponse.parts.0.inlineData.data", PNG),
            "converse": At("messages.2.content.1.toolResult.content.1.image.format", "png"),
            "cohere": At("messages.4.content.1.image_url.url", DATA_URL),
        },
    ),
    "a_strict_tool": Feature(
        {
            "chat": {
                "tools": [
                    {"type": "function", "function": one["function"] | {"strict": True}}
                    for one in chat_tools()
                ]
            },
            "responses": {"tools": [one | {"strict": True} for one in responses_tools()]},
            "messages": {"tools": [one | {"strict": True} for one in messages_tools()]},
        },
        {
            "openai": At("tools.0.function.strict", value=True),
            "anthropic": At("tools.0.strict", value=True),
            "gemini": At("toolConfig.functionCallingConfig.mode", "VALIDATED"),
            "converse": At("toolConfig.tools.0.toolSpec.strict", value=True),
            "cohere": At("strict_tools", value=True),
        },
    ),
    "an_images_detail": Feature(
        {
            "chat": {
                "messages": content(
                    text(), {"type": "image_url", "image_url": {"url": DATA_URL, "detail": "low"}}
                )
            },
            "responses": {
                "input": content(
                    text("input_text"),
                    {"type": "input_image", "image_url": DATA_URL, "detail": "low"},
                )
            },
        },
        everywhere(
            Left(DETAIL),
            openai=At("messages.0.content.1.image_url.detail", "low"),
            cohere=At("messages.0.content.1.image_url.detail", "low"),
        ),
    ),
    "the_only_users_name": Feature(
        {
            "chat": {
                "messages": [USER | {"name": "Ada"}, {"role": "assistant", "content": "Light."}]
            }
        },
        everywhere(Left(ALONE)),
    ),
    "an_assistants_name": Feature(
        said_before({"content": "Light.", "name": "Poet"}, None, None), everywhere(Left(ALONE))
    ),
    "users_told_apart": Feature(
        {
            "chat": {
                "messages": [
                    USER | {"name": "Ada"},
                    {"role": "assistant", "content": "Light.", "name": "Poet"},
                    USER | {"name": "Bob"},
                ]
            }
        },
        everywhere(
            At("messages.2.content", f"Bob said:\n{QUESTION}"),
            gemini=At("contents.2.parts.0.text", f"Bob said:\n{QUESTION}"),
            converse=At("messages.2.content.0.text", f"Bob said:\n{QUESTION}"),
        ),
    ),
    "an_instructions_name": Feature(
        {
            "chat": {
                "messages": [{"role": "system", "content": "Be.", "name": "example_user"}, USER]
            }
        },
        everywhere(Refused("messages.0.name")),
    ),
    "signed_reasoning": Feature(
        said_before(
            {
                "content": "Light.",
                "reasoning_content": "Hm.",
                "reasoning_details": [
                    {"type": "reasoning.text", "text": "Hm.", "signature": SIGNATURE}
                ],
            },
            [sealed(Thinking("Hm.", SIGNATURE)), output_text()],
            [{"type": "thinking", "thinking": "Hm.", "signature": SIGNATURE}, LIGHT],
        ),
        {
            "openai": Left(UNSIGNED),
            "anthropic": At("messages.1.content.0.signature", SIGNATURE),
            "gemini": Left(UNSIGNED),
            "converse": At(
                "messages.1.content.0.reasoningContent.reasoningText.signature", SIGNATURE
            ),
            "cohere": At("messages.1.content.0.thinking", "Hm."),
        },
    ),
    "unsigned_reasoning": Feature(
        said_before({"content": "Light.", "reasoning_content": "Hm."}, None, None),
        everywhere(
            Left("Reasoning that its vendor didn't sign goes back to Cohere, Mistral, DeepSeek"),
            openai=At("messages.1.reasoning_content", "Hm."),
            cohere=At("messages.1.content.0.thinking", "Hm."),
        ),
    ),
    "googles_signature": Feature(
        googles_call(),
        everywhere(Left(UNSIGNED), gemini=At("contents.1.parts.0.thoughtSignature", GOOGLES)),
    ),
    "a_refusal_before": Feature(
        said_before(
            {"content": None, "refusal": "No."},
            [
                {
                    "type": "message",
                    "role": "assistant",
                    "content": [{"type": "refusal", "refusal": "No."}],
                }
            ],
            None,
        ),
        {
            "openai": At("messages.1.refusal", "No."),
            "anthropic": At("messages.1.content", "No."),
            "gemini": At("contents.1.parts.0.text", "No."),
            "converse": At("messages.1.content.0.text", "No."),
            "cohere": At("messages.1.content", "No."),
        },
    ),
    "citations_before": Feature(
        said_before(
            {
                "content": "Light.",
                "annotations": [{"type": "url_citation", "url_citation": LINKED}],
            },
            [output_text(annotations=[{"type": "url_citation", **LINKED}])],
            [LIGHT | {"citations": [CITED]}],
        ),
        everywhere(Left(AGAIN)),
    ),
    "cache_hint": Feature(
        {
            "chat": {"messages": content(text() | {"cache_control": {"type": "ephemeral"}})},
            "messages": {"messages": content(text() | {"cache_control": {"type": "ephemeral"}})},
        },
        everywhere(
            Left(HINTS),
            anthropic=At("messages.0.content.0.cache_control", {"type": "ephemeral"}),
            converse=At("messages.0.content.1.cachePoint.type", "default"),
        ),
    ),
    "sound": Feature(
        {
            "chat": {
                "messages": content(
                    text(), {"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}
                )
            }
        },
        everywhere(Always("messages.0.content.1.type")),
    ),
    "a_vendors_tool": Feature(
        {
            "responses": {"tools": [{"type": "web_search"}]},
            "messages": {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
        },
        everywhere(Refused("tools.0.type")),
    ),
}
