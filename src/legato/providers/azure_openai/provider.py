"""The provider of kind `azure_openai`."""

from typing import Any
from urllib.parse import quote

from legato.core.chat import ChatRequest
from legato.core.clock import Clock, SystemClock
from legato.core.errors import ConfigInvalid
from legato.core.wire import Operation, RequestView, WireRequest
from legato.providers.azure_openai.entra import EntraAuthorizer, TokenSource
from legato.providers.azure_openai.settings import AzureSettings, read_settings
from legato.providers.base import Authorizer, Provider, ProviderSettings, Target
from legato.providers.openai_compatible.batches import OpenAIBatches
from legato.providers.openai_compatible.presets import Preset
from legato.providers.openai_compatible.provider import OpenAICompatible

_V1 = "/openai/v1"
_SUFFIXES = (_V1, "/openai")


class AzureOpenAI(OpenAICompatible):
    """Chat completions and embeddings of a resource; a deployment's model is its name at Azure.

    `base_url` is the resource's endpoint, with or without `/openai/v1`.
    """

    def __init__(self, settings: ProviderSettings, options: AzureSettings, clock: Clock) -> None:
        by_key = options.credential == "key"
        super().__init__(settings, _preset(options, by_key=by_key), clock)
        for suffix in _SUFFIXES:
            self.base_url = self.base_url.removesuffix(suffix)
        self._versioned = options.api == "v1"
        query = f"?api-version={options.api_version}" if options.api_version else ""
        self._query = query.encode()
        if self._versioned:
            self.batches = OpenAIBatches(
                self._form_headers, self.failure, lambda: self._secret, root=_V1, query=query[1:]
            )
        self.authorize: Authorizer | None = None
        if not by_key:
            config = settings.config
            source = TokenSource(
                options, settings.api_key, proxy_url=config.proxy, ca_file=config.ca_file
            )
            self.authorize = EntraAuthorizer(source, clock, self._keep_untold)

    def request(
        self, operation: Operation, body: dict[str, Any], view: RequestView, target: Target
    ) -> WireRequest:
        """Write a request from a caller's body; fields we don't know stay as they are."""
        return self._placed(super().request(operation, body, view, target), target)

    def request_from_chat(self, chat: ChatRequest, target: Target) -> WireRequest:
        """Write a chat request from the canonical form. Raises InvalidRequest."""
        return self._placed(super().request_from_chat(chat, target), target)

    def _keep_untold(self, token: str) -> None:
        """Keep the token in use out of what errors say."""
        self._secret = token

    def _placed(self, request: WireRequest, target: Target) -> WireRequest:
        if self._versioned:
            path = _V1.encode() + request.path + self._query
        else:
            name = quote(target.model, safe="").encode()
            path = b"/openai/deployments/" + name + request.path + self._query
        return WireRequest(path, request.headers, request.body)


def _preset(options: AzureSettings, *, by_key: bool) -> Preset:
    return Preset(
        key_header="api-key" if by_key else "",
        key_prefix="",
        output_bound=options.output_bound,
        stream_usage=options.stream_usage,
    )


def factory(settings: ProviderSettings) -> Provider:
    """Build the provider of a configuration entry. Raises ConfigInvalid."""
    place = f"providers[{settings.config.name}]"
    if settings.config.preset is not None:
        raise ConfigInvalid(f"{place}.preset: the kind azure_openai has none")
    if not settings.base_url:
        raise ConfigInvalid(f"{place}.base_url: needed, the endpoint of the resource")
    return AzureOpenAI(settings, read_settings(settings), SystemClock())
