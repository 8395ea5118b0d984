"""What the Gemini test server says: the words of the last question choose it.

`think`, `call`, `both` (two calls), `paint`, `block` (the prompt), `unsafe`, `recite`, `long`,
`spoil`, `json`, `scores`, `two`; else a call where the mode is `ANY`, an instance where a
schema is given, or an echo; of a picture of one colour, its name.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from gemini_requests import SIGNATURE
from pictures import colour_in

from legato.providers.simulated.instances import instance_of

PROMPT, CACHED, THOUGHTS, SAID, IMAGE = 40, 8, 6, 9, 12
PAINTED = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
TEXT = ["Grüße ", "aus ", "🎼 Wien"]
THOUGHT = "The user greets."
CALL = {"functionCall": {"name": "weather", "args": {"city": "Wien", "days": 2}}}
SECOND = {"functionCall": {"name": "time", "args": {}}}


def question(body: dict[str, Any]) -> str:
    """The text of the last turn."""
    parts = body["contents"][-1]["parts"]
    return " ".join(part["text"] for part in parts if "text" in part)


def chunks(body: dict[str, Any], model: str) -> list[dict[str, Any]]:
    """The answer as the events of a stream; usage is cumulative, the last one counts."""
    asked = question(body)
    if "block" in asked:
        feedback = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}
        return [headed(feedback | {"usageMetadata": usage(body, said=None)}, model)]
    pieces = parts(body, asked)
    finish = {"unsafe": "SAFETY", "recite": "RECITATION", "long": "MAX_TOKENS",
              "spoil": "MALFORMED_FUNCTION_CALL"}  # fmt: skip
    reason = next((name for word, name in finish.items() if word in asked), "STOP")
    events = []
    for position, piece in enumerate(pieces):
        last = position == len(pieces) - 1
        events.append(event(body, model, [piece], reason if last else None))
    if not pieces:
        events.append(event(body, model, [], reason))
    return events


def whole(body: dict[str, Any], model: str) -> dict[str, Any]:
    """The same in one piece."""
    events = chunks(body, model)
    if "candidates" not in events[-1]:
        return events[-1]
    merged = events[-1]
    for index, candidate in enumerate(merged["candidates"]):
        every = [e["candidates"][index]["content"]["parts"] for e in events]
        joined: list[dict[str, Any]] = []
        for part in (part for parts_of in every for part in parts_of):
            texts = joined and set(joined[-1]) == {"text"} == set(part)
            if texts:
                joined[-1] = {"text": joined[-1]["text"] + part["text"]}
            else:
                joined.append(part)
        candidate["content"]["parts"] = joined
    return merged


def parts(body: dict[str, Any], asked: str) -> list[dict[str, Any]]:
    thought = [{"text": THOUGHT, "thought": True}] if shows_thoughts(body) else []
    if any(word in asked for word in ("unsafe", "recite", "spoil")):
        return []
    if "both" in asked:
        return [*thought, CALL | {"thoughtSignature": SIGNATURE}, SECOND]
    if "call" in asked:
        return [*thought, CALL | {"thoughtSignature": SIGNATURE}]
    if "paint" in asked:
        return [{"text": "Here."}, {"inlineData": {"mimeType": "image/png", "data": PAINTED}}]
    if "json" in asked:
        return [*thought, {"text": '{"city":"Wien"}'}]
    forced = forced_call(body)
    if forced is not None:
        return [*thought, {"functionCall": forced, "thoughtSignature": SIGNATURE}]
    schema = body.get("generationConfig", {}).get("responseJsonSchema")
    if schema is not None:
        return [*thought, {"text": json.dumps(instance_of(schema, b"gemini"))}]
    said = [{"text": text} for text in colours_of(body) or TEXT]
    if "think" in asked:
        return [*thought, *said, {"text": "", "thoughtSignature": SIGNATURE}]
    return [*thought, *said]


def colours_of(body: dict[str, Any]) -> list[str]:
    """What is seen in the last turn's pictures."""
    given = [part["inlineData"] for part in body["contents"][-1]["parts"] if "inlineData" in part]
    return [name for blob in given if (name := colour_in(base64.b64decode(blob["data"])))]


def forced_call(body: dict[str, Any]) -> dict[str, Any] | None:
    """A call of the first tool that may be called, where one must be."""
    calling = body.get("toolConfig", {}).get("functionCallingConfig", {})
    if calling.get("mode") != "ANY":
        return None
    declared = [one for tool in body["tools"] for one in tool["functionDeclarations"]]
    allowed = calling.get("allowedFunctionNames") or [one["name"] for one in declared]
    called = next(one for one in declared if one["name"] in allowed)
    schema = called.get("parametersJsonSchema") or {"type": "object"}
    return {"name": called["name"], "args": instance_of(schema, b"gemini")}


def event(
    body: dict[str, Any], model: str, pieces: list[dict[str, Any]], reason: str | None
) -> dict[str, Any]:
    count = body.get("generationConfig", {}).get("candidateCount", 1)
    candidates = []
    for index in range(count):
        candidate: dict[str, Any] = {"content": {"parts": list(pieces), "role": "model"}}
        if index:
            candidate["index"] = index
        if reason is not None:
            candidate["finishReason"] = reason
        scored = body.get("generationConfig", {}).get("responseLogprobs")
        if scored and pieces and pieces[0].get("text"):
            candidate["logprobsResult"] = scores(pieces[0]["text"])
        candidates.append(candidate)
    reported = usage(body, said=SAID * count if reason else 1)
    return headed({"candidates": candidates, "usageMetadata": reported}, model)


def scores(token: str) -> dict[str, Any]:
    one = {"token": token, "tokenId": 7, "logProbability": -0.25}
    other = {"token": "Hi", "tokenId": 8, "logProbability": -1.5}
    return {"topCandidates": [{"candidates": [one, other]}], "chosenCandidates": [one]}


def usage(body: dict[str, Any], *, said: int | None) -> dict[str, Any]:
    images = sum("inlineData" in part for c in body["contents"] for part in c["parts"]) * IMAGE
    details = [{"modality": "TEXT", "tokenCount": PROMPT}]
    if images:
        details.append({"modality": "IMAGE", "tokenCount": images})
    thoughts = THOUGHTS if "thinkingConfig" in body.get("generationConfig", {}) else 0
    reported: dict[str, Any] = {
        "promptTokenCount": PROMPT + images,
        "cachedContentTokenCount": CACHED,
        "totalTokenCount": PROMPT + images + (said or 0) + (thoughts if said else 0),
        "promptTokensDetails": details,
        "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": CACHED}],
    }
    if said is not None:
        reported["candidatesTokenCount"] = said
        if thoughts:
            reported["thoughtsTokenCount"] = thoughts
    return reported


def shows_thoughts(body: dict[str, Any]) -> bool:
    config = body.get("generationConfig", {}).get("thinkingConfig", {})
    return bool(config.get("includeThoughts"))


def headed(answer: dict[str, Any], model: str) -> dict[str, Any]:
    return answer | {"modelVersion": f"{model}-001", "responseId": "Kx8OaZ_r-1"}
