"""Whether a failed attempt is tried again at the same deployment, and after how long."""

from collections.abc import Callable

from legato.core.config import Retry
from legato.core.errors import ConnectionsExhausted, ProviderRateLimited, UpstreamError
from legato.resilience.backoff import full_jitter, wait_before_retry

NO_ROOM = (ProviderRateLimited, ConnectionsExhausted)
"""Failures that say nothing but that a deployment is full."""


def wait_at_same(
    rules: Retry,
    error: UpstreamError,
    random: Callable[[], float],
    *,
    attempt: int,
    others_left: int,
) -> float | None:
    """Return how long to wait before the same deployment again; None for the next one.

    `attempt` counts those made at this deployment, from 1; `others_left` the deployments behind it.
    """
    if not error.retryable or attempt >= rules.attempts_max:
        return None
    if others_left and isinstance(error, NO_ROOM):
        return None  # another deployment has room now, there is none at this one
    backoff_s = full_jitter(attempt, rules.backoff_base_s, rules.backoff_max_s, random)
    return wait_before_retry(backoff_s, error.retry_after_s, rules.retry_after_max_s)
