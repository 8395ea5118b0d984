"""What a call is billed, what it reports, and how tokens are estimated.

The estimate is deliberately simple: a text is one token for each four bytes of its UTF-8, rounded
up; each message adds three; a picture or a sound is a flat 85; tool definitions and a schema are
counted as the text of their compact JSON. In an answer each word is one token.
"""

from typing import Any

import msgspec

from legato.providers.simulated.settings import Behaviour, WrongUsageShape

TOKENS_PER_MESSAGE = 3
TOKENS_PER_MEDIUM = 85
BYTES_PER_TOKEN = 4
INFLATION = 10


class Usage(msgspec.Struct, frozen=True, gc=False):
    """Tokens in OpenAI's sense: `prompt` includes cached and cache_write, `completion` reasoning.

    The same sense serves both dialects, so a call's line in the book does not depend on its door.
    """

    prompt: int = 0
    cached: int = 0
    cache_write: int = 0
    completion: int = 0
    reasoning: int = 0


NOTHING = Usage()


def text_tokens(text: str) -> int:
    """Estimated tokens of a text."""
    return -(-len(text.encode()) // BYTES_PER_TOKEN)


def json_tokens(value: Any) -> int:
    """Estimated tokens of a decoded JSON value, by its compact form."""
    return -(-len(msgspec.json.encode(value)) // BYTES_PER_TOKEN)


def billed(behaviour: Behaviour, prompt: int, completion: int, reasoning: int) -> Usage:
    """The usage of a whole answer, cached and cache-write shares taken out of the prompt."""
    cached = int(prompt * behaviour.cached_share)
    cache_write = min(int(prompt * behaviour.cache_write_share), prompt - cached)
    return Usage(prompt, cached, cache_write, completion, reasoning)


def misreported(usage: Usage, shape: WrongUsageShape) -> Usage:
    """What a faulty server claims instead of `usage`. The bill stays what it was."""
    match shape:
        case "inflated":
            return msgspec.structs.replace(usage, completion=usage.completion * INFLATION)
        case "zero":
            return NOTHING
        case "negative":
            return msgspec.structs.replace(usage, completion=-1)
        case "cached_exceeds_prompt":
            return msgspec.structs.replace(usage, cached=usage.prompt + 7, cache_write=0)
