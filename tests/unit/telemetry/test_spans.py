from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from legato.core.records import Served
from legato.core.usage import Usage
from legato.telemetry.spans import Span, SpanKind, is_sampled, spans_of

REQUEST_ID = "01978f2e6b7c7d3e8a4b5c6d7e8f9a0b"
SERVED = Served(
    request_id=REQUEST_ID,
    at_ns=1_700_000_000_000_000_000,
    org="default",
    team="search",
    feature="answers",
    key_id="k1",
    surface="chat_completions",
    model_requested="chat",
    deployment="small",
    provider="upstream",
    model_served="small-1",
    attempts=2,
    http_status=200,
    error_code="",
    stream=True,
    cache="miss",
    cost=1_234_567,
    total_us=1_000,
    first_byte_us=500,
    upstream_us=700,
    stages=(("authenticate", 50), ("route", 150), ("call", 700), ("send", 100)),
    trace_id="4bf92f3577b34da6a3ce929d0e0e4736",
    parent_span_id="00f067aa0ba902b7",
    sampled=False,
    usage=Usage(in_uncached=10, cache_read=5, out_text=7, reasoning=3),
)


def served(**changes: object) -> Served:
    return msgspec.structs.replace(SERVED, **changes)


def split(record: Served) -> tuple[Span, list[Span], list[Span]]:
    spans = spans_of(record)
    stages = [span for span in spans if span.kind is SpanKind.INTERNAL]
    return spans[0], stages, [span for span in spans if span.kind is SpanKind.CLIENT]


def test_the_request_is_a_server_span_below_the_callers() -> None:
    request, _, _ = split(SERVED)
    assert (request.name, request.kind) == ("POST /v1/chat/completions", SpanKind.SERVER)
    assert request.parent_span_id == SERVED.parent_span_id
    assert request.end_ns - request.start_ns == 1_000_000
    assert request.attributes["gen_ai.operation.name"] == "chat"
    assert request.attributes["gen_ai.request.model"] == "chat"
    assert request.attributes["gen_ai.response.model"] == "small-1"
    assert request.attributes["gen_ai.provider.name"] == "upstream"
    assert request.attributes["gen_ai.usage.input_tokens"] == 15
    assert request.attributes["gen_ai.usage.output_tokens"] == 10
    assert request.attributes["http.response.status_code"] == 200
    assert request.attributes["legato.cost_nano_usd"] == 1_234_567
    assert request.attributes["legato.cost_usd"] == 0.001234567
    assert request.attributes["legato.cache"] == "miss"
    assert request.attributes["legato.team"] == "search"
    assert "error.type" not in request.attributes


def test_the_stages_follow_each_other_from_arrival_to_end() -> None:
    request, stages, _ = split(SERVED)
    assert [span.attributes["legato.stage"] for span in stages] == [
        "authenticate", "route", "call", "send",
    ]  # fmt: skip
    assert {span.parent_span_id for span in stages} == {request.span_id}
    assert stages[0].start_ns == request.start_ns
    assert all(a.end_ns == b.start_ns for a, b in pairwise(stages))
    assert stages[-1].end_ns == request.end_ns


def test_the_call_to_the_provider_hangs_below_its_stage() -> None:
    _, stages, (upstream,) = split(SERVED)
    assert upstream.name == "chat small-1"
    assert upstream.parent_span_id == stages[2].span_id
    assert (upstream.start_ns, upstream.end_ns) == (stages[2].start_ns, stages[2].end_ns)
    assert upstream.attributes["legato.attempts"] == 2


def test_an_answer_from_the_cache_has_neither_call_nor_tokens() -> None:
    hit = served(attempts=0, cache="hit", cost=0, stages=(("lookup_cache", 900),))
    request, _, upstream = split(hit)
    assert upstream == []
    assert "gen_ai.usage.input_tokens" not in request.attributes


def test_an_unpriced_request_has_no_cost_at_all() -> None:
    attributes = split(served(cost=None))[0].attributes
    assert attributes["legato.unpriced"] is True
    assert not {"legato.cost_usd", "legato.cost_nano_usd"} & attributes.keys()


def test_a_failed_request_shows_where_it_ended() -> None:
    broken = served(
        error_code="all_attempts_failed",
        http_status=502,
        stages=(("authenticate", 50), ("route", 150)),
    )
    request, stages, (upstream,) = split(broken)
    assert request.failed
    assert request.attributes["error.type"] == "all_attempts_failed"
    assert stages[-1].attributes["legato.stage"] == "unfinished"
    assert stages[-1].end_ns == request.end_ns
    assert upstream.failed
    assert upstream.parent_span_id == stages[-1].span_id


def test_the_call_shown_is_the_last_attempts() -> None:
    both = (("reserve", 10), ("call", 300), ("reserve", 10), ("call", 680))
    _, stages, (upstream,) = split(served(attempts=2, stages=both))
    assert upstream.parent_span_id == stages[3].span_id
    assert (upstream.start_ns, upstream.end_ns) == (stages[3].start_ns, stages[3].end_ns)


def test_a_callers_mistake_is_not_the_servers_failure_but_a_broken_stream_is() -> None:
    assert not split(served(error_code="invalid_request", http_status=400))[0].failed
    assert split(served(error_code="bad_provider_response", http_status=200))[0].failed


def test_an_unknown_surface_still_has_a_name() -> None:
    request, _, _ = split(served(surface="realtime"))
    assert (request.name, request.attributes["gen_ai.operation.name"]) == ("POST", "realtime")


def test_a_sampled_caller_is_always_exported() -> None:
    assert is_sampled(served(sampled=True), 0.0)


@given(st.integers(1, 2**128 - 1), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_exports_all_that_a_smaller_one_does(
    trace: int, one: float, other: float
) -> None:
    record = served(trace_id=f"{trace:032x}")
    assert not is_sampled(record, 0.0)
    assert is_sampled(record, 1.0)
    assert is_sampled(record, max(one, other)) or not is_sampled(record, min(one, other))
