"""Routers of the registry: their content, and how routes name them."""

from typing import Any

import pytest

from legato.core.errors import InvalidRequest
from legato.registry.reading import ContentInvalid
from legato.registry.routers import RouterReference, check_router, router_reference

SPEC: dict[str, Any] = {
    "model_digest": "0" * 64,
    "embedder": "wordllama-256",
    "questions": 300,
    "deployments": {"small": {"judged": 120, "mean": 0.5}},
}


def test_a_router_is_what_it_was_judged_on() -> None:
    assert check_router(SPEC).deployments["small"].judged == 120


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"model_digest": "3fa9"}, "model_digest"),
        ({"deployments": {}}, "deployments"),
        ({"deployments": {"small": {"judged": 0, "mean": 0.5}}}, "judged"),
        ({"vectors": []}, "vectors"),
    ],
)
def test_what_is_wrong_is_told_by_its_field(change: dict[str, Any], told: str) -> None:
    with pytest.raises(ContentInvalid, match=told):
        check_router({**SPEC, **change})


def test_routes_name_a_router_or_a_file() -> None:
    assert router_reference("router/chat") == RouterReference("chat", "production")
    assert router_reference("router/chat@next") == RouterReference("chat", "next")
    assert router_reference("./router/chat") is None
    assert router_reference("chat.router") is None
    with pytest.raises(InvalidRequest, match=r"\./router/ for a file"):
        router_reference("router/")
