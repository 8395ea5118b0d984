"""Checks deployments and routes of the registry as those of the file are checked, and beside them.

What the file refuses at a start, the registry refuses when it is saved; a worker that meets it
all the same goes on with what it had.
"""

from collections.abc import Callable, Sequence

import msgspec

from legato.app.checks.cross_checks import check_names
from legato.app.config.problems import Problem, render
from legato.app.config.provider_kinds import provider_kinds
from legato.app.models.catalogue import build_provider, lane_problem
from legato.core.config import Config, Deployment
from legato.core.errors import ConfigInvalid
from legato.core.registry import Kind, ObjectName
from legato.providers.base import ProviderSettings
from legato.providers.batching import batcher_of
from legato.registry.models import Live, merged

RunsBatches = Callable[[str], bool]
"""Whether a provider, by its name, runs batches of its own."""
_NO_CREDENTIAL = "-"


class Found(msgspec.Struct, frozen=True):
    """A problem, and whose it is; None where it is the file's."""

    owner: ObjectName | None
    field: str
    told: str

    def __str__(self) -> str:
        return f"{self.field}: {self.told}"


def runs_cache(config: Config) -> bool:
    """Whether workers of a configuration have the cache."""
    return config.cache.enabled or any(route.cache.enabled for route in config.routes)


def problems_of(file: Config, live: Sequence[Live], runs_batches: RunsBatches) -> list[Found]:
    """Return what keeps these versions from being served beside what the file has."""
    config = merged(file, live)
    by_place = _places(file, live)
    problems = check_names(config, lambda _: "registry", provider_kinds())
    found = [_found(problem, by_place) for problem in problems]
    if not found:
        for one in live:
            found += _beyond_names(one, file, runs_batches)
    return found


def with_unknown_credentials(config: Config) -> RunsBatches:
    """Return what asks a provider's kind, without any of its secrets."""
    providers = {one.name: one for one in config.providers}

    def runs_batches(name: str) -> bool:
        config = providers[name]
        secrets = dict.fromkeys(config.secrets, _NO_CREDENTIAL)
        settings = ProviderSettings(config, config.base_url or "", _NO_CREDENTIAL, secrets)
        try:
            return batcher_of(build_provider(settings)) is not None
        except ConfigInvalid:
            return True  # it needs its secrets to tell: the worker has them

    return runs_batches


def _beyond_names(one: Live, file: Config, runs_batches: RunsBatches) -> list[Found]:
    model = one.model
    if isinstance(model, Deployment):
        native = model.batch.lane == "native" and not runs_batches(model.provider)
        return [Found(one.name, "batch.lane", lane_problem(model.provider))] if native else []
    if model.cache.enabled and not runs_cache(file):
        told = "this instance has no cache; set cache.enabled in its legato.yaml, or leave this out"
        return [Found(one.name, "cache.enabled", told)]
    return []


def _places(file: Config, live: Sequence[Live]) -> dict[tuple[str, int], ObjectName]:
    places: dict[tuple[str, int], ObjectName] = {}
    for section, kind, count in (
        ("deployments", Kind.DEPLOYMENT, len(file.deployments)),
        ("routes", Kind.ROUTE, len(file.routes)),
    ):
        of_kind = [one.name for one in live if one.name.kind is kind]
        places |= {(section, count + index): name for index, name in enumerate(of_kind)}
    return places


def _found(problem: Problem, by_place: dict[tuple[str, int], ObjectName]) -> Found:
    path = problem.path
    told = f"{problem.message}. {problem.remedy}"
    if len(path) > 1 and isinstance(path[0], str) and isinstance(path[1], int):
        owner = by_place.get((path[0], path[1]))
        if owner is not None:
            return Found(owner, render(path[2:]), told)
    return Found(None, render(path), told)
