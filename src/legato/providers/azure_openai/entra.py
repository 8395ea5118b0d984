"""Access tokens of Microsoft Entra ID, by the package azure-identity (extra `azure`)."""

import re
from collections.abc import Callable
from typing import Any

from legato.core.clock import Clock
from legato.core.errors import ProviderRefusesCredentials, ProviderUnavailable
from legato.core.wire import WireRequest
from legato.providers.azure_openai.settings import AzureSettings
from legato.providers.fresh import Fresh, Lease

_AHEAD_S = 300.0
"""A token this near to its end is renewed behind the calls that still go out with it."""
_MARGIN_S = 30.0
"""Nearer than this, a call waits for the new one."""
_ENTRA_CODE = re.compile(r"AADSTS\d{4,9}")


class EntraAuthorizer:
    """An `Authorizer` that adds a bearer token; `in_use` is told each new one."""

    def __init__(
        self, fetch: Callable[[], Lease[str]], clock: Clock, in_use: Callable[[str], None]
    ) -> None:
        self._tokens = Fresh(fetch, clock, what="Entra token")
        self._in_use = in_use

    async def __call__(self, request: WireRequest) -> WireRequest:
        """Add the token. Raises an UpstreamError where none can be had."""
        token = await self._tokens.current()
        self._in_use(token)
        line = f"authorization: Bearer {token}\r\n".encode("ascii")
        return WireRequest(request.path, request.headers + line, request.body)


class TokenSource:
    """Fetches a token; blocks. The credential is made with the first, as that takes a while.

    `proxy_url` and `ca_file` are the provider's. A managed identity is asked of this machine
    itself, which no proxy can reach.
    """

    def __init__(
        self,
        options: AzureSettings,
        secret: str | None,
        *,
        proxy_url: str | None = None,
        ca_file: str | None = None,
    ) -> None:
        self._options = options
        self._secret = secret
        self._way: dict[str, Any] = {}
        if proxy_url is not None:
            self._way["proxies"] = {"https": proxy_url}
        if trusted := options.authority_ca_file or ca_file:
            self._way["connection_verify"] = trusted
        self._credential: Any = None

    def __call__(self) -> Lease[str]:
        """Return a token.

        Raises:
            ProviderRefusesCredentials: Entra, or what stands for it, refuses ours.
            ProviderUnavailable: it can't be reached, or there is no such credential here.
        """
        from azure.core.exceptions import (  # noqa: PLC0415 - an extra
            AzureError,
            ClientAuthenticationError,
        )

        try:
            if self._credential is None:
                self._credential = _credential(self._options, self._secret, self._way)
            token = self._credential.get_token_info(self._options.scope)
        except ClientAuthenticationError as error:
            # One class for all: only what Entra itself says has one of its codes.
            code = _ENTRA_CODE.search(str(error))
            if code is not None:
                raise ProviderRefusesCredentials(f"Entra gives no token ({code[0]})") from None
            raise ProviderUnavailable(f"Entra gives no token ({_kind(error)})") from None
        except (AzureError, OSError, ValueError) as error:
            raise ProviderUnavailable(f"Entra gives no token ({_kind(error)})") from None
        renew_s = token.refresh_on or token.expires_on - _AHEAD_S
        return Lease(str(token.token), renew_s=renew_s, end_s=token.expires_on - _MARGIN_S)


def _kind(error: Exception) -> str:
    return type(error).__name__


def _credential(options: AzureSettings, secret: str | None, way: dict[str, Any]) -> Any:
    import azure.identity as entra  # noqa: PLC0415 - an extra, and slow to import

    authority = way if options.authority is None else {**way, "authority": options.authority}
    discovery: dict[str, Any] = {"disable_instance_discovery": not options.authority_discovery}
    if options.credential == "client_secret":
        return entra.ClientSecretCredential(
            options.tenant_id or "", options.client_id or "", secret or "", **authority, **discovery
        )
    if options.credential == "managed_identity":
        return entra.ManagedIdentityCredential(client_id=options.client_id)
    if options.credential == "workload_identity":
        named = {
            "tenant_id": options.tenant_id,
            "client_id": options.client_id,
            "token_file_path": options.token_file,
        }
        given = {name: value for name, value in named.items() if value is not None}
        return entra.WorkloadIdentityCredential(**given, **authority, **discovery)
    return entra.DefaultAzureCredential(
        **authority,
        **discovery,
        managed_identity_client_id=options.client_id,
        workload_identity_client_id=options.client_id,
        exclude_interactive_browser_credential=True,
    )
