"""Canonical events as OpenAI's stream."""

from typing import TYPE_CHECKING, Any

import msgspec

from legato.api.openai.annotations import chat_fields
from legato.api.openai.render import extra_content, finish_reason, usage_object
from legato.core.chat import (
    ChatEvent,
    CitationDelta,
    Ended,
    ImageDelta,
    Ping,
    RedactedThinking,
    RedactedThinkingDelta,
    RefusalDelta,
    SignatureDelta,
    Started,
    Stopped,
    StopReason,
    TextDelta,
    ThinkingDelta,
    ToolUseDelta,
    ToolUseStarted,
    UsageReported,
)
from legato.core.pictures import picture
from legato.core.reasoning_details import SealedThoughts

if TYPE_CHECKING:
    from legato.core.usage import Usage

_encode = msgspec.json.Encoder().encode
_PLACE = "\x00the text\x00"
_DONE = b"data: [DONE]\n\n"


class OpenAIEncoder:
    """A `StreamEncoder`: a role first, one finish_reason per choice, one [DONE].

    Signed and encrypted reasoning travels as OpenRouter has it, see
    `reasoning_details`; signatures of a
    text or a call as Google's own layer for OpenAI's clients has them.
    """

    def __init__(self, *, wants_usage: bool, now_s: int) -> None:
        self._wants_usage = wants_usage
        self._head: dict[str, Any] = {
            "id": "",
            "object": "chat.completion.chunk",
            "created": now_s,
            "model": "",
        }
        self._tail: dict[str, Any] = {"usage": None} if wants_usage else {}
        self._usage: Usage | None = None
        self._opened: set[int] = set()
        self._chars: dict[int, int] = {}  # of text, by choice
        self._around: dict[int, tuple[bytes, bytes]] = {}  # a plain text's frame, by choice
        self._thoughts: dict[int, SealedThoughts] = {}
        self._images: dict[int, int] = {}  # pictures told, by choice
        self._refused: set[int] = set()
        self._stopped: set[int] = set()
        self._has_ended = False

    def encode(self, event: ChatEvent) -> bytes:
        """Return zero or more whole frames."""
        if self._has_ended:
            return b""
        if isinstance(event, TextDelta):  # most of a stream
            around = self._around.get(event.choice)
            if around is not None and event.logprobs is None and not event.signature:
                self._chars[event.choice] += len(event.text)
                return around[0] + _encode(event.text) + around[1]
            return self._sealed(event.choice) + self._content(event)
        if isinstance(event, Started):
            return self._start(event)
        if isinstance(event, Stopped):
            return self._stop(event.reason, event.choice)
        if isinstance(event, UsageReported):
            self._usage = event.usage
            return b""
        if isinstance(event, Ended):
            return self._end()
        if isinstance(event, Ping):
            return b": ping\n\n"
        if isinstance(event, ThinkingDelta | SignatureDelta | RedactedThinkingDelta):
            return self._thought(event)
        return self._sealed(event.choice) + self._content(event)

    def _content(
        self,
        event: TextDelta
        | CitationDelta
        | RefusalDelta
        | ImageDelta
        | ToolUseStarted
        | ToolUseDelta,
    ) -> bytes:
        if isinstance(event, RefusalDelta):
            self._refused.add(event.choice)
        if isinstance(event, CitationDelta):
            fields = chat_fields([event.citation], self._chars.get(event.choice, 0))
            return self._role(event.choice) + self._chunk(event.choice, fields)
        if isinstance(event, ImageDelta):
            index = self._images.get(event.choice, 0)
            self._images[event.choice] = index + 1
            fields = {"images": [picture(event.image, index)]}
            return self._role(event.choice) + self._chunk(event.choice, fields)
        if isinstance(event, TextDelta):
            self._chars[event.choice] = self._chars.get(event.choice, 0) + len(event.text)
            if event.logprobs is not None:
                return self._role(event.choice) + self._scored(event)
            if event.choice in self._opened and event.choice not in self._thoughts:
                self._around[event.choice] = self._around_text(event.choice)
        return self._role(event.choice) + self._chunk(event.choice, _delta(event))

    def _thought(self, event: ThinkingDelta | SignatureDelta | RedactedThinkingDelta) -> bytes:
        """Tell reasoning as it comes; what is signed once more when its signature is whole."""
        thoughts = self._thoughts.setdefault(event.choice, SealedThoughts())
        self._around.pop(event.choice, None)
        if isinstance(event, SignatureDelta):
            thoughts.sign(event.signature)
            return b""
        frames = self._sealed(event.choice) + self._role(event.choice)
        if isinstance(event, ThinkingDelta):
            thoughts.text(event.text)
            return frames + self._chunk(event.choice, {"reasoning_content": event.text})
        told = [thoughts.told(RedactedThinking(event.data))]
        return frames + self._chunk(event.choice, {"reasoning_details": told})

    def _sealed(self, choice: int) -> bytes:
        thoughts = self._thoughts.get(choice)
        told = thoughts.whole() if thoughts is not None else []
        if not told:
            return b""
        return self._role(choice) + self._chunk(choice, {"reasoning_details": told})

    def _start(self, event: Started) -> bytes:
        self._head["id"], self._head["model"] = event.id, event.model
        self._head["created"] = event.created_s or self._head["created"]
        self._usage = event.usage
        self._around.clear()
        return self._role(0)

    def _role(self, choice: int) -> bytes:
        if choice in self._opened:
            return b""
        self._opened.add(choice)
        return self._chunk(choice, {"role": "assistant", "content": ""})

    def _stop(self, reason: StopReason, choice: int) -> bytes:
        if choice in self._stopped:
            return b""
        self._stopped.add(choice)
        sealed = self._sealed(choice)
        finish = finish_reason(reason, refusal_shown=choice in self._refused)
        return sealed + self._role(choice) + self._chunk(choice, {}, finish)

    def _end(self) -> bytes:
        self._has_ended = True
        frames = [self._stop(StopReason.END, choice) for choice in sorted(self._opened)]
        if self._wants_usage and self._usage is not None:
            body = {**self._head, "choices": [], "usage": usage_object(self._usage)}
            frames.append(_frame(body))
        return b"".join(frames) + _DONE

    def _chunk(self, choice: int, delta: dict[str, Any], finish: str | None = None) -> bytes:
        part = {"index": choice, "delta": delta, "logprobs": None, "finish_reason": finish}
        return _frame({**self._head, "choices": [part], **self._tail})

    def _around_text(self, choice: int) -> tuple[bytes, bytes]:
        """Return what stands before and after a text that is nothing but text."""
        before, after = self._chunk(choice, {"content": _PLACE}).split(_encode(_PLACE))
        return before, after

    def _scored(self, event: TextDelta) -> bytes:
        part = {"index": event.choice, "delta": _delta(event), "finish_reason": None}
        part["logprobs"] = event.logprobs
        return _frame({**self._head, "choices": [part], **self._tail})


def _frame(body: dict[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode(body) + b"\n\n"


def _delta(
    event: TextDelta | RefusalDelta | ToolUseStarted | ToolUseDelta,
) -> dict[str, Any]:
    if isinstance(event, TextDelta):
        delta: dict[str, Any] = {"content": event.text}
        if event.signature:
            delta["extra_content"] = extra_content(event.signature)
        return delta
    if isinstance(event, RefusalDelta):
        return {"refusal": event.text}
    call: dict[str, Any] = {"index": event.tool}
    if isinstance(event, ToolUseStarted):
        call |= {
            "id": event.id,
            "type": "function",
            "function": {"name": event.name, "arguments": ""},
        }
        if event.signature:
            call["extra_content"] = extra_content(event.signature)
    else:
        call["function"] = {"arguments": event.arguments}
    return {"tool_calls": [call]}
