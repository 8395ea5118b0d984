"""What each provider is built from, by those who call providers."""

from collections.abc import Mapping

from legato.app.context import ProviderContext
from legato.app.models.upstream import settings_of
from legato.providers.base import ProviderSettings


def provider_settings(
    context: ProviderContext, credentials: Mapping[str, str]
) -> dict[str, ProviderSettings]:
    """Return every provider's settings by its name; `credentials` are those of the vault."""
    settings = {}
    for provider in context.loaded.config.providers:
        managed = context.managed.get(provider.name)
        if managed is not None:
            key = context.managed_keys.get(provider.name)
            settings[provider.name] = ProviderSettings(provider, managed, key)
        else:
            reference = provider.api_key
            in_vault = None if reference is None else credentials.get(reference.vault or "")
            settings[provider.name] = settings_of(provider, context.loaded, in_vault)
    return settings
