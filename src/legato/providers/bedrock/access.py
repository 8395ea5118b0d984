"""How calls are let in at Bedrock."""

from legato.core.clock import Clock
from legato.providers import request_headers
from legato.providers.base import Authorizer, ProviderSettings
from legato.providers.bedrock.settings import BedrockSettings, Place
from legato.providers.bedrock.signing import CredentialSource, SigningAuthorizer


class Access:
    """How calls are let in: a key as bearer token, or a signature. Knows what is never told."""

    def __init__(
        self, settings: ProviderSettings, options: BedrockSettings, place: Place, clock: Clock
    ) -> None:
        defaults = {"content-type": "application/json"}
        self.secrets: tuple[str, ...] = tuple(settings.secrets.values())
        self.authorize: Authorizer | None = None
        if settings.api_key:
            defaults["authorization"] = f"Bearer {settings.api_key}"
            self.secrets = (settings.api_key,)
        else:
            source = CredentialSource(settings, options.profile, clock)
            self.authorize = SigningAuthorizer(source, place, clock, self._keep_untold)
        config = settings.config
        at = f"providers[{config.name}]"
        self.headers = request_headers.render(defaults, config.headers, place=at)

    def _keep_untold(self, secrets: tuple[str, ...]) -> None:
        self.secrets = secrets
