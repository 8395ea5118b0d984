"""How far a call may get: the names its route goes by, and the deployments that may see it.

A policy attached to a deployment holds for all of them, by whatever name it is called: what is sent
to a fallback was looked into before anything was sent.
"""

from typing import TYPE_CHECKING, Final

from legato.core.guarding import Reach
from legato.core.registry import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from legato.gateway.context import Call
    from legato.gateway.directory import Directory, Route

_PROMPT: Final = f"{Kind.PROMPT}/"


class Reaching:
    """Tells how far calls may get."""

    def __init__(self, directory: "Directory", embedder: str = "") -> None:
        """`embedder` is the deployment that the semantic cache asks, if it asks one."""
        self.directory = directory
        self._embedder = embedder

    def __call__(self, call: "Call") -> Reach:
        """Return it; of a copy together with that of the call it was made of."""
        called = frozenset(_called(call.route, self.directory, self._embedder))
        own = Reach(names_of(call), called)
        return own if call.reach is None else own | call.reach


def names_of(call: "Call") -> frozenset[str]:
    """Return the names that a call's route goes by: with a prompt, also `prompt/NAME`."""
    alias = "" if call.route is None else call.route.alias
    prompt = call.versions.partition("@")[0] if call.versions.startswith(_PROMPT) else ""
    return frozenset(filter(None, (alias, prompt)))


def _called(route: "Route | None", directory: "Directory", embedder: str) -> "Iterator[str]":
    if route is None:
        return
    yield from (one.name for one in route.called)
    beside = [
        route.context.summarise.deployment
        if route.context is not None and route.context.summarise is not None
        else None,
        route.cascade.checks.judge
        if route.cascade is not None and route.cascade.checks is not None
        else None,
        route.quality.terms.guarantee.judge
        if route.quality is not None and route.quality.terms.guarantee is not None
        else None,
        embedder if route.semantic is not None else None,
    ]
    for name in filter(None, beside):
        other = directory.named(name)
        yield from (name,) if other is None else (one.name for one in other.called)
