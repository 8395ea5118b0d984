"""Options under `settings` of a provider of kind `bedrock`, and its secrets."""

import re
from importlib.util import find_spec
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from legato.core.errors import ConfigInvalid
from legato.providers.base import ProviderSettings

Family = Literal["anthropic", "nova", "other"]
_Region = Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,32}$")]
_PLACE = re.compile(r"https://bedrock-runtime(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com|api\.aws)")
_SECRETS = frozenset({"access_key_id", "secret_access_key", "session_token"})


class BedrockSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`family` is that of all models here, where their names don't tell: profiles' ARNs."""

    region: _Region | None = None
    api: Literal["converse", "invoke_anthropic"] = "converse"
    profile: str | None = None
    family: Family | None = None
    anthropic_version: str = "bedrock-2023-05-31"
    anthropic_beta: tuple[str, ...] = ()


class Place(msgspec.Struct, frozen=True):
    """Where the calls go, and the region they are signed for."""

    base_url: str
    region: str


def read_settings(given: ProviderSettings) -> tuple[BedrockSettings, Place]:
    """Return the options checked, and where they lead. Raises ConfigInvalid."""
    place = f"providers[{given.config.name}]"
    if given.config.preset is not None:
        raise ConfigInvalid(f"{place}.preset: the kind bedrock has none")
    try:
        options = msgspec.convert(given.config.settings, BedrockSettings)
    except msgspec.ValidationError as problem:
        raise ConfigInvalid(f"{place}.settings: {problem}") from None
    _check_secrets(given, options, place)
    found = _PLACE.match(given.base_url)
    region = options.region or (found[1] if found else None)
    if region is None:
        raise ConfigInvalid(f"{place}.settings.region: needed, unless base_url names one of AWS")
    url = given.base_url or f"https://bedrock-runtime.{region}.amazonaws.com"
    return options, Place(url, region)


def _check_secrets(given: ProviderSettings, options: BedrockSettings, place: str) -> None:
    unknown = given.secrets.keys() - _SECRETS
    if unknown:
        raise ConfigInvalid(f"{place}.secrets: {min(unknown)!r} is none of {sorted(_SECRETS)}")
    if given.api_key and (given.secrets or options.profile):
        raise ConfigInvalid(f"{place}: api_key excludes secrets and settings.profile")
    if given.secrets and options.profile:
        raise ConfigInvalid(f"{place}: secrets exclude settings.profile")
    if given.secrets and not {"access_key_id", "secret_access_key"} <= given.secrets.keys():
        raise ConfigInvalid(f"{place}.secrets: access_key_id and secret_access_key go together")
    if not given.api_key and find_spec("botocore") is None:
        raise ConfigInvalid(f"{place}: signed calls need the extra legato[bedrock]")
