from __future__ import annotations

from legato.app.models.model_checks import problems_of, with_unknown_credentials
from legato.core.config import (
    BatchLane,
    Cache,
    Config,
    Deployment,
    Provider,
    Route,
    TokenPrice,
)
from legato.core.config_cache import RouteCache
from legato.core.registry import Kind, ObjectName
from legato.registry.models import Live, Model

FILE = Config(
    providers=[Provider(name="up", kind="cohere")],
    deployments=[Deployment(name="small", provider="up", model="m")],
    cache=Cache(enabled=False),
)


def live(model: Model) -> Live:
    if isinstance(model, Deployment):
        return Live(ObjectName(Kind.DEPLOYMENT, model.name), "d" * 64, model)
    return Live(ObjectName(Kind.ROUTE, model.alias), "d" * 64, model)


def fields(*models: Model) -> list[tuple[str, str]]:
    """Whose problems there are, and in which fields."""
    runs_batches = with_unknown_credentials(FILE)
    found = problems_of(FILE, [live(model) for model in models], runs_batches)
    return [(str(one.owner), one.field) for one in found]


def test_a_sound_version_has_no_problem() -> None:
    fast = Deployment(name="fast", provider="up", model="n")
    assert fields(fast, Route(alias="chat", deployments=["fast", "small"])) == []


def test_a_problem_is_told_by_whose_it_is_and_its_field() -> None:
    price = TokenPrice(input_per_mtok="0.0000001")
    wrong = Deployment(name="wrong", provider="nowhere", model="m", price=price)
    route = Route(alias="chat", deployments=["small", "gone"])
    assert fields(wrong, route) == [
        ("deployment/wrong", "provider"),
        ("deployment/wrong", "price.input_per_mtok"),
        ("route/chat", "deployments[1]"),
    ]


def test_a_provider_without_batches_runs_none() -> None:
    native = Deployment(name="native", provider="up", model="m", batch=BatchLane(lane="native"))
    assert fields(native) == [("deployment/native", "batch.lane")]


def test_a_route_cannot_have_a_cache_that_no_worker_has() -> None:
    cached = Route(alias="cached", deployments=["small"], cache=RouteCache(enabled=True))
    assert fields(cached) == [("route/cached", "cache.enabled")]
