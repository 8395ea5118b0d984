"""Opens an organisation's registry, as the configuration of the instance has it."""

from typing import Any

from legato.app.loaded import LoadedConfig
from legato.core.config import Config
from legato.core.errors import InvalidRequest
from legato.core.registry import Kind
from legato.registry.checking import check_prompt
from legato.registry.judges import check_judge
from legato.registry.registry import Check, References, Registry, Sealing
from legato.storage.registry import RegistryReader
from legato.storage.registry_changes import RegistryChanges


def open_registry(
    loaded: LoadedConfig,
    org: str,
    stores: tuple[RegistryReader, RegistryChanges],
    sealing: Sealing,
) -> Registry:
    """Return an organisation's registry; nothing is read yet."""
    return Registry(
        org,
        stores,
        sealing,
        checks=checks(loaded.config),
        approvals=loaded.config.registry.approvals,
    )


def checks(config: Config) -> dict[Kind, Check]:
    """Return what each kind's content must be on this instance."""
    callable_names = {one.alias for one in config.routes} | {one.name for one in config.deployments}

    def called(name: str, field: str) -> References:
        if name not in callable_names:
            known = ", ".join(sorted(callable_names)[:20]) or "none"
            msg = f"{field}: nothing here is called {name!r}; routes and deployments: {known}"
            raise InvalidRequest(msg, param=field)
        return frozenset({("route", name)})

    def prompt(content: Any) -> References:
        return called(check_prompt(content).route, "route")

    def judge(content: Any) -> References:
        return called(check_judge(content).model, "model")

    return {Kind.PROMPT: prompt, Kind.JUDGE: judge}
