"""OpenAI's usage and logprobs objects."""

import hashlib
from typing import Any

from legato.providers.simulated.usage import Usage

_LOGPROB_STEPS = 256
_LOGPROB_SPAN = 2.0


def usage_of(usage: Usage) -> dict[str, Any]:
    """The usage object; `prompt_tokens` includes cached, `completion_tokens` reasoning."""
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.prompt + usage.completion,
        "prompt_tokens_details": {"cached_tokens": usage.cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def logprobs_of(pieces: list[str], top: int | None) -> dict[str, Any] | None:
    """Made-up log probabilities for each token, or None if none were asked for."""
    if top is None:
        return None
    return {"content": [_logprob(piece, top) for piece in pieces], "refusal": None}


def _logprob(piece: str, top: int) -> dict[str, Any]:
    step = hashlib.blake2b(piece.encode(), digest_size=1).digest()[0]
    likely = -_LOGPROB_SPAN * step / _LOGPROB_STEPS
    entry = {"token": piece, "logprob": likely, "bytes": list(piece.encode())}
    others = [
        {"token": other, "logprob": likely - rank, "bytes": list(other.encode())}
        for rank, other in ((rank, f"{piece}~{rank}") for rank in range(1, top))
    ]
    return {**entry, "top_logprobs": [entry, *others] if top else []}
