"""Token estimates for what no provider has counted: upper bounds and partial answers.

Exact tokenizers cost more than the whole gateway per request, so holds use bounds that
can't be too low and settles use the provider's own numbers.
"""

from legato.core.usage import Usage

IMAGE_TOKENS_MAX = 48_169
"""Of one image at any model: gpt-4o-mini's 2,833 and 8 tiles of 5,667 (OpenAI, images guide)."""
_IMAGE_TOKENS = (
    ("gpt-4o-mini", IMAGE_TOKENS_MAX),
    ("claude", 4_784),  # 2,576 pixels on the long edge, as Anthropic's guide on vision has it
    ("gpt-", 24_600),  # 10,000 patches in original detail, times nano's 2.46 (OpenAI's guide)
    ("gemini", 24_600),  # 95 tiles of 258 tokens, or ten times the ultra high resolution's 2,240
)
_CHARS_PER_TOKEN = 4


def image_tokens_max(model: str) -> int:
    """Return the most tokens that one image counts for at a model, by the name a vendor gives it.

    Under a name that tells nothing, such as one of Azure's deployments, it is the most there is.
    """
    name = model.lower()
    known = (tokens for part, tokens in _IMAGE_TOKENS if part in name)
    return next(known, IMAGE_TOKENS_MAX)


def input_tokens_bound(
    body_bytes: int, image_count: int = 0, image_tokens: int = IMAGE_TOKENS_MAX
) -> int:
    """Return an upper bound of texts and images: a token is at least one byte.

    It doesn't hold for documents, whose pages are read as images, too: a page takes a few bytes of
    a PDF, and none where it is sent by its address. Only the model's context bounds those.
    """
    return body_bytes + image_count * image_tokens


def estimated_usage(input_chars: int, output_chars: int) -> Usage:
    """Return a middle estimate for a call whose usage was never reported: 4 characters a token."""
    return Usage(
        in_uncached=-(-input_chars // _CHARS_PER_TOKEN),
        out_text=-(-output_chars // _CHARS_PER_TOKEN),
    )
