"""Options under `settings` of a provider of kind `azure_openai`."""

from importlib.util import find_spec
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from legato.core.errors import ConfigInvalid
from legato.providers.base import ProviderSettings
from legato.providers.openai_compatible.presets import OutputBound

Credential = Literal["key", "client_secret", "managed_identity", "workload_identity", "default"]
_Version = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,32}$")]
_NEEDED: dict[str, tuple[str, ...]] = {
    "client_secret": ("tenant_id", "client_id"),
    "workload_identity": (),
}


class AzureSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the interface is, and who calls it. The rest is Entra's: see the reference."""

    api: Literal["v1", "deployments"] = "v1"
    api_version: _Version | None = None
    credential: Credential = "key"
    tenant_id: str | None = None
    client_id: str | None = None
    token_file: str | None = None
    authority: str | None = None
    authority_discovery: bool = True
    authority_ca_file: str | None = None
    scope: str = "https://cognitiveservices.azure.com/.default"
    output_bound: OutputBound = "max_completion_tokens"
    stream_usage: bool = True


def read_settings(given: ProviderSettings) -> AzureSettings:
    """Return the options checked. Raises ConfigInvalid."""
    place = f"providers[{given.config.name}]"
    try:
        options = msgspec.convert(given.config.settings, AzureSettings)
    except msgspec.ValidationError as problem:
        raise ConfigInvalid(f"{place}.settings: {problem}") from None
    if options.api == "deployments" and options.api_version is None:
        raise ConfigInvalid(f"{place}.settings.api_version: needed where api is deployments")
    if options.credential in {"key", "client_secret"}:
        if not given.api_key:
            raise ConfigInvalid(
                f"{place}.api_key: needed where settings.credential is {options.credential}"
            )
    elif given.api_key:
        raise ConfigInvalid(
            f"{place}.api_key: not used where settings.credential is {options.credential}"
        )
    if options.credential != "key" and not has_identity():
        raise ConfigInvalid(
            f"{place}.settings.credential: {options.credential} needs the extra legato[azure]"
        )
    for name in _NEEDED.get(options.credential, ()):
        if not getattr(options, name):
            raise ConfigInvalid(
                f"{place}.settings.{name}: needed where credential is {options.credential}"
            )
    return options


def has_identity() -> bool:
    """Tell whether the package azure-identity is installed, without importing it."""
    return find_spec("azure") is not None and find_spec("azure.identity") is not None
