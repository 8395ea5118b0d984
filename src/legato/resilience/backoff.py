"""How long to wait before the next attempt."""

from collections.abc import Callable


def full_jitter(attempt: int, base_s: float, max_s: float, random: Callable[[], float]) -> float:
    """Return seconds to wait after failed attempt number `attempt` (from 1).

    Full jitter, random in [0, min(max, base · 2^(attempt-1))): it spreads a crowd of retries
    best (Brooker, "Exponential Backoff And Jitter", 2015).
    """
    return random() * min(max_s, base_s * 2.0 ** min(attempt - 1, 30))


def wait_before_retry(
    backoff_s: float, retry_after_s: float | None, retry_after_max_s: float
) -> float | None:
    """Return seconds to wait, or None when the provider asks for more than we would wait."""
    if retry_after_s is None:
        return backoff_s
    if retry_after_s > retry_after_max_s:
        return None
    return max(backoff_s, retry_after_s)
