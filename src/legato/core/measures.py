"""What Legato did to a request so that it costs less, beside choosing who answers it.

The baseline is what the call would have cost without them, so an entry names them: then what they
saved can be told from the entry alone, and its replay comes to the same amounts.
"""

import msgspec

from legato.core.usage import Usage

_PROMPT_CACHE = "prompt_cache"
_REMOVED = "removed:"


class Measures(msgspec.Struct, frozen=True, gc=False):
    """What was done to one attempt.

    `prompt_cache`: parts were marked for the vendor to keep. `removed_tokens`: left out of the
    input by a policy, estimated.
    """

    prompt_cache: bool = False
    removed_tokens: int = 0

    def __str__(self) -> str:
        """Write them as an entry of the ledger has them: `prompt_cache removed:812`."""
        said = [_PROMPT_CACHE] if self.prompt_cache else []
        if self.removed_tokens:
            said.append(f"{_REMOVED}{self.removed_tokens}")
        return " ".join(said)

    def without(self, usage: Usage) -> Usage:
        """Return what would have been used without them: all of the input read, and read anew."""
        fresh = usage.in_uncached + self.removed_tokens
        if not self.prompt_cache:
            return msgspec.structs.replace(usage, in_uncached=fresh)
        return msgspec.structs.replace(
            usage,
            in_uncached=fresh + usage.cache_read + usage.cache_write_5m + usage.cache_write_1h,
            cache_read=0,
            cache_write_5m=0,
            cache_write_1h=0,
        )


def read_measures(text: str) -> Measures | None:
    """Read what an entry says, None for nothing. Raises ValueError."""
    if not text:
        return None
    prompt_cache, removed = False, 0
    for word in text.split():
        if word == _PROMPT_CACHE:
            prompt_cache = True
        elif word.startswith(_REMOVED):
            removed = int(word.removeprefix(_REMOVED))
        else:
            raise ValueError(f"unknown measure {word!r}")
    return Measures(prompt_cache, removed)
