"""What accounting reads of an answer of `/rerank`: Cohere's, Jina's and vLLM's shapes."""

import msgspec

from legato.core.errors import BadProviderResponse
from legato.core.usage import Usage
from legato.core.wire import Answer
from legato.providers.openai_compatible.errors import in_band_error

_TOKENS_MAX = 10**12


class _Billed(msgspec.Struct, frozen=True):
    search_units: float | None = None


class _Meta(msgspec.Struct, frozen=True):
    billed_units: _Billed | None = None


class _Tokens(msgspec.Struct, frozen=True):
    total_tokens: int | None = None
    prompt_tokens: int | None = None


class _Body(msgspec.Struct, frozen=True):
    results: msgspec.Raw = msgspec.Raw()
    model: str | None = None
    usage: _Tokens | None = None
    meta: _Meta | None = None
    error: msgspec.Raw = msgspec.Raw()


_BODY = msgspec.json.Decoder(_Body)
_NOTHING = (b"", b"null")


def read_answer(body: bytes, secret: str | None) -> Answer:
    """Read model and usage: searches where they are counted, tokens where those are.

    Raises:
        BadProviderResponse: not JSON, or no results in it.
        UpstreamError: an error object under a status of success.
    """
    try:
        parts = _BODY.decode(body)
    except (msgspec.DecodeError, RecursionError):
        raise BadProviderResponse("the provider's answer is not JSON of a rerank") from None
    if bytes(parts.results) in _NOTHING:
        if bytes(parts.error) not in _NOTHING:
            raise in_band_error(msgspec.json.decode(parts.error), secret)
        raise BadProviderResponse("the provider's answer holds no result")
    return Answer(usage=_usage(parts), model=parts.model or "")


def _usage(parts: _Body) -> Usage | None:
    billed = parts.meta.billed_units if parts.meta is not None else None
    searches = None if billed is None else billed.search_units
    tokens = None
    if parts.usage is not None:
        tokens = parts.usage.total_tokens or parts.usage.prompt_tokens
    for figure in (searches, tokens):
        if figure is not None and not 0 <= figure <= _TOKENS_MAX:
            return None
    if not searches and not tokens:
        return None
    return Usage(in_uncached=tokens or 0, units=round(searches or 0))
