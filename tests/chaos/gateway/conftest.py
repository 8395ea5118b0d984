from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from legato.providers.simulated.child import SimulatedChild
from legato.providers.simulated.settings import SimulatedSettings

from .audit import PRICES
from .instance import SOURCE, Instance

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

USUAL = SimulatedSettings(
    seed=1,
    latency_ms=10,
    latency_jitter_ms=8,
    itl_ms=1,
    output_tokens_min=6,
    output_tokens_max=30,
    cached_share=0.3,
    reasoning_share=0.2,
)
MakeInstance = Callable[..., Instance]
Say = Callable[[str], None]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Show figures while the tests run: what was really done, and what it came to."""

    def show(figures: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n  {figures}")

    return show


@pytest.fixture
def provider(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimulatedChild]:
    """The provider: a process of its own, so its book outlives every kill of the gateway."""
    monkeypatch.setenv("PYTHONPATH", str(SOURCE), prepend=os.pathsep)
    folder = tmp_path / "provider"
    folder.mkdir()
    child = SimulatedChild(folder, USUAL)
    yield child
    child.stop()


@pytest.fixture
def instance_of(tmp_path: Path, provider: SimulatedChild) -> Iterator[MakeInstance]:
    """Make instances in front of the provider, which are ended with the test."""
    made: list[Instance] = []

    def make(*, workers: int = 1, **changes: Any) -> Instance:
        folder = tmp_path / f"legato-{len(made)}"
        folder.mkdir()
        instance = Instance(folder, base_config(provider.url, **changes), workers=workers)
        made.append(instance)
        return instance

    yield make
    for instance in made:
        instance.close()


def base_config(provider_url: str, **changes: Any) -> dict[str, Any]:
    """Two deployments, one route, keys with and without limits; `changes` replace sections."""
    return {
        "providers": [
            {
                "name": "upstream",
                "kind": "openai_compatible",
                "base_url": f"{provider_url}/v1",
                "connections_max": 8192,
            }
        ],
        "deployments": [
            {
                "name": name,
                "provider": "upstream",
                "model": f"{name}-1",
                "max_output_tokens": 128,
                "price": {"input_per_mtok": tokens_in, "output_per_mtok": tokens_out},
            }
            for name, (tokens_in, tokens_out) in PRICES.items()
        ],
        "routes": [{"alias": "chat", "baseline": "large", "deployments": ["small", "large"]}],
        "keys": [
            key("open"),
            key("rich", budget={"usd": "100", "window": "total"}),
            key("poor", budget={"usd": "0.006", "window": "total"}),
            key("narrow", requests_per_minute=100_000, concurrency_max=64),
        ],
        "retry": {"attempts_max": 2, "backoff_base_s": 0.02, "backoff_max_s": 0.1},
        "breaker": {"failures": 50, "failure_share": 1.0, "open_s": 0.5},
        "journal": {"segment_mib": 1},
        **changes,
    }


def key(name: str, **limits: Any) -> dict[str, Any]:
    return {"name": name, "team": "chaos", "feature": name, **limits}
