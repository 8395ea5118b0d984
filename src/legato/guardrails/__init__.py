"""Guardrails: what is looked for in texts, and what is done about it. Pure."""

from collections.abc import Iterable

from legato.core.guarding import Finding


def scan(text: str, labels: Iterable[str] | None = None) -> list[Finding]:
    """Return the personal data and secrets of a text, in its order, nothing overlapping.

    `labels` are labels or the groups `personal` and `secrets`; all of them if None. Positions are
    characters of `text` as given. The first call compiles some hundred patterns. Raises
    InvalidRequest for a label that nothing here finds.
    """
    from legato.guardrails import scanning  # noqa: PLC0415 - only who scans pays for the patterns

    return scanning.scan(text, labels)
