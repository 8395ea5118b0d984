"""The provider kind `vertex`: Gemini's and Anthropic's models at Vertex AI."""

from importlib.util import find_spec
from typing import Any

import msgspec

from legato.core.clock import Clock, SystemClock
from legato.core.errors import ConfigInvalid
from legato.providers.base import Provider, ProviderSettings
from legato.providers.gemini.provider import Gemini
from legato.providers.gemini.service import Service, vertex_url
from legato.providers.gemini.settings import VertexSettings, read_settings
from legato.providers.vertex.authorizer import TokenAuthorizer
from legato.providers.vertex.google_auth import GoogleAuth
from legato.providers.vertex.raw_predict import RawPredict

_OF_GOOGLE = ("safety_settings", "include_thoughts")
_OF_ANTHROPIC = ("anthropic_version", "anthropic_beta")
_ACCOUNT_FIELDS = ("client_email", "private_key", "token_uri")


class Vertex(Gemini):
    """Gemini with a token that is fetched instead of a key."""

    def __init__(
        self, settings: ProviderSettings, options: VertexSettings, auth: GoogleAuth, clock: Clock
    ) -> None:
        service = Service(options.api_version, options.project, options.location)
        keyless = msgspec.structs.replace(
            settings, api_key=None, base_url=settings.base_url or vertex_url(options.location)
        )
        super().__init__(keyless, service, options, clock)
        self.authorize = TokenAuthorizer(auth.fetch, clock)

    @property
    def secret(self) -> str | None:
        """What must never be told: the token in use."""
        return self.authorize.secret


def factory(settings: ProviderSettings) -> Provider:
    """Build the provider of a configuration entry of kind `vertex`. Raises ConfigInvalid."""
    config = settings.config
    place = f"providers[{config.name}]"
    options = read_settings(config.settings, VertexSettings, place=place)
    if find_spec("google") is None or find_spec("google.auth") is None:
        raise ConfigInvalid(f"{place}.kind: vertex needs the extra legato[vertex]")
    account = None if settings.api_key is None else _account(settings.api_key, place)
    auth = GoogleAuth(account, proxy_url=config.proxy, ca_file=config.ca_file)
    of_others = _OF_ANTHROPIC if options.publisher == "google" else _OF_GOOGLE
    for name in of_others:
        if name in config.settings:
            raise ConfigInvalid(f"{place}.settings.{name}: {options.publisher}'s models have none")
    if options.publisher == "anthropic":
        return RawPredict(settings, options, auth, SystemClock())
    return Vertex(settings, options, auth, SystemClock())


def _account(text: str, place: str) -> dict[str, Any]:
    """Return the JSON key of a service account, checked as far as it goes without a network."""
    try:
        account = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        account = None
    if not isinstance(account, dict) or account.get("type") != "service_account":
        raise ConfigInvalid(
            f"{place}.api_key: the JSON key of a service account, or leave it out to use the "
            "machine's own credentials"
        )
    for field in _ACCOUNT_FIELDS:
        if not isinstance(account.get(field), str):
            raise ConfigInvalid(f"{place}.api_key: the service account's key has no {field}")
    return account
