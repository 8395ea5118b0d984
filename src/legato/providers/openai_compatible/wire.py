"""The parts of the OpenAI wire format that accounting and the stream scan read.

Everything else of a body passes through unread. Fields are optional throughout: upstreams that
say they speak this dialect leave any of them out.
"""

from typing import Any

import msgspec


class PromptDetails(msgspec.Struct, frozen=True, gc=False):
    """Parts of `prompt_tokens`."""

    cached_tokens: int | None = None
    cache_write_tokens: int | None = None  # OpenRouter, in front of vendors that bill writes
    audio_tokens: int | None = None
    image_tokens: int | None = None


class CompletionDetails(msgspec.Struct, frozen=True, gc=False):
    """Parts of `completion_tokens`."""

    reasoning_tokens: int | None = None
    audio_tokens: int | None = None
    image_tokens: int | None = None


class WireUsage(msgspec.Struct, frozen=True, gc=False):
    """`usage` of an answer or a chunk; embeddings have no completion."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None
    prompt_cache_hit_tokens: int | None = None  # DeepSeek
    cached_tokens: int | None = None  # Together
    citation_tokens: int | None = None  # Perplexity's research models, beside the total
    reasoning_tokens: int | None = None  # the same


class AnswerParts(msgspec.Struct, frozen=True, gc=False):
    """What accounting reads of a complete answer; the lists stay unread."""

    model: str | None = None
    usage: WireUsage | None = None
    choices: msgspec.Raw = msgspec.Raw()
    data: msgspec.Raw = msgspec.Raw()
    error: msgspec.Raw = msgspec.Raw()


class AnswerShell(msgspec.Struct, frozen=True, gc=False):
    """The same for an answer whose usage is not usable."""

    model: Any = None
    choices: msgspec.Raw = msgspec.Raw()
    data: msgspec.Raw = msgspec.Raw()
    error: msgspec.Raw = msgspec.Raw()


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """A moderation."""

    model: Any = None
    results: msgspec.Raw = msgspec.Raw()
    error: msgspec.Raw = msgspec.Raw()


class MessageText(msgspec.Struct, frozen=True, gc=False):
    """Texts of a message, for an estimate where no usage was reported."""

    content: Any = None
    refusal: Any = None
    reasoning_content: Any = None
    tool_calls: Any = None


class ChoiceText(msgspec.Struct, frozen=True, gc=False):
    """A choice of a complete answer; `text` where a text was continued."""

    message: MessageText | None = None
    text: str | None = None


class Delta(msgspec.Struct, frozen=True, gc=False):
    """The fields of a delta that count as content."""

    content: Any = None
    refusal: Any = None
    tool_calls: Any = None
    function_call: Any = None
    reasoning_content: Any = None
    reasoning: Any = None
    audio: Any = None

    def any_content(self) -> bool:
        """Whether the delta carries anything of the answer; a role or `""` is nothing."""
        return bool(
            self.content
            or self.tool_calls
            or self.reasoning_content
            or self.reasoning
            or self.refusal
            or self.function_call
            or self.audio
        )


class ChunkChoice(msgspec.Struct, frozen=True, gc=False):
    """A choice of a stream chunk."""

    index: int = 0
    delta: Delta | None = None
    finish_reason: str | None = None
    text: str | None = None  # where a text is continued


class GroqExtra(msgspec.Struct, frozen=True, gc=False):
    """Groq's older place for usage."""

    usage: Any = None


class Chunk(msgspec.Struct, frozen=True, gc=False):
    """One event of a stream. `usage` and `error` are read apart: either may be malformed."""

    model: str | None = None
    object: str | None = None
    choices: list[ChunkChoice] | None = None
    usage: Any = None
    error: Any = None
    message: Any = None
    x_groq: GroqExtra | None = None
