"""All checks, in the order they are run."""

from legato.cli.conformance import (
    anthropic,
    bodies,
    chat,
    chat_stream,
    connection,
    embeddings,
    responses,
)
from legato.cli.conformance.check import Check

CHECKS: tuple[Check, ...] = (
    *chat.CHECKS,
    *chat_stream.CHECKS,
    *bodies.CHECKS,
    *connection.CHECKS,
    *embeddings.CHECKS,
    *anthropic.CHECKS,
    *responses.CHECKS,
)


def chosen(prefixes: tuple[str, ...]) -> list[Check]:
    """Return the checks whose names start with one of these, or all."""
    return [check for check in CHECKS if not prefixes or check.name.startswith(prefixes)]
