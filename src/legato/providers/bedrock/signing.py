"""Signature Version 4 by botocore's signer (extra `bedrock`), credentials by its chain."""

from collections.abc import Callable
from typing import Any

from legato.core.clock import Clock
from legato.core.errors import ProviderUnavailable
from legato.core.wire import WireRequest
from legato.providers.base import ProviderSettings
from legato.providers.bedrock.settings import Place
from legato.providers.fresh import Fresh, Lease

SERVICE = "bedrock"
_SIGNED = {"content-type": "application/json"}
_RENEW_S = 60.0
"""How often the chain is asked again: botocore renews what expires within 15 minutes itself."""
_END_S = 240.0
"""Botocore never hands out what ends within 10 minutes, so this is well before an end."""


class SigningAuthorizer:
    """An `Authorizer` that signs; `in_use` is told each new set of secrets."""

    def __init__(
        self,
        fetch: Callable[[], Lease[Any]],
        place: Place,
        clock: Clock,
        in_use: Callable[[tuple[str, ...]], None],
    ) -> None:
        self._credentials = Fresh(fetch, clock, what="AWS credentials")
        self._base_url = place.base_url
        self._region = place.region
        self._in_use = in_use

    async def __call__(self, request: WireRequest) -> WireRequest:
        """Sign host, content type, date, path and body. Raises an UpstreamError without keys."""
        credentials = await self._credentials.current()
        self._in_use(tuple(filter(None, (credentials.secret_key, credentials.token))))
        lines = self._lines(request, credentials)
        return WireRequest(request.path, request.headers + lines, request.body)

    def _lines(self, request: WireRequest, credentials: Any) -> bytes:
        from botocore.auth import SigV4Auth  # noqa: PLC0415 - an extra
        from botocore.awsrequest import AWSRequest  # noqa: PLC0415 - same

        url = self._base_url + request.path.decode("ascii")
        signed = AWSRequest(method="POST", url=url, headers=dict(_SIGNED), data=request.body)
        SigV4Auth(credentials, SERVICE, self._region).add_auth(signed)
        added = ((name, value) for name, value in signed.headers.items() if name not in _SIGNED)
        return "".join(f"{name.lower()}: {value}\r\n" for name, value in added).encode("ascii")


class CredentialSource:
    """Fetches credentials; may block. Given ones are constant, others come by botocore's chain.

    What the chain asks of AWS goes by the provider's proxy and trusts its certificates; what it
    asks of this machine itself, by plain HTTP, does not.
    """

    def __init__(self, settings: ProviderSettings, profile: str | None, clock: Clock) -> None:
        self._secrets = settings.secrets
        self._proxy_url = settings.config.proxy
        self._ca_file = settings.config.ca_file
        self._profile = profile
        self._clock = clock
        self._chain: Any = None

    def __call__(self) -> Lease[Any]:
        """Return frozen credentials. Raises ProviderUnavailable where the chain has none."""
        # the signer's modules take long to import: here, so that it isn't on the event loop
        import botocore.auth  # noqa: PLC0415 - an extra
        import botocore.awsrequest  # noqa: PLC0415, F401 - same
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415 - same

        now_s = self._clock.now_ns() / 1e9
        try:
            credentials = self._given() if self._secrets else self._found()
        except (BotoCoreError, OSError, ValueError) as error:  # texts may name the account
            msg = f"AWS credentials can't be had ({type(error).__name__})"
            raise ProviderUnavailable(msg) from None
        if credentials is None:
            raise ProviderUnavailable("there are no AWS credentials on this machine")
        return Lease(credentials, now_s + _RENEW_S, now_s + _END_S)

    def _given(self) -> Any:
        from botocore.credentials import ReadOnlyCredentials  # noqa: PLC0415 - an extra

        secrets = self._secrets
        return ReadOnlyCredentials(
            secrets["access_key_id"], secrets["secret_access_key"], secrets.get("session_token")
        )

    def _found(self) -> Any:
        import botocore.config  # noqa: PLC0415 - an extra
        import botocore.session  # noqa: PLC0415 - same, and slow to import

        if self._chain is None:
            session = botocore.session.Session(profile=self._profile)
            if self._ca_file is not None:
                session.set_config_variable("ca_bundle", self._ca_file)
            if self._proxy_url is not None:
                proxies = {"https": self._proxy_url}
                session.set_default_client_config(botocore.config.Config(proxies=proxies))
            self._chain = session.get_credentials()
        return None if self._chain is None else self._chain.get_frozen_credentials()
