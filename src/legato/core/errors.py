"""Every error Legato raises on purpose.

LegatoError
├── CallerError
│   ├── InvalidRequest      400    ├── NotFound         404
│   ├── InputBlocked        400    ├── TooLarge         413
│   ├── Unauthenticated     401    ├── RateLimited      429
│   │   └── SignInRefused   401    │
│   ├── Forbidden           403    ├── BudgetExceeded   429
│   │   └── ForeignPage     403    │
│   ├── MethodNotAllowed    405    ├── Conflict         409
│   ├── PreconditionFailed  412    └── PreconditionRequired 428
│   └── Erased              410
├── UpstreamError
│   ├── BadProviderResponse 502    ├── ProviderUnavailable  503
│   ├── OutputInvalid       502    ├── ProviderTimeout      504
│   ├── ProviderRateLimited 429    ├── ProviderRejected     4xx as received
│   ├── OutputBlocked       502    ├── ProviderRefusesCredentials 502
│   ├── ConnectionsExhausted 503  ├── ToolFailed         502
│   └── AllAttemptsFailed   429 | 502 | 503 | 504
│       └── Overloaded      429
└── OperatorError
    ├── ConfigInvalid       (start-up)
    ├── StorageUnavailable  503
    ├── NotAccountable      503
    ├── LookupFailed        503
    └── DetectorFailed      503

An error knows its status, its log level and whether a retry may help, so nobody writes
isinstance ladders. Messages name the field and the remedy, never a secret or prompt text.
"""

import logging
from typing import ClassVar


class LegatoError(Exception):
    """Base of all. `code` is stable and documented in docs/reference/errors.md."""

    code: ClassVar[str] = "internal_error"
    http_status: int = 500
    retryable: bool = False
    log_level: ClassVar[int] = logging.ERROR
    wire_type: str | None = None
    wire_code: str | None = None
    """`type` and `code` a provider gave its own error, kept for the caller."""

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.retry_after_s = retry_after_s


class CallerError(LegatoError):
    """The caller can mend it."""

    log_level = logging.INFO


class InvalidRequest(CallerError):
    """The request can't be served as written; `param` names the field."""

    code = "invalid_request"
    http_status = 400


class InputBlocked(CallerError):
    """A guardrail refused the input."""

    code = "input_blocked"
    http_status = 400


class Unauthenticated(CallerError):
    """No key, an unknown key, or one that has expired or been revoked."""

    code = "invalid_api_key"
    http_status = 401


class Forbidden(CallerError):
    """The key is good but may not do this."""

    code = "forbidden"
    http_status = 403


class SignInRefused(Unauthenticated):
    """Nobody is let in by this: a wrong password, a session that is over, a provider's no."""

    code = "sign_in_refused"


class ForeignPage(Forbidden):
    """A browser sent it, but not because a page of ours asked it to."""

    code = "foreign_page"


class NotGiven(CallerError):
    """A run that an evaluation began needs what its case doesn't give."""

    code = "not_given"
    http_status = 400


class NotFound(CallerError):
    """No such model, route or path."""

    code = "not_found"
    http_status = 404


class MethodNotAllowed(CallerError):
    """The path is known, but not with this method."""

    code = "method_not_allowed"
    http_status = 405


class Conflict(CallerError):
    """It contradicts what is there: a name is taken, an idempotency key used otherwise."""

    code = "conflict"
    http_status = 409


class Erased(CallerError):
    """It was kept once; its content was erased, or the key that it was sealed with destroyed."""

    code = "erased"
    http_status = 410


class PreconditionFailed(CallerError):
    """What is to be changed was changed since the caller read it."""

    code = "precondition_failed"
    http_status = 412


class PreconditionRequired(CallerError):
    """A change must name the version it is made to, in `If-Match`."""

    code = "precondition_required"
    http_status = 428


class TooLarge(CallerError):
    """The body is over the limit."""

    code = "request_too_large"
    http_status = 413


class RateLimited(CallerError):
    """A rate or concurrency limit of ours is reached."""

    code = "rate_limit_exceeded"
    http_status = 429
    retryable = True


class BudgetExceeded(CallerError):
    """The hold for this attempt does not fit the budget."""

    code = "budget_exceeded"
    http_status = 429


class UpstreamError(LegatoError):
    """A provider failed.

    `retryable`: the same deployment may answer another try. `fails_over`: another deployment
    may answer. `is_outage`: of those that fail over, whether the deployment's breaker counts it.
    """

    log_level = logging.WARNING
    retryable = True
    fails_over: bool = True
    is_outage: bool = True


class ProviderRejected(UpstreamError):
    """The provider answered 4xx: its body is passed on; another try would be refused too."""

    code = "provider_rejected"
    http_status = 400
    retryable = False
    fails_over = False


class ProviderRefusesCredentials(UpstreamError):
    """The provider refuses our key or account: the operator's matter, never the caller's 401."""

    code = "provider_refuses_credentials"
    http_status = 502
    retryable = False
    log_level = logging.ERROR


class ProviderTimeout(UpstreamError):
    """No connection, first byte or next chunk in time, or the deadline over all passed."""

    code = "provider_timeout"
    http_status = 504


class ProviderUnavailable(UpstreamError):
    """Not reachable, connection lost, or a 5xx answer."""

    code = "provider_unavailable"
    http_status = 503


class ConnectionsExhausted(UpstreamError):
    """All our connections to a provider are in use: says nothing about the provider."""

    code = "connections_exhausted"
    http_status = 503
    is_outage = False


class ProviderRateLimited(UpstreamError):
    """The provider answered 429."""

    code = "provider_rate_limited"
    http_status = 429


class BadProviderResponse(UpstreamError):
    """The provider's answer can't be understood."""

    code = "bad_provider_response"
    http_status = 502


class OutputInvalid(UpstreamError):
    """The answer failed a guardrail and could not be repaired.

    `told` is what the model may be told of it: it quotes nothing of the answer.
    """

    code = "output_invalid"
    http_status = 502
    told: str = ""
    retryable = False
    fails_over = False
    is_outage = False


class OutputBlocked(UpstreamError):
    """A guardrail withheld the answer."""

    code = "output_blocked"
    http_status = 502
    retryable = False
    fails_over = False
    is_outage = False


class AnswerUnfit(UpstreamError):
    """A step of a cascade gave an answer that won't do: the next one is asked."""

    code = "check_failed"
    http_status = 502
    log_level = logging.INFO
    retryable = False
    is_outage = False


class ToolFailed(UpstreamError):
    """A tool failed, or what it answered isn't what it promises; `retryable` as the case may be."""

    code = "tool_failed"
    http_status = 502
    retryable = False
    fails_over = False
    is_outage = False


class AllAttemptsFailed(UpstreamError):
    """No attempt succeeded; the message lists each. All rate-limited: 429."""

    code = "all_attempts_failed"
    http_status = 502


class Overloaded(AllAttemptsFailed):
    """A call waited in its route's queue and got no place, or found no room in it."""

    code = "overloaded"
    http_status = 429
    log_level = logging.INFO
    is_outage = False


class OperatorError(LegatoError):
    """The operator can mend it."""


class ConfigInvalid(OperatorError):
    """The configuration has problems; the message lists all of them with their place."""

    code = "config_invalid"


class StorageUnavailable(OperatorError):
    """The database can't be reached and what it would say can't be known from memory."""

    code = "storage_unavailable"
    http_status = 503
    retryable = True


class NotAccountable(OperatorError):
    """The call could not be accounted for (journal full, price unknown), so it isn't made."""

    code = "not_accountable"
    http_status = 503
    retryable = True


class LookupFailed(OperatorError):
    """A condition asks one of the operator's own systems, and nothing could be learnt there."""

    code = "lookup_failed"
    http_status = 503
    retryable = True


class DetectorFailed(OperatorError):
    """A guardrail that must look at the call couldn't: it crashed, or took too long."""

    code = "detector_failed"
    http_status = 503
    retryable = True
