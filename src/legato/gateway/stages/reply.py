"""What every answer carries besides its body."""

from typing import TYPE_CHECKING

from legato.core.decisions import FROM_CACHE, SEMANTIC
from legato.core.errors import LegatoError
from legato.core.guarding import Mode
from legato.core.money import exact_usd
from legato.core.registry import Kind

if TYPE_CHECKING:
    from legato.core.guard_facts import Guarded
    from legato.gateway.context import Call, Headers
    from legato.gateway.directory import Deployment

_JSON = (b"content-type", b"application/json")
_NO_CACHE = (b"cache-control", b"no-cache")


def reply_headers(
    call: "Call", *, stream: bool, content_type: bytes, deployment: "Deployment | None" = None
) -> "Headers":
    """Return the headers of a good answer; what a running stream costs isn't known yet.

    `deployment` gives a stream that isn't whole yet.
    """
    headers = identity_headers(call, deployment)
    headers.append((b"x-legato-cache", _cache(call)))
    headers.append((b"content-type", content_type))
    if stream:
        headers.append(_NO_CACHE)
    if call.cost is not None and (not stream or call.cache in FROM_CACHE):
        headers.append((b"x-legato-cost-usd", exact_usd(call.cost).encode()))
    return headers


def _cache(call: "Call") -> bytes:
    looked = call.semantic
    if call.cache != SEMANTIC or looked is None or looked.nearest is None:
        return call.cache.encode()
    return b"semantic; similarity=%.2f; entry=%s" % (looked.similarity, looked.nearest.id.encode())


def error_headers(call: "Call", error: LegatoError) -> "Headers":
    """Return the headers of an error: what failed attempts cost is told, too."""
    headers = identity_headers(call)
    headers.append(_JSON)
    if call.cost is not None:
        headers.append((b"x-legato-cost-usd", exact_usd(call.cost).encode()))
    headers += retry_headers(error)
    return headers


def retry_headers(error: LegatoError) -> "Headers":
    """Return whether, and if known when, the same request may succeed later."""
    headers: Headers = []
    after_s = error.retry_after_s
    if after_s is not None:
        headers.append((b"retry-after", b"%d" % -(-after_s // 1)))
        headers.append((b"retry-after-ms", b"%d" % (after_s * 1000)))
    if error.http_status == _TOO_MANY or error.http_status >= _SERVER_ERROR:
        headers.append((b"x-should-retry", b"true" if error.retryable else b"false"))
    return headers


def guardrails_told(guarded: "Guarded") -> str:
    """Return what fired, for callers: `mask/mails EMAIL_ADDRESS redact 2`. Never the text."""
    told = [
        f"{one.policy.removeprefix(_GUARDRAIL).partition('@')[0]}/{one.rule} {one.label} "
        f"{one.action}{'' if one.mode == Mode.ENFORCE else ':shadow'} {one.count}"
        for one in guarded.fired[:_TOLD_MAX]
    ]
    return ", ".join(told)


_GUARDRAIL = f"{Kind.GUARDRAIL}/"
_TOLD_MAX = 20
_TOO_MANY = 429
_SERVER_ERROR = 500


def identity_headers(call: "Call", deployment: "Deployment | None" = None) -> "Headers":
    """Return under which id the request is found, and what it was made of."""
    request_id = call.request_id.encode()
    headers = [(b"x-request-id", request_id), (b"x-legato-request-id", request_id)]
    if call.hedged:
        headers.append((b"x-legato-hedge", call.hedged.encode()))
    if call.budget_steps is not None and call.budget_steps.told:
        headers.append((b"x-legato-budget", call.budget_steps.told))
    if call.queued:
        waited_ms = sum(one.waited_ms for one in call.queued)
        headers.append((b"x-legato-queue-ms", b"%d" % waited_ms))
    if call.degraded:
        headers.append((b"x-legato-degraded", call.degraded.encode()))
    if call.outputs is not None:
        headers.append((b"x-legato-output", call.outputs.header))
    if versions := call.versions_with(deployment or call.deployment):
        headers.append((b"x-legato-versions", versions.encode()))
    if call.guarded is not None and (told := guardrails_told(call.guarded)):
        headers.append((b"x-legato-guardrails", told.encode()))
    if call.measures is not None and call.measures.removed_tokens:
        headers.append((b"x-legato-removed-tokens", b"%d" % call.measures.removed_tokens))
    return headers
