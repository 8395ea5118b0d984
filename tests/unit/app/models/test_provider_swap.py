from __future__ import annotations

from typing import Any

from legato.app.models.catalogue import ProviderInUse
from legato.app.models.provider_swap import ProviderSwap
from legato.core.config import Provider as ProviderConfig
from legato.core.config import Timeouts
from legato.core.config_parts import SecretRef
from legato.gateway.directory import Deployment
from legato.providers.azure_openai import factory
from legato.providers.base import ProviderSettings, authorizer_of
from legato.routing.strategies import Candidate

ENTRA = {"credential": "client_secret", "tenant_id": "t", "client_id": "c"}


def test_a_new_credential_changes_the_authorizer_too() -> None:
    config = ProviderConfig(
        name="az", kind="azure_openai", api_key=SecretRef(vault="secret"), settings=ENTRA
    )
    settings = ProviderSettings(config, "https://res.openai.azure.com", "old")
    provider = factory(settings)
    unused: Any = None
    deployment = Deployment(
        name="d",
        provider_name="az",
        model="m",
        region="",
        provider=provider,
        transport=unused,
        price=None,
        max_output_tokens=1,
        candidate=Candidate("d", 1, None),
        breaker=0,
        authorize=authorizer_of(provider),
    )
    before = deployment.authorize
    providers = {"az": ProviderInUse(provider, unused, provider.base_url, Timeouts(), "az")}
    swap = ProviderSwap({"az": settings}, providers, lambda: [deployment], factory)
    swap({SecretRef(vault="secret"): "new"})
    assert deployment.provider is not provider
    assert providers["az"].provider is deployment.provider  # for those that come later
    assert deployment.authorize is authorizer_of(deployment.provider)
    assert deployment.authorize is not before
