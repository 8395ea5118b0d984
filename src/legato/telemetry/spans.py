"""A finished request as spans: pure, and without OpenTelemetry's library.

    server span            the request, as its caller saw it
    ├─ internal spans      one per stage
    └─ client span         the call to the provider, below the stage `call`

Names and attributes follow OpenTelemetry's conventions for HTTP servers and for generative
AI (`gen_ai.*`); what they have no word for is `legato.*`. No prompt or answer text: records
hold none.
"""

from collections.abc import Iterator
from enum import StrEnum
from types import MappingProxyType

import msgspec

from legato.core.decisions import FROM_CACHE
from legato.core.ids import span_id
from legato.core.records import Served

Value = str | int | float | bool

REQUEST = 0
"""Position of the server span; attempts count from 1, stages from FIRST_STAGE."""
FIRST_STAGE = 4096
_CALL_STAGE = "call"
_FAILED_STAGE = "unfinished"
_NS_PER_US = 1_000
_NANO_PER_USD = 1e9
_SERVER_FAULT = 500
_OK = 200
# The operation, and the route, of each surface; no route where it is served at two.
_SURFACES = MappingProxyType(
    {
        "chat_completions": ("chat", "/v1/chat/completions"),
        "responses": ("chat", "/v1/responses"),
        "messages": ("chat", "/v1/messages"),
        "completions": ("text_completion", "/v1/completions"),
        "embeddings": ("embeddings", "/v1/embeddings"),
        "count_tokens": ("count_tokens", "/v1/messages/count_tokens"),
        "input_tokens": ("count_tokens", "/v1/responses/input_tokens"),
        "moderations": ("moderations", "/v1/moderations"),
        "rerank": ("rerank", ""),
        "images": ("images", "/v1/images/generations"),
        "image_edits": ("image_edits", "/v1/images/edits"),
        "speech": ("speech", "/v1/audio/speech"),
        "transcriptions": ("transcription", "/v1/audio/transcriptions"),
        "translations": ("translation", "/v1/audio/translations"),
    }
)
# Method and route of each page that is traced: it calls no model.
_PAGES = MappingProxyType(
    {
        "files_create": ("POST", "/v1/files"),
        "files_list": ("GET", "/v1/files"),
        "files_show": ("GET", "/v1/files/{id}"),
        "files_delete": ("DELETE", "/v1/files/{id}"),
        "files_content": ("GET", "/v1/files/{id}/content"),
        "batches_create": ("POST", "/v1/batches"),
        "batches_list": ("GET", "/v1/batches"),
        "batches_show": ("GET", "/v1/batches/{id}"),
        "batches_cancel": ("POST", "/v1/batches/{id}/cancel"),
        "message_batches_create": ("POST", "/v1/messages/batches"),
        "message_batches_list": ("GET", "/v1/messages/batches"),
        "message_batches_show": ("GET", "/v1/messages/batches/{id}"),
        "message_batches_cancel": ("POST", "/v1/messages/batches/{id}/cancel"),
        "message_batches_results": ("GET", "/v1/messages/batches/{id}/results"),
        "message_batches_delete": ("DELETE", "/v1/messages/batches/{id}"),
        "workflow_runs_create": ("POST", "/v1/workflows/{id}/runs"),
        "workflow_runs_show": ("GET", "/v1/workflows/runs/{id}"),
        "workflow_events": ("POST", "/v1/events"),
    }
)


class SpanKind(StrEnum):
    """Which side of a call a span describes."""

    SERVER = "server"
    CLIENT = "client"
    INTERNAL = "internal"


class Span(msgspec.Struct, frozen=True):
    """One span; ids are hex, times are nanoseconds since the Unix epoch."""

    name: str
    kind: SpanKind
    span_id: str
    parent_span_id: str
    start_ns: int
    end_ns: int
    attributes: dict[str, Value]
    failed: bool = False


def is_sampled(served: Served, share: float) -> bool:
    """Tell whether a request is exported: the caller's trace is, or its own id falls in `share`.

    The trace id's last 56 bits decide (W3C trace context level 2: the random ones), so every
    process that sees the trace decides alike.
    """
    return served.sampled or int(served.trace_id[-14:], 16) < share * (1 << 56)


def spans_of(served: Served) -> list[Span]:
    """Return the server span first, then its stages in order, then the call to the provider."""
    page = _PAGES.get(served.surface)
    method, route = page or ("POST", _SURFACES.get(served.surface, ("", ""))[1])
    operation = "" if page else _SURFACES.get(served.surface, (served.surface, ""))[0]
    request = Span(
        name=f"{method} {route}".rstrip(),
        kind=SpanKind.SERVER,
        span_id=span_id(served.request_id, REQUEST),
        parent_span_id=served.parent_span_id,
        start_ns=served.at_ns,
        end_ns=served.at_ns + served.total_us * _NS_PER_US,
        attributes={
            "http.request.method": method,
            **_request_attributes(served, operation, route),
        },
        failed=_is_fault(served),
    )
    stages = list(_stage_spans(served, request))
    return [request, *stages, *_upstream_span(served, operation, stages)]


def _stage_spans(served: Served, request: Span) -> Iterator[Span]:
    """Yield a span per stage; a request that ended early was in a stage that has no mark."""
    start_ns = served.at_ns
    stages = list(served.stages)
    missing_us = served.total_us - sum(took_us for _, took_us in stages)
    if served.error_code and missing_us > 0:
        stages.append((_FAILED_STAGE, missing_us))
    for index, (name, took_us) in enumerate(stages):
        end_ns = start_ns + took_us * _NS_PER_US
        yield Span(
            name=f"legato {name}",
            kind=SpanKind.INTERNAL,
            span_id=span_id(served.request_id, FIRST_STAGE + index),
            parent_span_id=request.span_id,
            start_ns=start_ns,
            end_ns=end_ns,
            attributes={"legato.stage": name},
        )
        start_ns = end_ns


def _upstream_span(served: Served, operation: str, stages: list[Span]) -> Iterator[Span]:
    """Yield the last attempt, whose id the provider was told in `traceparent`.

    Its time is that of the stage: only the sum over all attempts is recorded.
    """
    within = [s for s in stages if s.attributes["legato.stage"] in {_CALL_STAGE, _FAILED_STAGE}]
    if not served.attempts or not within:
        return
    attributes: dict[str, Value] = {
        **_model_attributes(served, operation),
        **_usage_attributes(served),
        "legato.attempts": served.attempts,
        "legato.upstream_us": served.upstream_us,
    }
    if served.error_code:
        attributes["error.type"] = served.error_code
    yield Span(
        name=f"{operation} {served.model_served or served.model_requested}",
        kind=SpanKind.CLIENT,
        span_id=span_id(served.request_id, served.attempts),
        parent_span_id=within[-1].span_id,
        start_ns=within[-1].start_ns,
        end_ns=within[-1].end_ns,
        attributes=attributes,
        failed=bool(served.error_code),
    )


def _request_attributes(served: Served, operation: str, route: str) -> dict[str, Value]:
    attributes: dict[str, Value] = {
        "http.response.status_code": served.http_status,
        **_model_attributes(served, operation),
        **_usage_attributes(served),
        "legato.request_id": served.request_id,
        "legato.org": served.org,
        "legato.team": served.team,
        "legato.feature": served.feature,
        "legato.key_id": served.key_id,
        "legato.cache": served.cache,
        "legato.attempts": served.attempts,
        "legato.upstream_us": served.upstream_us,
    }
    if route:
        attributes["http.route"] = route
    if served.first_byte_us:
        attributes["gen_ai.response.time_to_first_chunk"] = served.first_byte_us / 1e6
    if served.decision is not None and served.decision.queued:
        waited_ms = sum(one.waited_ms for one in served.decision.queued)
        attributes["legato.queue_us"] = int(waited_ms * 1_000)
    if served.cost is None:
        attributes["legato.unpriced"] = True
    else:
        attributes["legato.cost_nano_usd"] = served.cost
        attributes["legato.cost_usd"] = served.cost / _NANO_PER_USD
    if served.error_code:
        attributes["error.type"] = served.error_code
    return attributes


def _model_attributes(served: Served, operation: str) -> dict[str, Value]:
    if not operation:
        return {}
    known = {
        "gen_ai.provider.name": served.provider,
        "gen_ai.response.model": served.model_served,
        "legato.deployment": served.deployment,
    }
    return {
        "gen_ai.operation.name": operation,
        "gen_ai.request.model": served.model_requested,
        "gen_ai.request.stream": served.stream,
        **{name: value for name, value in known.items() if value},
    }


def _usage_attributes(served: Served) -> dict[str, Value]:
    """Return the tokens of this request: an answer of our cache was paid for by another."""
    usage = served.usage
    if served.cache in FROM_CACHE or not usage.total_tokens:
        return {}
    cache_write = usage.cache_write_5m + usage.cache_write_1h
    return {
        "gen_ai.usage.input_tokens": usage.input_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": usage.cache_read,
        "gen_ai.usage.cache_creation.input_tokens": cache_write,
        "gen_ai.usage.reasoning.output_tokens": usage.reasoning,
    }


def _is_fault(served: Served) -> bool:
    """A caller's mistake is no failure of the server; a stream that broke after 200 is."""
    if not served.error_code:
        return False
    return served.http_status >= _SERVER_FAULT or served.http_status == _OK
