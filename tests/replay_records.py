"""Records of requests made by hand, and what replaying them says."""

from typing import Any

from legato.core.config import Retry
from legato.core.decisions import (
    FAILS_OVER,
    OPENED,
    RETRYABLE,
    Decision,
    DeploymentFacts,
    RouteFacts,
    Step,
)
from legato.core.price import Price
from legato.core.usage import USAGE_CLASSES
from legato.economics.waterfall import STEP_COLUMNS, plain_steps
from legato.replay.day import Day
from legato.replay.deciding import AccessOf, Replay, Replayed, Verdict
from legato.routing.assignment import WHOLE_BP

REQUEST = "019dab0c5f9a7c11b7d0d6a4d1f9e3aa"
PRICES = {"a": Price("pa", in_uncached=1_000_000, out_text=2_000_000), "b": Price("pb")}  # type: ignore[arg-type]
OK = Step("a", "ok", 200, OPENED)
DOWN = Step("a", "provider_unavailable", 503, OPENED | FAILS_OVER | RETRYABLE)
STAYS_DOWN = Step("a", "provider_unavailable", 503, OPENED | FAILS_OVER)
ROLLOUT, SLICES = "r1", ((0, 5_000, "candidate"), (5_000, WHOLE_BP, "champion"))


def deployment(name: str, **changed: Any) -> DeploymentFacts:
    facts: dict[str, Any] = {
        "name": name,
        "provider": "p",
        "model": name,
        "region": "",
        "price_version": f"p{name}",
        "weight": 1,
        "blended_price": None,
        "max_output_tokens": 100,
        "operations": ("chat",),
    }
    return DeploymentFacts(**facts | changed)


def route(strategy: str = "ordered", **changed: Any) -> RouteFacts:
    facts: dict[str, Any] = {
        "alias": "chat",
        "name": "chat",
        "strategy": strategy,
        "deployments": (deployment("a"), deployment("b")),
        "baseline": deployment("a"),
        "retry": Retry(attempts_max=2),
        "deadline_s": 5.0,
        "cache_ttl_s": 0.0,
    }
    return RouteFacts(**facts | changed)


def decision(*steps: Step, **changed: Any) -> Decision:
    fields: dict[str, Any] = {
        "route": "digest",
        "config": "c1",
        "user": "u1",
        "operation": "chat",
        "body_bytes": 100,
        "needs": 0,
        "image_count": 0,
        "max_output_tokens": None,
        "choices": 1,
        "unit": "",
        "units": 0,
        "steps": steps,
        "draws": (),
        "latencies": (),
        "text_tokens": -1,
        "cache_control": 0,
        "cached_us": 0,
        "baseline_cost": 5_000,
    }
    return Decision(**fields | changed)


def trace(made: Decision, **changed: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "request_id": REQUEST,
        "at_ns": 1,
        "org": "acme",
        "team": "t",
        "feature": "f",
        "key_id": "k",
        "surface": "chat_completions",
        "model_requested": "chat",
        "deployment": "a",
        "attempts": 1,
        "http_status": 200,
        "error_code": "",
        "stream": False,
        "cache": "bypass",
        "cost": 5_000,
        "stages": [],
        "versions": "",
        "arm": "",
        "decision": made,
    }
    return fields | changed


def entry(attempt: int = 1, name: str = "a", **changed: Any) -> dict[str, Any]:
    """3 tokens in at 1 and 1 out at 2 µUSD: 5,000 nano-USD."""
    fields: dict[str, Any] = {
        "id": attempt,
        "attempt": attempt,
        "kind": "usage",
        "reverses_entry": None,
        "provisional": False,
        "deployment": name,
        "provider": "p",
        "model": name,
        "region": "",
        "route": "chat",
        "price_version": f"p{name}",
        "baseline_model": "a",
        "config_version": "c1",
        "versions": "",
        "arm": "",
        "measures": "",
        "cost": 5_000,
        "baseline_cost": 5_000,
        "usage_source": "provider",
        "model_served": name,
        "total_us": 10,
        **dict.fromkeys(USAGE_CLASSES, 0),
        "in_uncached": 3,
        "out_text": 1,
    }
    fields |= changed
    steps = plain_steps(fields["kind"], fields["cost"], fields["baseline_cost"])
    return dict(zip(STEP_COLUMNS, steps, strict=True)) | fields


def failed(attempt: int = 1) -> dict[str, Any]:
    nothing = dict.fromkeys(USAGE_CLASSES, 0)
    return entry(attempt, kind="retry", cost=0, baseline_cost=0, **nothing)


def replay(
    told: dict[str, Any],
    *entries: dict[str, Any],
    facts: RouteFacts | None = None,
    access: AccessOf | None = None,
) -> Replayed:
    known = facts or route()
    day = Day(lambda _: known, _price)
    again = Replay(day, lambda _org, shown: None if "gone" in shown else "chat", access)
    return again.request(told, list(entries))


def _price(name: str, version: str) -> Price | None:
    price = PRICES[name]
    return price if price.version == version else None


def assert_differs(told: Replayed, cause: str) -> None:
    assert told.verdict is Verdict.DIFFERENT, told
    assert any(cause in one for one in told.causes), told.causes
