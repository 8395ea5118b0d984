"""How long an attempt of a node may take, how long the next one waits, what a run may cost."""

import random
from typing import Final

from legato.flow.definition import AnyNode, Human, Listen, Retry, Wait

NANO: Final = 1_000_000_000


def attempt_s(node: AnyNode) -> float | None:
    """Return how long one attempt may take; nodes that wait see to it themselves."""
    return None if isinstance(node, Human | Listen | Wait) else node.timeout_s


def wait_before(retry: Retry, attempts: int) -> float:
    """Return how long to wait after so many attempts, with full jitter above a half."""
    wait_s = min(retry.wait_s_max, retry.wait_s * retry.backoff ** (attempts - 1))
    return wait_s * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing


def nano_of(dollars: str) -> int:
    """Return an amount of dollars in nano-USD."""
    whole, _, part = dollars.partition(".")
    return int(whole) * NANO + int(part.ljust(9, "0") or 0)
