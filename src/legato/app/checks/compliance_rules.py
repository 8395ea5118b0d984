"""Rules of compliance that are asked whenever something is saved: before it can break them.

A configuration is held against them with what is live in the registry, so a deployment or a route
is refused where it is saved, and one of the file at a start and by `legato config check`.
"""

from collections.abc import Callable, Iterator
from ipaddress import ip_address
from types import MappingProxyType
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from legato.app.config.problems import Path, suggestion
from legato.app.prices.pricing import address_of
from legato.core.compliance import Framework
from legato.core.config import Config, DataUse, Deployment
from legato.guardrails.policy.coverage import unguarded
from legato.routing.ability import data_use_in_force

Where = Iterator[tuple[Path, str]]
"""Where a configuration breaks a rule, and what is wrong there."""


class SavedRule(NamedTuple):
    """One that the operator may switch on."""

    meaning: str
    remedy: str
    broken: Callable[[Config], Where]


class Breach(NamedTuple):
    """Where a configuration breaks a rule."""

    path: Path
    rule: str
    told: str
    remedy: str


def _regions(config: Config) -> Where:
    for index, one in enumerate(config.deployments):
        if not one.region:
            yield ("deployments", index, "region"), f"`{one.name}` says no region"


def _terms(config: Config) -> Where:
    for index, one in enumerate(config.deployments):
        use = data_use_of(one, config)
        path = ("deployments", index, "data_use")
        if use.training is not False:
            yield path, f"training on what `{one.name}` is sent isn't excluded"
        elif use.retention_days is None:
            yield path, f"how long `{one.name}` keeps what it is sent isn't known"


def _bound(config: Config) -> Where:
    for index, one in enumerate(config.routes):
        if one.require is None or not one.require.regions:
            yield ("routes", index, "require"), f"`{one.alias}` may go to any region"


def _guarded(group: str) -> Callable[[Config], Where]:
    def broken(config: Config) -> Where:
        places: dict[str, Path] = {}
        for index, route in enumerate(config.routes):
            places[route.alias] = ("routes", index, "alias")
        for index, deployment in enumerate(config.deployments):
            places.setdefault(deployment.name, ("deployments", index, "name"))
        for name in unguarded(config, config.guardrails.policies, group):
            told = f"no enforced policy of the file holds {group} back for everybody on `{name}`"
            yield places[name], told

    return broken


def _redacted(config: Config) -> Where:
    for index, one in enumerate(config.capture.rules):
        if one.payloads != "none" and not one.redact:
            yield ("capture", "rules", index), "it keeps content with its personal data"


def _by_tls(config: Config) -> Where:
    for index, one in enumerate(config.providers):
        url = urlsplit(one.base_url or "")
        if url.scheme == "http" and not is_local(url.hostname):
            yield ("providers", index, "base_url"), f"`{one.name}` is called without TLS"


def _copied(config: Config) -> Where:
    if not config.audit.export:
        yield ("audit", "export"), "the audit log is copied nowhere"


def _two_providers(config: Config) -> Where:
    provider_of = {one.name: one.provider for one in config.deployments}
    for index, one in enumerate(config.routes):
        reached = {provider_of.get(name) for name in [*one.deployments, *one.degrade]} - {None}
        if len(reached) <= 1:
            yield ("routes", index, "deployments"), f"`{one.alias}` depends on one provider"


SAVED_RULES: Final = MappingProxyType(
    {
        "deployments-say-region": SavedRule(
            "Each deployment says where it runs.", "State `region`", _regions
        ),
        "deployments-exclude-training": SavedRule(
            "No deployment's provider trains on what is sent, and what it keeps is known.",
            "State `data_use` (training, retention_days) as the contract has it",
            _terms,
        ),
        "routes-bind-regions": SavedRule(
            "Each route requires regions.", "Set `require: {regions: [...]}`", _bound
        ),
        "personal-data-guarded": SavedRule(
            "On each name that can be called, personal data is held back for everybody.",
            "Enforce a policy of the file that redacts `personal` there, before it is served",
            _guarded("personal"),
        ),
        "secrets-guarded": SavedRule(
            "On each name that can be called, secrets are held back for everybody.",
            "Enforce a policy of the file that blocks or redacts `secrets` there",
            _guarded("secrets"),
        ),
        "captures-redacted": SavedRule(
            "No content of requests is kept with its personal data.",
            "Write `redact: true`",
            _redacted,
        ),
        "providers-by-tls": SavedRule(
            "Each provider elsewhere is called by https.",
            "Give it a base_url that begins with https://",
            _by_tls,
        ),
        "audit-log-copied": SavedRule(
            "The audit log is copied elsewhere.", "Name a destination in audit.export", _copied
        ),
        "routes-have-fallbacks": SavedRule(
            "Each route can go to a second provider.",
            "Add a deployment at another provider",
            _two_providers,
        ),
    }
)
BY_FRAMEWORK: Final = MappingProxyType(
    {
        Framework.GDPR: (
            "deployments-say-region",
            "deployments-exclude-training",
            "routes-bind-regions",
            "personal-data-guarded",
            "captures-redacted",
            "providers-by-tls",
        ),
        Framework.HIPAA: (
            "deployments-exclude-training",
            "personal-data-guarded",
            "captures-redacted",
            "providers-by-tls",
            "audit-log-copied",
        ),
        Framework.SOC2: (
            "secrets-guarded",
            "providers-by-tls",
            "audit-log-copied",
            "routes-have-fallbacks",
        ),
    }
)


def rules_on(config: Config) -> list[str]:
    """Return the names of the rules that are switched on; unknown ones are left out."""
    said = config.compliance
    of_frameworks = [name for one in said.frameworks for name in BY_FRAMEWORK[one]]
    return [name for name in dict.fromkeys([*of_frameworks, *said.rules]) if name in SAVED_RULES]


def breaches_of(config: Config) -> list[Breach]:
    """Return where a configuration breaks the rules that are switched on."""
    return [
        Breach(path, name, told, SAVED_RULES[name].remedy)
        for name in rules_on(config)
        for path, told in SAVED_RULES[name].broken(config)
    ]


def problems_of_compliance(config: Config) -> Iterator[tuple[Path, str, str]]:
    """Yield what is wrong with the setting itself, and what breaks a rule that refuses."""
    said = config.compliance
    for index, name in enumerate(said.rules):
        if name not in SAVED_RULES:
            path = ("compliance", "rules", index)
            yield path, f"no rule `{name}`", suggestion(name, sorted(SAVED_RULES))
    if said.on_breach == "refuse":
        for one in breaches_of(config):
            yield one.path, f"{one.told}: it breaks {one.rule}", f"{one.remedy}."


def data_use_of(deployment: Deployment, config: Config) -> DataUse:
    """Return what becomes of the data sent to a deployment, as far as it is known."""
    provider = next((one for one in config.providers if one.name == deployment.provider), None)
    if provider is None:
        return deployment.data_use
    host = urlsplit(address_of(provider)).hostname or ""
    return data_use_in_force(deployment, provider.kind, host)


def is_local(host: str | None) -> bool:
    """Whether a host name or address is this machine's own, which nobody else reaches."""
    if host is None or host == "localhost":
        return host is not None
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
