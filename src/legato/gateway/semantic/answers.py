"""What an answer says, and whether it may be given to somebody who asks nearly the same."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import msgspec

from legato.gateway.semantic.asked import NotEligible
from legato.gateway.semantic.personal import is_personal

if TYPE_CHECKING:
    from legato.gateway.context import Reply

_WHOLE: Final = frozenset({"stop", "end_turn"})
"""Why a model stopped: nothing was cut, no tool is called, no filter stepped in."""
_RESPONDED: Final = frozenset({"response.completed", "response.incomplete", "response.failed"})
_DATA: Final = b"data:"
_END: Final = b"[DONE]"
_decode = msgspec.json.Decoder().decode


def text_to_keep(reply: "Reply") -> str:
    """Return the answer's text.

    Raises:
        NotEligible: it calls a tool, was cut or filtered, isn't plain text or holds personal data.
    """
    text = text_of(reply.body, frames=reply.frames)
    if not text.strip():
        raise NotEligible("answer_content")
    if is_personal(text):
        raise NotEligible("personal_data")
    return text


def text_of(body: bytes, *, frames: bool) -> str:
    """Return the text of a whole answer, of any surface that is kept. Raises NotEligible."""
    try:
        if frames:
            return _streamed(body)
        return _whole(_decode(body))
    except (msgspec.DecodeError, UnicodeError, RecursionError, AttributeError, TypeError):
        raise NotEligible("answer_content") from None


def _whole(answer: Any) -> str:
    if answer.get("object") == "response":
        return _responded(answer)
    choices = answer.get("choices")
    if choices is None:  # messages
        _require_whole(answer.get("stop_reason"))
        return "".join(_block_text(block) for block in answer["content"])
    if len(choices) != 1:
        raise NotEligible("choices")
    choice = choices[0]
    _require_whole(choice.get("finish_reason"))
    if "text" in choice:  # completions
        return _completed(choice)
    return _said(choice["message"])


def _completed(choice: dict[str, Any]) -> str:
    if choice.get("logprobs"):
        raise NotEligible("answer_content")
    text: str = choice["text"]
    return text


def _responded(response: dict[str, Any]) -> str:
    """Return the text of a response: messages of plain text alone, beside its reasoning."""
    if response.get("status") != "completed":
        raise NotEligible("truncated")
    said: list[str] = []
    for item in response["output"]:
        kind = item.get("type")
        if kind == "reasoning":
            continue
        if kind != "message":
            raise NotEligible("tools")
        for part in item["content"]:
            if part.get("type") == "refusal":
                raise NotEligible("flagged")
            if part.get("type") != "output_text" or part.get("annotations"):
                raise NotEligible("answer_content")
            said.append(part["text"])
    return "".join(said)


def _said(message: dict[str, Any]) -> str:
    """Return the text of a message, or of a piece of one."""
    if message.get("tool_calls") or message.get("function_call"):
        raise NotEligible("tools")
    if message.get("refusal"):
        raise NotEligible("flagged")
    if message.get("audio") or message.get("images") or message.get("annotations"):
        raise NotEligible("answer_content")
    content = message.get("content")
    if content is None:
        return ""
    if not isinstance(content, str):
        raise NotEligible("answer_content")
    return content


def _block_text(block: dict[str, Any]) -> str:
    kind = block.get("type")
    if kind == "text":
        text: str = block["text"]
        return text
    if kind in {"thinking", "redacted_thinking"}:
        return ""
    raise NotEligible("tools")


def _require_whole(reason: Any) -> None:
    if reason in _WHOLE:
        return
    if reason in {"content_filter", "refusal"}:
        raise NotEligible("flagged")
    raise NotEligible("tools" if reason in {"tool_calls", "tool_use"} else "truncated")


def _streamed(frames: bytes) -> str:
    said: list[str] = []
    reason = None
    for event in _events(frames):
        kind = event.get("type")
        if kind == "content_block_start":
            said.append(_block_text(event["content_block"]))
        elif kind == "content_block_delta":
            said.append(event["delta"].get("text") or "")
        elif kind == "message_delta":
            reason = event["delta"].get("stop_reason") or reason
        elif kind in _RESPONDED:
            return _responded(event["response"])
        elif kind is None:
            for choice in event.get("choices") or ():
                told = _completed(choice) if "text" in choice else _said(choice.get("delta") or {})
                said.append(told)
                reason = choice.get("finish_reason") or reason
    _require_whole(reason)
    return "".join(said)


def _events(frames: bytes) -> Iterator[dict[str, Any]]:
    for line in frames.split(b"\n"):
        if line.startswith(_DATA):
            data = line[len(_DATA) :].strip()
            if data and data != _END:
                yield _decode(data)
