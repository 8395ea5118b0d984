"""What models say, written as each provider writes it, whole and streamed.

After the same documents as the servers in tests/wire_servers. A dialect that has no words for
something isn't asked to say it: see `SAID`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

sys.path.append(str(Path(__file__).parents[2] / "wire_servers"))
from aws_event_stream import event as aws_event

FRESH, WRITTEN_OUT = 9, 6
URL, TITLE = "https://example.org/a", "Rayleigh"
LOGPROB = -0.25


class Said(NamedTuple):
    """An answer. `calls` are (id, name, arguments); `stop` is chat's word, or stop_sequence."""

    text: str = ""
    thought: str = ""
    signature: str = ""
    sealed: str = ""
    calls: tuple[tuple[str, str, str], ...] = ()
    call_signature: str = ""
    refusal: str = ""
    stop: str = "stop"
    sequence: str | None = None
    cached: int = 0
    cache_written: int = 0
    reasoning_tokens: int = 0
    cites: str = ""
    scored: bool = False
    second: str = ""


ALL = frozenset({"openai", "anthropic", "gemini", "converse", "cohere"})
BLOCKS = frozenset({"anthropic", "converse"})
BOTH = (("call_1", "weather", '{"city":"Oslo"}'), ("call_2", "clock", "{}"))
SAID: dict[str, tuple[Said, frozenset[str]]] = {
    "text": (Said("Grüße 🎼"), ALL),
    "parallel_calls": (Said(calls=BOTH, stop="tool_calls"), ALL),
    "text_and_calls": (Said("I look.", calls=BOTH, stop="tool_calls"), ALL - {"cohere"}),
    "reasoning": (Said("Blue.", thought="Hm."), ALL),
    "signed_reasoning": (Said("Blue.", thought="Hm.", signature="c2ln"), BLOCKS | {"openai"}),
    "sealed_reasoning": (Said("Blue.", sealed="ZW5j"), BLOCKS | {"openai"}),
    "a_signed_call": (
        Said(calls=BOTH, call_signature="U0lH", stop="tool_calls"),
        frozenset({"gemini"}),
    ),
    "a_refusal": (Said(refusal="I won't."), frozenset({"openai"})),
    "a_refusal_without_words": (Said("Sorry", stop="refusal"), BLOCKS),
    "a_filter": (Said("Bl", stop="content_filter"), ALL - {"anthropic", "cohere"}),
    "length": (Said("Bl", stop="length"), ALL),
    "a_stop_sequence": (Said("One", stop="stop_sequence", sequence="END"), BLOCKS),
    "a_stop_sequence_untold": (Said("One", stop="stop_sequence"), frozenset({"cohere"})),
    "cached_input": (Said("Blue.", cached=8), ALL),
    "cache_writes": (Said("Blue.", cache_written=4), BLOCKS),
    "reasoning_tokens": (
        Said("Blue.", thought="Hm.", reasoning_tokens=2),
        frozenset({"openai", "anthropic", "gemini"}),
    ),
    "a_citation": (Said("Blue.", cites=URL), ALL),
    "logprobs": (Said("Blue.", scored=True), frozenset({"openai", "gemini", "cohere"})),
    "two_choices": (Said("Blue.", second="Red."), frozenset({"openai", "gemini"})),
}


class Written(NamedTuple):
    """An answer on the wire."""

    whole: bytes
    stream: bytes


def write(dialect: str, said: Said) -> Written:
    body, events = WRITERS[dialect](said)
    if dialect == "converse":
        stream = b"".join(aws_event(*next(iter(one.items()))) for one in events)
    else:
        named = dialect in {"anthropic", "cohere"}
        frames = [
            (f"event: {one['type']}\n" if named else "") + f"data: {json.dumps(one)}\n\n"
            for one in events
        ]
        frames += ["data: [DONE]\n\n"] if dialect == "openai" else []
        stream = "".join(frames).encode()
    return Written(json.dumps(body).encode(), stream)


def halves(text: str) -> Iterator[str]:
    yield from (half for half in (text[:3], text[3:]) if half)


def in_chat(said: Said) -> tuple[Any, list[Any]]:
    """OpenAI's chat completions, reasoning as vLLM and DeepSeek have it."""
    usage = {
        "prompt_tokens": FRESH + said.cached,
        "completion_tokens": WRITTEN_OUT,
        "total_tokens": FRESH + said.cached + WRITTEN_OUT,
        "prompt_tokens_details": {"cached_tokens": said.cached},
        "completion_tokens_details": {"reasoning_tokens": said.reasoning_tokens},
    }
    head = {"id": "c-1", "created": 1_795_000_000, "model": "m"}
    calls = [
        {"id": one, "type": "function", "function": {"name": name, "arguments": arguments}}
        for one, name, arguments in said.calls
    ]
    told = {"start_index": 0, "end_index": len(said.text), "url": said.cites, "title": TITLE}
    cites = [{"type": "url_citation", "url_citation": told}] if said.cites else []
    scores = None
    if said.scored:
        token = {"token": said.text, "logprob": LOGPROB, "bytes": None, "top_logprobs": []}
        scores = {"content": [token], "refusal": None}
    message: dict[str, Any] = {"role": "assistant", "content": said.text or None}
    message |= {"refusal": said.refusal or None}
    message |= {"reasoning_content": said.thought} if said.thought else {}
    details = _details(said)
    message |= {"reasoning_details": details} if details else {}
    message |= {"tool_calls": calls} if calls else {}
    message |= {"annotations": cites} if cites else {}
    finish = "stop" if said.stop == "stop_sequence" else said.stop
    choices = [{"index": 0, "message": message, "logprobs": scores, "finish_reason": finish}]
    deltas: list[tuple[int, dict[str, Any]]] = [(0, {"role": "assistant", "content": ""})]
    deltas += [(0, {"reasoning_content": half}) for half in halves(said.thought)]
    deltas += [(0, {"reasoning_details": [one]}) for one in details]
    deltas += [(0, {"content": said.text})] if said.text else []
    deltas += [(0, {"refusal": half}) for half in halves(said.refusal)]
    deltas += [(0, {"tool_calls": [{"index": n, **call}]}) for n, call in enumerate(calls)]
    deltas += [(0, {"annotations": cites})] if cites else []
    if said.second:
        other = {"role": "assistant", "content": said.second}
        choices.append({"index": 1, "message": other, "logprobs": None, "finish_reason": finish})
        deltas.append((1, other))
    chunks = [
        {
            "index": n,
            "delta": delta,
            "logprobs": scores if delta.get("content") else None,
            "finish_reason": None,
        }
        for n, delta in deltas
    ]
    chunks += [
        {"index": n, "delta": {}, "logprobs": None, "finish_reason": finish}
        for n in range(len(choices))
    ]
    kind = {**head, "object": "chat.completion.chunk"}
    events = [{**kind, "choices": [chunk]} for chunk in chunks]
    events.append({**kind, "choices": [], "usage": usage})
    return {**head, "object": "chat.completion", "choices": choices, "usage": usage}, events


def _details(said: Said) -> list[dict[str, Any]]:
    """As OpenRouter has what Anthropic signed and encrypted."""
    found: list[dict[str, Any]] = []
    if said.signature:
        found.append({"type": "reasoning.text", "text": said.thought, "signature": said.signature})
    if said.sealed:
        found.append({"type": "reasoning.encrypted", "data": said.sealed})
    shared = {"format": "anthropic-claude-v1"}
    return [{**one, **shared, "index": index} for index, one in enumerate(found)]


def in_messages(said: Said) -> tuple[Any, list[Any]]:
    """Anthropic's messages."""
    blocks: list[dict[str, Any]] = []
    if said.thought:
        blocks.append({"type": "thinking", "thinking": said.thought, "signature": said.signature})
    if said.sealed:
        blocks.append({"type": "redacted_thinking", "data": said.sealed})
    if said.text:
        blocks.append({"type": "text", "text": said.text})
    if said.cites:
        blocks[-1]["citations"] = [
            {"type": "web_search_result_location", "cited_text": "", "encrypted_index": "E",
             "title": TITLE, "url": said.cites}
        ]  # fmt: skip
    for one, name, arguments in said.calls:
        blocks.append({"type": "tool_use", "id": one, "name": name, "input": json.loads(arguments)})
    usage = {
        "input_tokens": FRESH,
        "cache_read_input_tokens": said.cached,
        "cache_creation_input_tokens": said.cache_written,
        "output_tokens": WRITTEN_OUT,
        "output_tokens_details": {"thinking_tokens": said.reasoning_tokens},
    }
    reasons = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}
    stop = {"stop_reason": reasons.get(said.stop, said.stop), "stop_sequence": said.sequence}
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m"}
    opened = {"content": [], "stop_reason": None, "stop_sequence": None, "usage": usage}
    events: list[Any] = [{"type": "message_start", "message": {**head, **opened}}]
    for index, block in enumerate(blocks):
        empty, deltas = _begun(block)
        events.append({"type": "content_block_start", "index": index, "content_block": empty})
        events += [{"type": "content_block_delta", "index": index, "delta": d} for d in deltas]
        events.append({"type": "content_block_stop", "index": index})
    events.append({"type": "message_delta", "delta": stop, "usage": usage})
    events.append({"type": "message_stop"})
    return {**head, "content": blocks, **stop, "usage": usage}, events


def _begun(block: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    kind = block["type"]
    if kind == "text":
        deltas = [{"type": "text_delta", "text": half} for half in halves(block["text"])]
        cites = block.get("citations", ())
        deltas += [{"type": "citations_delta", "citation": one} for one in cites]
        return {"type": "text", "text": ""}, deltas
    if kind == "thinking":
        deltas = [{"type": "thinking_delta", "thinking": half} for half in halves(block[kind])]
        if block["signature"]:
            deltas.append({"type": "signature_delta", "signature": block["signature"]})
        return {"type": "thinking", "thinking": "", "signature": ""}, deltas
    if kind == "tool_use":
        written = halves(json.dumps(block["input"]))
        deltas = [{"type": "input_json_delta", "partial_json": half} for half in written]
        return block | {"input": {}}, deltas
    return block, []


def in_converse(said: Said) -> tuple[Any, list[Any]]:
    """Bedrock's Converse."""
    blocks: list[dict[str, Any]] = []
    if said.thought:
        text = {"text": said.thought} | ({"signature": said.signature} if said.signature else {})
        blocks.append({"reasoningContent": {"reasoningText": text}})
    if said.sealed:
        blocks.append({"reasoningContent": {"redactedContent": said.sealed}})
    where = {"title": TITLE, "location": {"web": {"url": said.cites, "domain": "example.org"}}}
    if said.cites:
        cited = {"content": [{"text": said.text}], "citations": [where]}
        blocks.append({"citationsContent": cited})
    elif said.text:
        blocks.append({"text": said.text})
    for one, name, arguments in said.calls:
        use = {"toolUseId": one, "name": name, "input": json.loads(arguments)}
        blocks.append({"toolUse": use})
    reasons = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}
    reasons["content_filter"] = "content_filtered"
    stop: dict[str, Any] = {"stopReason": reasons.get(said.stop, said.stop)}
    if said.sequence:
        stop["additionalModelResponseFields"] = {"stop_sequence": said.sequence}
    usage = {
        "inputTokens": FRESH,
        "outputTokens": WRITTEN_OUT,
        "totalTokens": FRESH + WRITTEN_OUT + said.cached + said.cache_written,
        "cacheReadInputTokens": said.cached,
        "cacheWriteInputTokens": said.cache_written,
    }
    events: list[Any] = [{"messageStart": {"role": "assistant"}}]
    for index, block in enumerate(blocks):
        place = {"contentBlockIndex": index}
        deltas: list[Any] = []
        if "toolUse" in block:
            use = block["toolUse"]
            start = {"toolUse": {"toolUseId": use["toolUseId"], "name": use["name"]}}
            events.append({"contentBlockStart": {**place, "start": start}})
            written = halves(json.dumps(use["input"]))
            deltas = [{"toolUse": {"input": half}} for half in written]
        elif "reasoningContent" in block:
            reasoning = block["reasoningContent"]
            fields = reasoning.get("reasoningText", reasoning)
            deltas = [{"reasoningContent": {name: value}} for name, value in fields.items()]
        else:
            deltas = [{"text": half} for half in halves(said.text)]
            deltas += [{"citation": where}] if said.cites else []
        events += [{"contentBlockDelta": {**place, "delta": delta}} for delta in deltas]
        events.append({"contentBlockStop": place})
    events += [{"messageStop": stop}, {"metadata": {"usage": usage}}]
    message = {"role": "assistant", "content": blocks}
    return {"output": {"message": message}, **stop, "usage": usage}, events


def in_gemini(said: Said) -> tuple[Any, list[Any]]:
    """Google's generateContent."""
    parts: list[dict[str, Any]] = []
    if said.thought:
        parts.append({"text": said.thought, "thought": True})
    if said.text:
        parts.append({"text": said.text})
    for one, name, arguments in said.calls:
        call = {"functionCall": {"id": one, "name": name, "args": json.loads(arguments)}}
        if said.call_signature and one == said.calls[0][0]:
            call["thoughtSignature"] = said.call_signature  # type: ignore[assignment]
        parts.append(call)
    reasons = {"length": "MAX_TOKENS", "content_filter": "SAFETY"}
    end: dict[str, Any] = {"finishReason": reasons.get(said.stop, "STOP")}
    if said.cites:
        segment = {"startIndex": 0, "endIndex": len(said.text.encode()), "text": said.text}
        end["groundingMetadata"] = {
            "groundingChunks": [{"web": {"uri": said.cites, "title": TITLE}}],
            "groundingSupports": [{"segment": segment, "groundingChunkIndices": [0]}],
        }
    if said.scored:
        one_token = [{"token": said.text, "logProbability": LOGPROB}]
        end["logprobsResult"] = {"chosenCandidates": one_token, "topCandidates": []}
    usage = {
        "promptTokenCount": FRESH + said.cached,
        "cachedContentTokenCount": said.cached,
        "candidatesTokenCount": WRITTEN_OUT - said.reasoning_tokens,
        "thoughtsTokenCount": said.reasoning_tokens,
        "totalTokenCount": FRESH + said.cached + WRITTEN_OUT,
    }
    head = {"responseId": "r-1", "modelVersion": "m", "usageMetadata": usage}

    def candidate(given: list[Any], index: int, **more: Any) -> dict[str, Any]:
        return {"content": {"parts": given, "role": "model"}, "index": index, **more}

    candidates = [candidate(parts, 0, **end)]
    events = [{**head, "candidates": [candidate([part], 0)]} for part in parts[:-1]]
    events.append({**head, "candidates": [candidate(parts[-1:], 0, **end)]})
    if said.second:
        other = candidate([{"text": said.second}], 1, **end)
        candidates.append(other)
        events.append({**head, "candidates": [other]})
    return {**head, "candidates": candidates}, events


def in_cohere(said: Said) -> tuple[Any, list[Any]]:
    """Cohere's chat; reasoning ahead of calls is a plan."""
    start = {"message": {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": []}}
    events: list[Any] = [{"type": "message-start", "id": "c-1", "delta": start}]
    message: dict[str, Any] = {"role": "assistant"}
    blocks = [("thinking", said.thought)] if said.thought else []
    blocks += [("text", said.text)] if said.text else []
    score = {"text": said.text, "token_ids": [7, 8], "logprobs": [LOGPROB / 2, LOGPROB / 2]}
    for index, (kind, text) in enumerate(blocks):
        message.setdefault("content", []).append({"type": kind, kind: text})
        for step, piece in (("start", ""), ("delta", text)):
            delta = {"message": {"content": {"type": kind, kind: piece}}}
            event = {"type": f"content-{step}", "index": index, "delta": delta}
            scored = said.scored and step == "delta"
            events.append(event | ({"logprobs": score} if scored else {}))
        events.append({"type": "content-end", "index": index})
    for index, (one, name, arguments) in enumerate(said.calls):
        call = {"id": one, "type": "function", "function": {"name": name, "arguments": arguments}}
        message.setdefault("tool_calls", []).append(call)
        opened = {**call, "function": {"name": name, "arguments": ""}}
        delta = {"message": {"tool_calls": opened}}
        events.append({"type": "tool-call-start", "index": index, "delta": delta})
        for half in halves(arguments):
            delta = {"message": {"tool_calls": {"function": {"arguments": half}}}}
            events.append({"type": "tool-call-delta", "index": index, "delta": delta})
        events.append({"type": "tool-call-end", "index": index})
    if said.cites:
        page = {"type": "tool", "id": "find_0:0",
                "tool_output": {"url": said.cites, "title": TITLE}}  # fmt: skip
        cited = {"start": 0, "end": len(said.text), "text": said.text, "sources": [page],
                 "type": "TEXT_CONTENT"}  # fmt: skip
        message["citations"] = [cited]
        events.append(
            {"type": "citation-start", "index": 0, "delta": {"message": {"citations": cited}}}
        )
    tokens = {"input_tokens": FRESH + said.cached, "output_tokens": WRITTEN_OUT}
    usage = {"billed_units": tokens, "tokens": tokens, "cached_tokens": said.cached}
    reasons = {"length": "MAX_TOKENS", "tool_calls": "TOOL_CALL", "stop_sequence": "STOP_SEQUENCE"}
    reason = reasons.get(said.stop, "COMPLETE")
    end = {"finish_reason": reason, "usage": usage}
    events.append({"type": "message-end", "id": "c-1", "delta": end})
    whole = {"id": "c-1", "finish_reason": reason, "message": message, "usage": usage}
    return whole | ({"logprobs": [score]} if said.scored else {}), events


WRITERS: dict[str, Callable[[Said], tuple[Any, list[Any]]]] = {
    "openai": in_chat,
    "anthropic": in_messages,
    "converse": in_converse,
    "gemini": in_gemini,
    "cohere": in_cohere,
}
