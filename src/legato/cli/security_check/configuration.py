"""The operator's configuration, so changed that nothing of the operator's is called or touched."""

from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from legato.cli.security_check.model_server import BROKEN_DETECTOR
from legato.core.config import Config
from legato.vault.secrets import new_secret

FAILING: Final = "security-check-failing"
FAILING_WORD: Final = "security-check-word"
_DIALECTS: Final = ("anthropic", "openai_compatible")


class Caller(msgspec.Struct, frozen=True):
    """Who asks: what policies are attached by."""

    name: str
    team: str = "security-check"
    feature: str = "security-check"
    org: str = "default"


class Keys(msgspec.Struct, frozen=True):
    """Secrets of this run alone."""

    caller: str = msgspec.field(default_factory=new_secret)
    other: str = msgspec.field(default_factory=new_secret)
    foreign: str = msgspec.field(default_factory=new_secret)
    failing: str = msgspec.field(default_factory=new_secret)
    admin: str = msgspec.field(default_factory=new_secret)
    vendor: str = msgspec.field(default_factory=lambda: new_secret().replace("lg-", "sk-"))

    def every(self) -> tuple[str, ...]:
        """Return all of them."""
        return self.caller, self.other, self.foreign, self.failing, self.admin, self.vendor


def write_configuration(
    config: Config, folder: Path, url: str, *, caller: Caller, keys: Keys
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
    tree["server"] |= {"host": "127.0.0.1", "port": 0, "drain_s": 2.0}
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
        ("security-check-admin", keys.admin, own | {"admin": True}),
    ]
    return [
        {"name": name, **fields, "secret": _secret(folder, f"key-{number}", secret)}
        for number, (name, secret, fields) in enumerate(made)
    ]


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
