"""The policies that live in the registry beside those of the file."""

from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from legato.app.checks.instance import find_instance
from legato.app.desks.stored_data import stored_data
from legato.core.config import Config
from legato.core.config_guardrails import GuardPolicy
from legato.core.errors import LegatoError
from legato.gateway.guards.policies import Snapshot


def with_registry(config: Config, data: Path, config_file: Path | None) -> tuple[Config, list[str]]:
    """Return a configuration with what is live in the registry, and what to tell of that.

    What can't be read is told: nothing of it is tried then.
    """
    try:
        found = _live(data, config_file)
    except LegatoError as error:
        return config, [f"policies of the registry are not tried: {error.message}"]
    told = [
        f"{version} of {org} can't be read, so its requests are refused: not tried"
        for org, versions in found.broken.items()
        for version in versions
    ]
    policies = config.guardrails.policies
    added = [_named(one, [each.name for each in policies]) for one in _attached(found)]
    if added:
        names = ", ".join(one.name for one in added)
        told.append(f"policies of the registry, tried as the file's: {names}")
    guardrails = replace(config.guardrails, policies=[*policies, *added])
    return replace(config, guardrails=guardrails), told


def _live(data: Path, config_file: Path | None) -> Snapshot:
    instance = find_instance(data, config_file)
    with stored_data(instance) as stored:
        return stored.policies(instance)


def _attached(found: Snapshot) -> list[GuardPolicy]:
    """Return policies as a file would write them: each for its own organisation."""
    return [
        replace(one.setting, attach=replace(one.setting.attach, orgs=[one.org]))
        for one in found.policies
        if one.org is not None
    ]


def _named(policy: GuardPolicy, taken: Sequence[str]) -> GuardPolicy:
    orgs = policy.attach.orgs or [""]
    return replace(policy, name=f"{policy.name}-of-{orgs[0]}") if policy.name in taken else policy
