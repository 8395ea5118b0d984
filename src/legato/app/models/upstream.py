"""One provider of the configuration: what it is built from, and the connections to it."""

from pathlib import Path

from legato.app.config.loaded import LoadedConfig
from legato.core.config import Provider as ProviderConfig
from legato.core.egress import Egress
from legato.providers.base import ProviderSettings
from legato.providers.transport import Limits, Timeouts, Transport, open_transport


def settings_of(
    provider: ProviderConfig, loaded: LoadedConfig, credential: str | None
) -> ProviderSettings:
    """Return a provider's configuration with its secrets; `credential` is the vault's."""
    key = credential or loaded.secret(provider.api_key)
    base_url = (provider.base_url or "").rstrip("/")
    further = {name: loaded.secret(one) or "" for name, one in provider.secrets.items()}
    return ProviderSettings(provider, base_url, key, further)


def transport_to(
    provider: ProviderConfig, base_url: str, timeouts: Timeouts, egress: Egress
) -> Transport:
    """Return the transport that is configured; call it inside the loop that will use it.

    Raises:
        ValueError: the address or the proxy can't be used.
    """
    return open_transport(
        provider.transport,
        base_url,
        timeouts=timeouts,
        limits=Limits(connections_max=provider.connections_max),
        ca_file=Path(provider.ca_file) if provider.ca_file else None,
        proxy_url=provider.proxy,
        egress=egress,
    )
