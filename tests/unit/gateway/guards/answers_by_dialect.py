"""Answers of every dialect with all fields that their vendors know, and some that nobody does."""

from collections.abc import Iterator
from typing import Any

CHAT: dict[str, Any] = {
    "id": "c", "object": "chat.completion", "created": 1, "model": "m", "provider": "p",
    "service_tier": "default", "system_fingerprint": "f", "citations": ["https://x.test/a"],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    "choices": [{
        "index": 0, "finish_reason": "tool_calls", "native_finish_reason": "x",
        "logprobs": {"content": [{"token": "t", "logprob": -1, "bytes": [1], "top_logprobs": []}]},
        "message": {
            "role": "assistant", "content": "text", "refusal": "no", "reasoning_content": "think",
            "reasoning_details": [
                {"type": "reasoning.text", "text": "a", "signature": "s", "format": "f"},
                {"type": "reasoning.summary", "summary": "a", "id": "i"},
            ],
            "annotations": [{"type": "url_citation", "url_citation": {
                "url": "https://x.test", "title": "t", "start_index": 0, "end_index": 1}}],
            "audio": {"id": "a", "data": "", "transcript": "said", "expires_at": 1},
            "thoughts": "loud", "thinking": [{"type": "thinking", "thinking": "deep"}],
            "tool_calls": [
                {"id": "1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}},
                {"id": "2", "type": "custom", "custom": {"name": "g", "input": "run"}},
            ],
            "function_call": {"name": "h", "arguments": "{}"},
        },
    }],
}  # fmt: skip
PARTS: dict[str, Any] = {
    "id": "c", "object": "chat.completion", "created": 1, "model": "m",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {
        "role": "assistant",
        "content": [{"type": "text", "text": "one"}, {"type": "image_url",
                    "image_url": {"url": "https://x.test/i.png"}}]}}],
}  # fmt: skip
COMPLETION: dict[str, Any] = {
    "id": "c", "object": "text_completion", "created": 1, "model": "m",
    "choices": [{"index": 0, "text": "said", "finish_reason": "stop",
                 "logprobs": {"tokens": ["a"], "top_logprobs": [{"a": -1}]}}],
}  # fmt: skip
MESSAGE: dict[str, Any] = {
    "id": "m", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
    "stop_sequence": "stop", "usage": {"input_tokens": 1, "output_tokens": 1},
    "container": {"id": "c", "expires_at": "2030"},
    "content": [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "text", "text": "one", "citations": [
            {"type": "web_search_result_location", "url": "https://x.test", "title": "t",
             "cited_text": "c", "encrypted_index": "e"},
            {"type": "search_result_location", "source": "s", "title": "t", "cited_text": "c"}]},
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "q"}},
        {"type": "web_search_tool_result", "tool_use_id": "s", "content": [
            {"type": "web_search_result", "url": "https://x.test", "title": "t",
             "page_age": "1 day", "encrypted_content": "e"}]},
        {"type": "code_execution_tool_result", "tool_use_id": "s", "content": {
            "type": "code_execution_result", "stdout": "o", "stderr": "e", "return_code": 0}},
        {"type": "mcp_tool_use", "id": "t", "name": "f", "server_name": "s", "input": {"a": ["b"]}},
        {"type": "mcp_tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "r"}]},
        {"type": "tool_use", "id": "u", "name": "f", "input": {"to": "you", "n": 5551234567}},
        {"type": "text", "text": "two"},
    ],
}  # fmt: skip
RESPONSE: dict[str, Any] = {
    "id": "r", "object": "response", "created_at": 1, "model": "m", "status": "completed",
    "instructions": "be kind", "metadata": {"a": "b"}, "user": "u", "parallel_tool_calls": True,
    "tools": [{"type": "function", "name": "f", "description": "d", "parameters": {}}],
    "text": {"format": {"type": "text"}}, "incomplete_details": {"reason": "r"},
    "output": [
        {"id": "1", "type": "reasoning", "encrypted_content": "e",
         "summary": [{"type": "summary_text", "text": "s"}],
         "content": [{"type": "reasoning_text", "text": "r"}]},
        {"id": "2", "type": "web_search_call", "status": "completed",
         "action": {"type": "search", "query": "q", "sources": [{"type": "url", "url": "u"}]}},
        {"id": "3", "type": "file_search_call", "status": "completed", "queries": ["q"],
         "results": [{"file_id": "f", "filename": "n", "text": "t", "score": 0.5}]},
        {"id": "4", "type": "code_interpreter_call", "status": "completed", "code": "print()",
         "container_id": "c", "outputs": [{"type": "logs", "logs": "l"}]},
        {"id": "5", "type": "mcp_call", "name": "f", "server_label": "s", "arguments": "{}",
         "output": "o", "error": "e"},
        {"id": "6", "type": "function_call", "call_id": "c", "name": "f", "arguments": "{}",
         "status": "completed"},
        {"id": "7", "type": "custom_tool_call", "call_id": "c", "name": "g", "input": "run"},
        {"id": "8", "type": "computer_call", "call_id": "c", "status": "completed",
         "action": {"type": "type", "text": "t"}},
        {"id": "9", "type": "message", "role": "assistant", "status": "completed", "content": [
            {"type": "output_text", "text": "said", "annotations": [
                {"type": "file_citation", "file_id": "f", "filename": "n", "index": 0},
                {"type": "url_citation", "url": "u", "title": "t", "start_index": 0,
                 "end_index": 1}], "logprobs": [{"token": "t", "logprob": 0}]},
            {"type": "refusal", "refusal": "no"}]},
    ],
}  # fmt: skip


def chunk(delta: dict[str, Any], **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": None, **more}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
            "choices": [choice]}  # fmt: skip


CHAT_STREAM = [
    chunk({"role": "assistant", "content": ""}),
    chunk({"reasoning_content": "hm"}),
    chunk({"thoughts": "loud", "thinking": {"text": "deep"}}),
    chunk({"reasoning_details": CHAT["choices"][0]["message"]["reasoning_details"]}),
    chunk({"content": "text"}, logprobs=CHAT["choices"][0]["logprobs"]),
    chunk({"annotations": CHAT["choices"][0]["message"]["annotations"]}),
    chunk({"audio": {"id": "a", "transcript": "said"}}),
    chunk({"tool_calls": [{"index": 0, "id": "1", "type": "function",
                           "function": {"name": "f", "arguments": "{}"}}]}),
    chunk({"function_call": {"name": "f", "arguments": "{}"}}),
    {**chunk({"content": "x"}), "citations": ["https://x.test"], "surprise": "s"},
    chunk({"refusal": "no"}, finish_reason="stop"),
]  # fmt: skip


def block(index: int, start: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    more = [{"type": "content_block_delta", "index": index, "delta": one} for one in deltas]
    return [
        {"type": "content_block_start", "index": index, "content_block": start},
        *more,
        {"type": "content_block_stop", "index": index},
    ]


MESSAGE_STREAM: list[dict[str, Any]] = [
    {"type": "message_start", "message": MESSAGE | {"content": []}},
    *block(0, {"type": "thinking", "thinking": "", "signature": ""},
           {"type": "thinking_delta", "thinking": "hm"},
           {"type": "signature_delta", "signature": "s"}),
    *block(1, {"type": "text", "text": "begun "}, {"type": "text_delta", "text": "one"},
           {"type": "citations_delta", "citation": MESSAGE["content"][1]["citations"][1]}),
    *block(2, MESSAGE["content"][2]),
    *block(3, MESSAGE["content"][3]),
    *block(4, MESSAGE["content"][4]),
    *block(5, MESSAGE["content"][6]),
    *block(6, MESSAGE["content"][7]),
    *block(7, {"type": "tool_use", "id": "u", "name": "f", "input": {}},
           {"type": "input_json_delta", "partial_json": '{"a":"b"}'}),
    *block(8, {"type": "new_kind"}, {"type": "new_delta", "words": "w", "more": {"deep": "d"}}),
    *block(9, {"type": "text", "text": ""}, {"type": "text_delta", "text": "two"}),
    {"type": "new_event", "words": "w"},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": "stop"},
     "usage": {"output_tokens": 5}, "context_management": {"applied": ["x"]}},
    {"type": "message_stop"},
]  # fmt: skip
COMPLETION_STREAM = [
    {**COMPLETION, "choices": [{"index": 0, "text": "said", "finish_reason": None}]},
    {**COMPLETION, "choices": [{"index": 0, "text": "", "finish_reason": "stop"}]},
]


def _response_events() -> Iterator[dict[str, Any]]:
    begun = RESPONSE | {"status": "in_progress", "output": []}
    yield {"type": "response.created", "response": begun}
    for index, item in enumerate(RESPONSE["output"]):
        at = {"output_index": index, "item_id": item["id"]}
        yield {"type": "response.output_item.added", "output_index": index, "item": item}
        if item["type"] == "message":
            part = {**at, "content_index": 0}
            yield {"type": "response.content_part.added", **part, "part": item["content"][0]}
            stem = "response.output_text"
            logprobs = item["content"][0]["logprobs"]
            yield {"type": f"{stem}.delta", **part, "delta": "said", "logprobs": logprobs}
            yield {"type": f"{stem}.annotation.added", **part, "annotation_index": 0,
                   "annotation": item["content"][0]["annotations"][0]}  # fmt: skip
            yield {"type": f"{stem}.done", **part, "text": "said", "logprobs": logprobs}
            yield {"type": "response.content_part.done", **part, "part": item["content"][0]}
        if item["type"] == "function_call":
            stem = "response.function_call_arguments"
            yield {"type": f"{stem}.delta", **at, "delta": "{}"}
            yield {"type": f"{stem}.done", **at, "name": "f", "arguments": "{}"}
        if item["type"] == "reasoning":
            yield {"type": "response.new_kind.delta", **at, "delta": "words"}
            yield {"type": "response.new_kind.done", **at, "text": "words"}
            yield {"type": "response.other.delta", **at, "delta": {"text": "words"}}
        yield {"type": "response.output_item.done", "output_index": index, "item": item}
    yield {"type": "response.completed", "response": RESPONSE}


RESPONSE_STREAM = [
    {**one, "sequence_number": number} for number, one in enumerate(_response_events())
]
WHOLE = {"chat": CHAT, "chat of parts": PARTS, "completions": COMPLETION, "messages": MESSAGE,
         "responses": RESPONSE}  # fmt: skip
STREAMS = {"chat": CHAT_STREAM, "completions": COMPLETION_STREAM, "messages": MESSAGE_STREAM,
           "responses": RESPONSE_STREAM}  # fmt: skip
