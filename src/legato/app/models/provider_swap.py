"""Puts a provider with a new credential in the place of the last one, under running traffic.

A provider renders its headers once, when it is built. So a changed credential means a new
provider object; deployments point to it from one request to the next. An attempt keeps the one
it began with: its answer is read, and its key kept out of errors, by whoever sent it.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, MutableMapping

import msgspec

from legato.app.models.catalogue import ProviderInUse
from legato.core.config_parts import SecretRef
from legato.core.errors import ConfigInvalid
from legato.gateway.directory import Deployment
from legato.providers.base import Provider, ProviderSettings, authorizer_of

log = logging.getLogger(__name__)


class ProviderSwap:
    """Knows which provider has which credential."""

    def __init__(
        self,
        settings: Mapping[str, ProviderSettings],
        providers: MutableMapping[str, ProviderInUse],
        deployments: Callable[[], Iterable[Deployment]],
        build: Callable[[ProviderSettings], Provider],
    ) -> None:
        """`providers` is what deployments that come later are built from."""
        self._settings = dict(settings)
        self._providers = providers
        self._deployments = deployments
        self._build = build

    def __call__(self, secrets: Mapping[SecretRef, str]) -> None:
        """Take in secrets of the vault or of a store; what is missing or unfit stays as it was."""
        for name, settings in self._settings.items():
            said = settings.config
            key = settings.api_key if said.api_key is None else secrets.get(said.api_key)
            further = {
                kind: secrets.get(reference, settings.secrets[kind])
                for kind, reference in said.secrets.items()
                if kind in settings.secrets
            }
            new = msgspec.structs.replace(
                settings, api_key=key or settings.api_key, secrets={**settings.secrets, **further}
            )
            if (new.api_key, new.secrets) != (settings.api_key, settings.secrets):
                self._swap(name, new)

    def _swap(self, name: str, settings: ProviderSettings) -> None:
        try:
            provider = self._build(settings)
        except ConfigInvalid as error:  # a secret HTTP can't carry
            log.error(  # noqa: TRY400 - the message says all, and frames could hold the secret
                "the new credential can't be used, the last one stays",
                extra={"provider": name, "reason": error.message},
            )
            return
        self._settings[name] = settings
        self._providers[name] = msgspec.structs.replace(self._providers[name], provider=provider)
        for deployment in self._deployments():
            if deployment.provider_name == name:
                deployment.provider = provider
                deployment.authorize = authorizer_of(provider)
        log.info("provider has a new credential", extra={"provider": name})
