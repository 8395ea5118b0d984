"""What one part of Gemini's answers is, for complete ones and streams alike."""

import re
from typing import Any

import msgspec

from legato.core.chat import Image, Part, Text, Thinking, ToolUse
from legato.core.errors import BadProviderResponse

OWN_ID = "gcall-"
"""Ids of calls that Gemini gave none; they aren't sent back to it."""
_UNFIT = re.compile(r"[^A-Za-z0-9_-]")
_ID_CHARS_MAX = 40


def read_part(part: dict[str, Any], answer_id: str, place: str) -> Part | None:
    """Return a part in canonical form, None for one that says nothing to a caller.

    `place` tells calls of one answer apart. Parts of Google's own tools (code it ran) have no
    canonical form and are left out; the text around them stays.

    Raises:
        BadProviderResponse: sound, film or a file, which no caller's dialect has a place for.
    """
    signature = part.get("thoughtSignature") or ""
    call = part.get("functionCall")
    if call is not None:
        call_id = call.get("id") or f"{OWN_ID}{_UNFIT.sub('', answer_id)[:_ID_CHARS_MAX]}-{place}"
        arguments = msgspec.json.encode(call.get("args") or {}).decode()
        return ToolUse(call_id, call["name"], arguments, signature)
    text = part.get("text")
    if text is not None:
        if part.get("thought") and not signature:
            return Thinking(text) if text else None
        if part.get("thought"):
            text = ""
        return Text(text, None, signature) if text or signature else None
    if "inlineData" in part or "fileData" in part:
        return None if part.get("thought") else _picture(part.get("inlineData") or {})
    return Text("", None, signature) if signature else None


def _picture(blob: dict[str, Any]) -> Image:
    """Return a picture. Its signature isn't kept: see `contents`."""
    kind = blob.get("mimeType") or ""
    if not kind.startswith("image/"):
        what = kind.partition("/")[0][:20] or "a file"
        raise BadProviderResponse(f"the model answered with {what}, which can't be carried")
    return Image(None, kind, blob["data"])


def logprobs(candidate: dict[str, Any]) -> dict[str, Any] | None:
    """Return a candidate's log probabilities as OpenAI's object, None where it has none."""
    result = candidate.get("logprobsResult")
    if not result or not result.get("chosenCandidates"):
        return None
    tops = result.get("topCandidates") or ()
    content = []
    for position, chosen in enumerate(result["chosenCandidates"]):
        top = tops[position].get("candidates") or () if position < len(tops) else ()
        others = [_scored(candidate) for candidate in top]
        content.append({**_scored(chosen), "top_logprobs": others})
    return {"content": content, "refusal": None}


def _scored(candidate: dict[str, Any]) -> dict[str, Any]:
    token = candidate.get("token") or ""
    return {
        "token": token,
        "logprob": candidate.get("logProbability") or 0.0,
        "bytes": list(token.encode("utf-8", "replace")),
    }
