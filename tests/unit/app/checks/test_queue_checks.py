"""A queue in which nobody would ever wait, and weights of nobody, are said at the start."""

from __future__ import annotations

from typing import Any

import msgspec

from legato.app.checks.queue_checks import problems_of_queue
from legato.core.config import Config

PROVIDER = {"name": "open", "kind": "openai_compatible", "base_url": "http://127.0.0.1/v1"}


def found(weights: dict[str, int], *, limits: dict[str, int], **load: bool) -> list[Any]:
    deployment = {"name": "mini", "provider": "open", "model": "mini", "limits": limits}
    route = {"alias": "chat", "deployments": ["mini"], "queue": {"weights": weights}}
    tree = {
        "config_version": 1,
        "providers": [PROVIDER],
        "deployments": [deployment],
        "routes": [route],
        "load": load,
    }
    config = msgspec.convert(tree, Config)
    return [at for at, _, _ in problems_of_queue(config.routes[0], config)]


def test_what_can_be_waited_for_has_no_problems() -> None:
    assert found({"acme": 2, "acme/search": 3}, limits={"concurrency_max": 1}) == []
    assert found({}, limits={}, heed_rate_limits=True) == []


def test_a_queue_without_a_limit_is_a_mistake() -> None:
    assert found({}, limits={}) == [("queue",)]


def test_a_weight_of_nobody_is_named() -> None:
    weights = {"acme/search/key": 2}
    assert found(weights, limits={"concurrency_max": 1}) == [
        ("queue", "weights", "acme/search/key")
    ]
