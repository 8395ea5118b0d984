"""Token estimates for what no provider has counted: upper bounds and partial answers.

Exact tokenizers cost more than the whole gateway per request, so holds use bounds that
can't be too low and settles use the provider's own numbers.
"""

from legato.core.usage import Usage

IMAGE_TOKENS_MAX = 1_600
"""Per image: Anthropic's cap of about 1,600; OpenAI's high detail stays below it for 2048 px."""
_CHARS_PER_TOKEN = 4


def input_tokens_bound(body_bytes: int, image_count: int, inline_image_bytes: int = 0) -> int:
    """Return an upper bound: a token is at least one byte, an image by table."""
    return max(0, body_bytes - inline_image_bytes) + image_count * IMAGE_TOKENS_MAX


def estimated_usage(input_chars: int, output_chars: int) -> Usage:
    """Return a middle estimate for a call whose usage was never reported: 4 characters a token."""
    return Usage(
        in_uncached=-(-input_chars // _CHARS_PER_TOKEN),
        out_text=-(-output_chars // _CHARS_PER_TOKEN),
    )
