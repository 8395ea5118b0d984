"""The operator's configuration, so changed that nothing of the operator's is called or touched."""

from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from legato.cli.security_check.identity_server import CLIENT, GROUP
from legato.cli.security_check.model_server import BROKEN_DETECTOR
from legato.core.config import Config
from legato.vault.secrets import new_secret

FAILING: Final = "security-check-failing"
TOOLS: Final = "security-check-tools"
FAILING_WORD: Final = "security-check-word"
_APART: Final = ("admin", "metrics", "tls")
_DIALECTS: Final = ("anthropic", "openai_compatible")


class Urls(msgspec.Struct, frozen=True):
    """Where this command's own servers listen."""

    models: str
    identity: str


class Caller(msgspec.Struct, frozen=True):
    """Who asks: what policies are attached by."""

    name: str
    team: str = "security-check"
    feature: str = "security-check"
    org: str = "default"


class Issuer(msgspec.Struct, frozen=True):
    """By whom tokens of callers are signed, as far as a token says it."""

    issuer: str = "https://security-check.example"
    audience: str = "legato"
    algorithm: str = "RS256"


class Keys(msgspec.Struct, frozen=True):
    """Secrets of this run alone."""

    caller: str = msgspec.field(default_factory=new_secret)
    other: str = msgspec.field(default_factory=new_secret)
    foreign: str = msgspec.field(default_factory=new_secret)
    failing: str = msgspec.field(default_factory=new_secret)
    tools: str = msgspec.field(default_factory=new_secret)
    admin: str = msgspec.field(default_factory=new_secret)
    vendor: str = msgspec.field(default_factory=lambda: new_secret().replace("lg-", "sk-"))

    def every(self) -> tuple[str, ...]:
        """Return all of them."""
        own = (self.caller, self.other, self.foreign, self.failing, self.tools)
        return *own, self.admin, self.vendor


def issuer_of(config: Config) -> Issuer:
    """Return the first issuer of the operator's, or one of this run."""
    for one in config.token_issuers:
        return Issuer(one.issuer, one.audience, one.algorithms[0])
    return Issuer()


def provider_of(config: Config) -> str:
    """Return the name of the identity provider that people sign in by."""
    return config.accounts.oidc[0].name if config.accounts.oidc else CLIENT


def write_configuration(
    config: Config, folder: Path, urls: Urls, *, caller: Caller, keys: Keys
) -> tuple[Path, list[str]]:
    """Write what is started; return its file, and what differs from the operator's.

    Raises:
        OSError: the folder can't be written.
    """
    tree: dict[str, Any] = msgspec.to_builtins(config)
    changed = [
        "registry and keys: an empty database, with keys of this run alone",
        "left out: storage, vault, export of traces, live scoring, limits of deployments",
        f"providers: all {len(config.providers)} answered by a server of this command",
    ]
    url = urls.models
    tree["server"] |= {"host": "127.0.0.1", "port": 0, "drain_s": 2.0}
    if any(tree["server"][one] is not None for one in _APART):
        changed.append("listeners: one on loopback, without TLS")
        tree["server"] |= dict.fromkeys(_APART)
    tree["egress"]["allow"] = [*tree["egress"]["allow"], "127.0.0.1"]
    vendor_key = _secret(folder, "vendor", keys.vendor)
    tree["providers"] = [_provider(one, url, vendor_key, changed) for one in tree["providers"]]
    for one in tree["deployments"]:
        one["limits"] = {}
    tree["keys"] = _keys(caller, keys, folder)
    for left_out in ("storage", "vault", "live_scoring", "telemetry"):
        del tree[left_out]
    tree["telemetry"] = {"log_level": config.telemetry.log_level}
    tree["storage"] = {"ledger_poll_s": 0.1}
    _guardrails(tree["guardrails"], url, changed)
    _identity(tree, urls.identity, caller)
    changed.append("who signs tokens and logins: a server of this command")
    tools = {"allow": ["send"], "refused": "refuse"}
    tree["access"]["rules"].append({"name": TOOLS, "who": {"keys": [TOOLS]}, "tools": tools})
    file = folder / "legato.yaml"
    file.write_text(yaml.safe_dump(_without_none(tree), sort_keys=False, allow_unicode=True))
    return file, changed


def _provider(
    one: dict[str, Any], url: str, key: dict[str, str], changed: list[str]
) -> dict[str, Any]:
    """Let the same dialect be spoken to our server; kinds it doesn't speak become OpenAI's."""
    kept = {"name": one["name"], "kind": one["kind"], "api_key": key}
    if one["kind"] in _DIALECTS:
        kept |= {"settings": one["settings"], "transport": one["transport"]}
        kept["preset"] = one["preset"]
    else:
        changed.append(f"provider {one['name']}: openai_compatible in the place of {one['kind']}")
        kept["kind"] = "openai_compatible"
    return kept | {"base_url": url if kept["kind"] == "anthropic" else f"{url}/v1"}


def _keys(caller: Caller, keys: Keys, folder: Path) -> list[dict[str, Any]]:
    own = {"team": caller.team, "feature": caller.feature, "org": caller.org}
    foreign = own | {"org": "security-check-foreign"}
    made: list[tuple[str, str, dict[str, Any]]] = [
        (caller.name, keys.caller, own),
        ("security-check-other", keys.other, own),
        ("security-check-foreign", keys.foreign, foreign),
        (FAILING, keys.failing, own),
        (TOOLS, keys.tools, own),
        ("security-check-admin", keys.admin, own | {"admin": True}),
    ]
    return [
        {"name": name, **fields, "secret": _secret(folder, f"key-{number}", secret)}
        for number, (name, secret, fields) in enumerate(made)
    ]


def _identity(tree: dict[str, Any], url: str, caller: Caller) -> None:
    """Let tokens and people come of our server, by the operator's settings where there are any."""
    issuers, accounts = tree["token_issuers"], tree["accounts"]
    issuer = issuers[0] if issuers else {"name": CLIENT, **msgspec.structs.asdict(Issuer())}
    issuer.pop("algorithm", None)
    issuer |= {"jwks_url": f"{url}/jwks", "jwks_file": None, "org": caller.org}
    issuer |= {"keys": [{"key": caller.name}]}
    tree["token_issuers"] = [issuer]  # of the others nobody could sign
    provider = accounts["oidc"][0] if accounts["oidc"] else {"name": CLIENT}
    provider |= {"issuer": url, "client_id": CLIENT, "client_secret": None, "ca_file": None}
    provider |= {"algorithms": ["RS256"]}
    provider |= {"role_mapping": [{"claim": "groups", "value": GROUP, "role": "viewer"}]}
    accounts["oidc"] = [provider]
    accounts["external_url"] = accounts["external_url"] or "http://127.0.0.1"


def _guardrails(tree: dict[str, Any], url: str, changed: list[str]) -> None:
    """Let no detector of the operator's be called, and add one that fails, for one key alone."""
    for one in tree["detectors"]:
        if one["url"] is not None:
            changed.append(f"detector {one['name']}: finds nothing here, it isn't called")
            one["url"] = f"{url}/findings"
    if not tree["policies"]:
        return
    changed.append("guardrails: one detector that fails, for one key of this run alone")
    label = "SECURITY_CHECK"
    broken = {"name": FAILING, "url": f"{url}{BROKEN_DETECTOR}", "labels": [label]}
    rule = {"name": "failing", "detect": {"labels": [label]}, "action": "redact"}
    tree["detectors"].append(broken)
    tree["policies"].append({"name": FAILING, "attach": {"keys": [FAILING]}, "rules": [rule]})


def _secret(folder: Path, name: str, text: str) -> dict[str, str]:
    file = folder / "secrets" / name
    file.parent.mkdir(mode=0o700, exist_ok=True)
    file.write_text(text)
    return {"file": str(file)}


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_none(one) for name, one in value.items() if one is not None}
    if isinstance(value, list):
        return [_without_none(one) for one in value]
    return value
