"""Look-ups in conditions: `lookup("customer_tier", metadata.customer) == "gold"`.

The language has no function that waits. So each look-up is taken out of the condition: its key is
an expression of its own, told first, and what was found stands in its place as a variable.
"""

import re
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Any, Final

import msgspec

from legato.core.errors import ConfigInvalid
from legato.core.expressions import FAILURES, TEXT_LITERAL, Program, program_of

LOOKUPS_MAX: Final = 4
"""In one condition."""
KEY_CHARS_MAX: Final = 512
SAMPLES: Final = ("", 0, False)
"""One of each type that a look-up may tell."""
PREFIX: Final = "lookup_"
_CALL: Final = re.compile(r"\blookup\s*\(")
_NAME: Final = re.compile(rf"\s*({TEXT_LITERAL})\s*,")
_PARTS: Final = re.compile(rf"{TEXT_LITERAL}|[()]")
_LITERALS: Final = re.compile(TEXT_LITERAL)
_FORM: Final = 'Write it like lookup("customer_tier", metadata.customer) == "gold".'


class LookupCall(msgspec.Struct, frozen=True, eq=False):
    """One look-up of a condition. `variable` stands for what it tells."""

    variable: str
    name: str
    key: Program

    def key_in(self, context: Any) -> str | None:
        """Return the key for a request; None where it can't be told, or is none."""
        try:
            key = self.key.execute(context)
        except FAILURES:
            return None
        if isinstance(key, bool) or not isinstance(key, str | int):
            return None
        text = str(key)
        return text if 0 < len(text) <= KEY_CHARS_MAX else None


def taken_out(source: str) -> tuple[str, tuple[LookupCall, ...]]:
    """Return a condition with variables in the place of its look-ups, and these.

    Raises:
        ConfigInvalid: one can't be read; with the remedy.
    """
    if "lookup" not in source:
        return source, ()
    found: dict[str, LookupCall] = {}
    parts: list[str] = []
    at = 0
    for start, inside, end in _places(source):
        name = _NAME.match(source, inside, end)
        if name is None:
            msg = f"a look-up has a name and a key. {_FORM}"
            raise ConfigInvalid(msg)
        written = source[name.end() : end].strip()
        if _CALL.search(_LITERALS.sub('""', written)):
            raise ConfigInvalid("a look-up's key can't be a look-up. Divide it into two rules.")
        called = name[1][1:-1]
        digest = blake2b(written.encode(), digest_size=4).hexdigest()
        variable = f"{PREFIX}{re.sub(r'[^A-Za-z0-9_]', '_', called)}_{digest}"
        found[variable] = LookupCall(variable, called, program_of(written))
        parts += (source[at:start], variable)
        at = end + 1
    if len(found) > LOOKUPS_MAX:
        msg = f"{len(found)} look-ups are more than {LOOKUPS_MAX}. Divide it into several rules."
        raise ConfigInvalid(msg)
    return "".join((*parts, source[at:])), tuple(found.values())


def unknown_lookups(asked: Sequence[LookupCall], known: Sequence[str]) -> Iterator[str]:
    """Yield what is wrong with look-ups that the configuration has none of."""
    for one in asked:
        if one.name not in known:
            listed = ", ".join(known) or "none"
            yield f"no look-up `{one.name[:64]}`; known: {listed}"


def _places(source: str) -> Iterator[tuple[int, int, int]]:
    """Yield where a look-up begins, where its arguments do, and where its bracket closes."""
    literals = [match.span() for match in _LITERALS.finditer(source)]
    behind = 0
    for match in _CALL.finditer(source):
        start = match.start()
        if start < behind or any(first < start < last for first, last in literals):
            continue
        depth = 1
        for part in _PARTS.finditer(source, match.end()):
            depth += {"(": 1, ")": -1}.get(part[0], 0)
            if not depth:
                behind = part.end()
                yield start, match.end(), part.start()
                break
        else:
            raise ConfigInvalid(f"a look-up's bracket isn't closed. {_FORM}")
