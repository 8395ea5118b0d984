"""What guardrails did with one request, as its record keeps it. Never the text itself."""

import re
from typing import Any, Final

import msgspec
from msgspec.structs import asdict

from legato.core.guarding import Action, Mode

SPANS_MAX: Final = 20
"""Of one rule and label: where more was found, only the count says so."""
_PLAIN: Final = frozenset(
    {"arguments", "citations", "content", "context", "data", "description", "documents",
     "file", "function", "image_url", "input", "instructions", "items", "json_schema",
     "messages", "metadata", "name", "output", "parameters", "prefix", "prompt",
     "properties", "query", "reasoning", "refusal", "response_format", "schema", "source",
     "stop", "suffix", "summary", "system", "text", "thinking", "title", "tool_calls",
     "tools", "url", "user", "variables"}
)  # fmt: skip
"""Names of fields that the dialects have: no caller's own, so none of them tells anything."""
_INDEX: Final = re.compile(r"[0-9]{1,9}")


class Span(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A place in a request."""

    where: str
    """A JSON pointer; names of fields that the caller may have chosen are `*` in it."""
    start: int
    """In characters of the text there."""
    end: int


class Fired(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What one rule found of one label."""

    policy: str
    """With its version: `guardrail/NAME@3fa9c1d2e4b5`."""
    rule: str
    label: str
    action: str
    mode: str
    place: str
    count: int
    spans: tuple[Span, ...] = ()
    score: float | None = None
    """The greatest of what was found, 0 to 1; None of terms."""


class Guarded(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """All that guardrails did with one request before it was sent."""

    policies: tuple[str, ...]
    """Those that apply, with their versions, in the order they were asked."""
    fired: tuple[Fired, ...] = ()
    took_us: tuple[tuple[str, int], ...] = ()
    """By detector, and `policies` for the rules themselves."""
    passed_over: tuple[str, ...] = ()
    """Detectors that failed where no rule redacts, blocks or routes by them."""
    done: str = ""
    """The strictest action that was taken; "" for none."""

    @property
    def triggered(self) -> bool:
        """Whether a rule that is enforced found something it makes no exception of."""
        return any(
            one.mode == Mode.ENFORCE.value and one.action != Action.ALLOW.value
            for one in self.fired
        )


def plain_facts(guarded: Guarded) -> dict[str, Any]:
    """Return facts as people and programs read them, by the names of their fields."""
    fired = [
        {**asdict(one), "spans": [asdict(span) for span in one.spans]} for one in guarded.fired
    ]
    return {**asdict(guarded), "fired": fired, "took_us": dict(guarded.took_us)}


def shown_pointer(where: str) -> str:
    """Return a JSON pointer without names that a caller may have chosen."""
    key = where.endswith("#")
    steps = where.removesuffix("#").split("/")
    told = [one if one in _PLAIN or _INDEX.fullmatch(one) else "*" for one in steps[1:]]
    return "".join(f"/{one}" for one in told) + ("#" if key else "")
