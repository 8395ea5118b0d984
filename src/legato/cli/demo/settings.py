"""The configuration the demo writes: one local model, a partner that will fail, a premium tier."""

from pathlib import Path
from typing import Any, Final

import yaml

from legato.cli.demo.premium import Premium

MARK: Final = "# Written by `legato demo`; it is written anew by the next one."
LOCAL_MODEL: Final = "smollm2-135m"
LOCAL: Final = "local-smollm2"
PARTNER: Final = "partner-simulated"
PARTNER_PROVIDER: Final = "simulated-partner"
EVERYDAY: Final = "everyday"
EXPERT: Final = "expert"
SLOTS: Final = 2
_LOCAL_TOKENS_MAX: Final = 256

MACHINE_HOUR_USD: Final = "0.10"
PREMIUM_PER_MTOK_USD: Final = ("5", "15")
PARTNER_PER_MTOK_USD: Final = ("1", "4")
_COMMENTS: Final = f"""\
{MARK}
# Prices here are DEMO PRICES: a machine for ${MACHINE_HOUR_USD} an hour, and round figures for
# what is simulated. Providers and deployments with `simulated` in their name make answers up.
"""


def configuration(premium: Premium, port: int) -> str:
    """Return the text of the demo's legato.yaml."""
    deployments = [_local(), _partner(), _premium(premium)]
    tree: dict[str, Any] = {
        "config_version": 1,
        "server": {"host": "127.0.0.1", "port": port, "drain_s": 5},
        "providers": [
            {
                "name": "this-machine",
                "kind": "local",
                "settings": {"model": LOCAL_MODEL, "slots": SLOTS, "context_tokens": 2048},
            },
            {
                "name": PARTNER_PROVIDER,
                "kind": "simulated",
                "settings": {"latency_ms": 180, "latency_jitter_ms": 60, "tokens_per_s": 150},
            },
            _premium_provider(premium),
        ],
        "deployments": deployments,
        "routes": [
            _route(EVERYDAY, LOCAL, premium.deployment),
            _route(EXPERT, PARTNER, premium.deployment),
        ],
        "telemetry": {"log_level": "warning"},
    }
    return _COMMENTS + yaml.safe_dump(tree, sort_keys=False)


def is_ours(config_file: Path) -> bool:
    """Whether a demo wrote this file."""
    return config_file.read_text(errors="replace").startswith(MARK)


def _local() -> dict[str, Any]:
    price = {"machine_hour_usd": MACHINE_HOUR_USD}
    deployment = {"name": LOCAL, "provider": "this-machine", "model": LOCAL_MODEL}
    # A small model may ramble on for a minute when a caller sets no limit.
    limit = {"max_output_tokens": _LOCAL_TOKENS_MAX}
    return {**deployment, **limit, "slots": SLOTS, "price": price}


def _partner() -> dict[str, Any]:
    deployment = {"name": PARTNER, "provider": PARTNER_PROVIDER, "model": PARTNER_PROVIDER}
    return {**deployment, "price": _price(*PARTNER_PER_MTOK_USD)}


def _premium(premium: Premium) -> dict[str, Any]:
    """A real provider costs what the price book says; only the simulation has a demo price."""
    deployment = {
        "name": premium.deployment,
        "provider": premium.provider,
        "model": premium.model,
    }
    if premium.simulated:
        return {**deployment, "price": _price(*PREMIUM_PER_MTOK_USD)}
    return deployment


def _premium_provider(premium: Premium) -> dict[str, Any]:
    provider: dict[str, Any] = {"name": premium.provider, "kind": premium.kind}
    if premium.preset:
        provider["preset"] = premium.preset
    if premium.simulated:
        settings = {"latency_ms": 400, "latency_jitter_ms": 120, "tokens_per_s": 90}
        return {**provider, "settings": settings}
    return {**provider, "api_key": {"env": premium.key_variable}}


def _price(entered: str, written: str) -> dict[str, str]:
    return {"input_per_mtok": entered, "output_per_mtok": written}


def _route(alias: str, *deployments: str) -> dict[str, Any]:
    """The last one is the baseline: what the call would have cost without Legato's choice."""
    route = {"alias": alias, "baseline": deployments[-1], "strategy": "ordered"}
    return {**route, "deployments": list(deployments), "drop_unsupported": True}
