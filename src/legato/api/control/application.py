"""The control API as one ASGI application."""

import logging
from functools import cache
from typing import Any

import msgspec
from litestar import Litestar, Request, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme
from litestar.response import Response

import legato
from legato.api.control.access import Caller, guard, note_refusal, read, require_declared
from legato.api.control.accounting import chargeback, invoices, periods
from legato.api.control.accounting import corrections as ledger_corrections
from legato.api.control.errors import ErrorBody, error_body
from legato.api.control.once import provide_once
from legato.api.control.registry_desk import provide_desk
from legato.api.control.resources import (
    a2a,
    access_rules,
    accounts,
    anomalies,
    audit,
    budgets,
    captures,
    compliance,
    digests,
    erasures,
    evaluations,
    feedback,
    finance,
    floors,
    gateway,
    guard_preview,
    guard_samples,
    guardrails,
    holdouts,
    imports,
    incidents,
    insights,
    keys,
    ledger,
    live,
    mcp,
    me,
    moves,
    notifications,
    objectives,
    pages,
    places,
    plans,
    proposals,
    published_pages,
    registry,
    replays,
    report_schedules,
    reports,
    requests,
    residency,
    restoring,
    retention,
    reviews,
    roles,
    rollouts,
    sample,
    scores,
    sign_in,
    single_sign_on,
    subject_exports,
    task_links,
    tasks,
    tokens,
    tombstones,
    tools,
    triggers,
    what_ifs,
    workflow_drawing,
    workflow_events,
    workflow_runs,
    workflows,
)
from legato.api.control.resources import (
    cache as semantic_cache,
)
from legato.api.control.services import Services
from legato.core.errors import InvalidRequest, LegatoError, MethodNotAllowed, NotFound, TooLarge
from legato.core.permission import Permission

log = logging.getLogger(__name__)

_RESOURCES = (
    a2a,
    access_rules,
    audit,
    captures,
    semantic_cache,
    accounts,
    anomalies,
    budgets,
    compliance,
    chargeback,
    erasures,
    evaluations,
    feedback,
    finance,
    floors,
    gateway,
    guard_preview,
    guard_samples,
    guardrails,
    holdouts,
    imports,
    incidents,
    insights,
    invoices,
    keys,
    ledger,
    ledger_corrections,
    live,
    mcp,
    me,
    moves,
    periods,
    notifications,
    objectives,
    pages,
    places,
    plans,
    proposals,
    published_pages,
    registry,
    replays,
    report_schedules,
    reports,
    requests,
    digests,
    residency,
    restoring,
    retention,
    reviews,
    roles,
    rollouts,
    sample,
    scores,
    sign_in,
    single_sign_on,
    subject_exports,
    task_links,
    tasks,
    tokens,
    tombstones,
    tools,
    triggers,
    what_ifs,
    workflow_drawing,
    workflow_events,
    workflow_runs,
    workflows,
)
_BY_STATUS: dict[int, type[LegatoError]] = {404: NotFound, 405: MethodNotAllowed, 413: TooLarge}
_INTERNAL = 500


def build_application(services: Services) -> Litestar:
    """Assemble it.

    Raises:
        TypeError: a route declares no permission.
    """
    application = Litestar(
        route_handlers=[_resources(), _openapi_document],
        guards=[guard],
        dependencies=_dependencies(services),
        exception_handlers={
            LegatoError: _refused,
            HTTPException: _refused_by_framework,
            RecursionError: _too_deep,
            Exception: _failed,
        },
        openapi_config=None,
        state=State({"services": services}),
        logging_config=None,
    )
    require_declared(application)
    return application


@cache
def openapi_document() -> bytes:
    """Return the OpenAPI 3.1 document of the resources; made when first asked for.

    By an application of its own: the framework's pages for it would answer every unknown path.
    """
    described = Litestar(
        route_handlers=[_resources()],
        dependencies=_dependencies(None),
        openapi_config=OpenAPIConfig(
            title="Legato control API",
            version=legato.__version__,
            components=Components(
                security_schemes={"key": SecurityScheme(type="http", scheme="bearer")}
            ),
            security=[{"key": []}],
        ),
        logging_config=None,
    )
    return msgspec.json.encode(described.openapi_schema.to_schema())


@read("/api/openapi.json", Permission.SELF_READ)
def _openapi_document() -> Response[bytes]:
    """Describe every resource."""
    return Response(content=openapi_document(), media_type="application/json")


def _resources() -> Router:
    handlers = [handler for resource in _RESOURCES for handler in resource.HANDLERS]
    return Router(path="/api/v1", route_handlers=handlers)


def _dependencies(services: Services | None) -> dict[str, Provide]:
    return {
        "services": Provide(lambda: services, sync_to_thread=False),
        "caller": Provide(_caller, sync_to_thread=False),
        "once": Provide(provide_once, sync_to_thread=False),
        "desk": Provide(provide_desk, sync_to_thread=False),
        "wanted": Provide(ledger.provide_wanted, sync_to_thread=False),
        "insights": Provide(insights.provide_insights, sync_to_thread=False),
        "holdouts": Provide(holdouts.provide_holdouts, sync_to_thread=False),
        "said": Provide(feedback.provide_said, sync_to_thread=False),
        "reviews": Provide(reviews.provide_reviews, sync_to_thread=False),
        "tasks": Provide(tasks.provide_tasks, sync_to_thread=False),
        "asked_tasks": Provide(tasks.provide_asked_tasks, sync_to_thread=False),
    }


def _caller(request: Request[Any, Any, Any]) -> Caller:
    caller: Caller = request.scope["state"]["caller"]
    return caller


def _refused(request: Request[Any, Any, Any], error: LegatoError) -> Response[ErrorBody]:
    note_refusal(request, error)
    headers = {}
    if error.retry_after_s is not None:
        headers["retry-after"] = str(round(error.retry_after_s))
    body = error_body(error, _request_id(request))
    return Response(
        content=body,
        status_code=error.http_status,
        headers=headers,
        media_type="application/json",
    )


def _refused_by_framework(
    request: Request[Any, Any, Any], error: HTTPException
) -> Response[ErrorBody]:
    if error.status_code >= _INTERNAL:
        return _failed(request, error)
    if isinstance(error, ValidationException) and isinstance(error.extra, list) and error.extra:
        first: dict[str, Any] = error.extra[0]
        refused: LegatoError = InvalidRequest(first["message"], param=first.get("key") or None)
    else:
        kind = _BY_STATUS.get(error.status_code, InvalidRequest)
        refused = kind(error.detail)
    answer = _refused(request, refused)
    if error.headers:
        answer.headers.update(error.headers)
    return answer


def _too_deep(request: Request[Any, Any, Any], _error: RecursionError) -> Response[ErrorBody]:
    """Nothing here nests by itself: what is too deep came from the caller."""
    return _refused(request, InvalidRequest("The body is nested too deeply."))


def _failed(request: Request[Any, Any, Any], error: Exception) -> Response[ErrorBody]:
    log.error(
        "a control request failed",
        exc_info=error,
        extra={"request_id": _request_id(request), "path": request.url.path},
    )
    return _refused(request, LegatoError("Legato failed in an unexpected way."))


def _request_id(request: Request[Any, Any, Any]) -> str:
    return request.headers.get("x-legato-request-id", "")
