"""Records as the gateway would write them, small and countable."""

from legato.core.records import (
    EntryKind,
    Facts,
    Intent,
    Progress,
    Record,
    Served,
    Settled,
    Voided,
    encode_record,
)
from legato.core.usage import Usage, UsageSource
from legato.economics.waterfall import OVERHEAD_KINDS

AT_NS = 1_700_000_000_000_000_000  # 2023-11-14, where ManualClock starts
BUDGET = "key:k1"


def facts(request_id: str, attempt: int = 0, **changes: object) -> Facts:
    values: dict[str, object] = {
        "request_id": request_id,
        "attempt": attempt,
        "org": "acme",
        "team": "support",
        "feature": "bot",
        "key_id": "k1",
        "user": "u-1",
        "tags": {"env": "prod"},
        "model_requested": "fast",
        "route": "fast",
        "deployment": "small",
        "provider": "simulated",
        "model": "small-1",
        "region": "eu",
        "price_version": "p1",
        "baseline_model": "large",
        "config_version": "c1",
        **changes,
    }
    return Facts(**values)  # type: ignore[arg-type]


def intent(request_id: str, attempt: int = 0, *, cost: int | None = 900, budget: str = "",
           at_ns: int = AT_NS, spans: str = "") -> Intent:  # fmt: skip
    return Intent(
        facts(request_id, attempt), at_ns, cost, budget, Usage(100, out_text=80), cost, 2000,
        budget_spans=spans,
    )  # fmt: skip


def progress(request_id: str, attempt: int = 0, *, cost: int = 300, out: int = 20) -> Progress:
    return Progress(request_id, attempt, Usage(100, out_text=out), cost, 1000)


def settled(
    request_id: str,
    attempt: int = 0,
    *,
    cost: int | None = 500,
    budget: str = "",
    kind: EntryKind = EntryKind.USAGE,
    at_ns: int = AT_NS,
    held_at_ns: int = 0,
    steps: tuple[int, ...] = (),
    **changes: object,
) -> Settled:
    return Settled(
        facts=facts(request_id, attempt, **changes),
        kind=kind,
        at_ns=at_ns,
        usage=Usage(100, 10, 1, 2, 40, 5, 0, 0, 3, 4),
        usage_source=UsageSource.PROVIDER,
        cost=cost,
        baseline_cost=0 if kind in OVERHEAD_KINDS else 1500,
        model_served="small-1",
        status="ok",
        http_status=200,
        total_us=1000,
        first_token_us=100,
        gateway_us=50,
        budget_id=budget,
        held_at_ns=held_at_ns,
        steps=steps,
    )


def voided(request_id: str, attempt: int = 0) -> Voided:
    return Voided(request_id, attempt, "connection refused")


def served(request_id: str, *, at_ns: int = AT_NS) -> Served:
    return Served(
        request_id=request_id,
        at_ns=at_ns,
        org="acme",
        team="support",
        feature="bot",
        key_id="k1",
        surface="openai.chat",
        model_requested="fast",
        deployment="small",
        provider="simulated",
        model_served="small-1",
        attempts=1,
        http_status=200,
        error_code="",
        stream=True,
        cache="miss",
        cost=500,
        total_us=1000,
        first_byte_us=90,
        upstream_us=900,
        stages=(("authenticate", 3), ("call", 900)),
        trace_id="t" * 32,
        parent_span_id="",
        sampled=False,
        usage=Usage(100, out_text=40),
    )


def encoded(*records: Record) -> list[bytes]:
    return [encode_record(record) for record in records]
