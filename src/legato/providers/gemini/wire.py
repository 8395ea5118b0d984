"""The parts of Gemini's wire format that accounting reads.

Shapes: "Gemini API reference, v1beta: GenerateContent" (ai.google.dev/api/generate-content) and
"Vertex AI REST reference, v1: generateContent", both as of 2026-11.
"""

from typing import Any

import msgspec


class ModalityCount(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Tokens of one modality: TEXT, IMAGE, AUDIO, VIDEO or DOCUMENT."""

    modality: str = ""
    token_count: int | None = None


Modalities = tuple[ModalityCount, ...] | None


class WireUsage(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """`usageMetadata`: what was cached is part of the prompt, thoughts come beside candidates."""

    prompt_token_count: int | None = None
    cached_content_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    total_token_count: int | None = None
    prompt_tokens_details: Modalities = None
    cache_tokens_details: Modalities = None
    candidates_tokens_details: Modalities = None


class AnswerParts(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """What accounting reads of a complete answer."""

    candidates: msgspec.Raw = msgspec.Raw()
    usage_metadata: Any = None
    model_version: Any = None
    prompt_feedback: Any = None
    error: Any = None
