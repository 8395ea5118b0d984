"""Access tokens through google-auth, which blocks: call this in a thread.

The package is the optional extra `legato[vertex]`; it is imported with the first token.
"""

from datetime import UTC
from typing import Any

import msgspec

from legato.core.errors import ProviderRefusesCredentials, ProviderUnavailable

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_TIMEOUT_S = 20.0


class Token(msgspec.Struct, frozen=True):
    """A credential as header lines, and when it ends in Unix seconds (None: not told)."""

    headers: dict[str, str]
    secret: str
    expires_s: float | None


class GoogleAuth:
    """Fetches tokens of one service account, or of whatever the machine offers (ADC).

    ADC is what google-auth finds: GOOGLE_APPLICATION_CREDENTIALS, gcloud's login, the metadata
    server. `proxy_url` and `ca_file` are the provider's, nothing is taken from the environment.
    What goes by plain HTTP is asked of this machine itself, which no proxy can reach.
    """

    def __init__(
        self,
        account: dict[str, Any] | None,
        *,
        proxy_url: str | None = None,
        ca_file: str | None = None,
    ) -> None:
        self._account = account
        self._proxy_url = proxy_url
        self._ca_file = ca_file
        self._credentials: Any = None
        self._send: Any = None

    def fetch(self) -> Token:
        """Fetch a new token.

        Raises:
            ProviderRefusesCredentials: there is no credential, or Google refuses it.
            ProviderUnavailable: the token endpoint can't be reached.
        """
        from google.auth import exceptions  # noqa: PLC0415 -- an optional extra

        try:
            if self._credentials is None:
                self._send = self._sender()
                self._credentials = self._load()
            self._credentials.refresh(self._send)
        except exceptions.TransportError as problem:
            raise ProviderUnavailable(
                f"Google's token endpoint can't be reached ({type(problem).__name__})"
            ) from problem
        except (exceptions.GoogleAuthError, ValueError) as problem:
            # What it says may name the account: for the log's traceback, not for callers.
            raise ProviderRefusesCredentials(
                f"Google gives no access token for the configured account "
                f"({type(problem).__name__})"
            ) from problem
        headers: dict[str, str] = {}
        self._credentials.apply(headers)
        expiry = self._credentials.expiry
        expires_s = None if expiry is None else expiry.replace(tzinfo=UTC).timestamp()
        return Token(headers, self._credentials.token, expires_s)

    def _load(self) -> Any:
        if self._account is None:
            from google.auth import default  # noqa: PLC0415 -- an optional extra

            credentials, _ = default(scopes=[_SCOPE], request=self._send)
            return credentials
        from google.oauth2 import service_account  # noqa: PLC0415 -- an optional extra

        return service_account.Credentials.from_service_account_info(  # type: ignore[no-untyped-call]
            self._account, scopes=[_SCOPE]
        )

    def _sender(self) -> Any:
        from google.auth.transport.requests import Request  # noqa: PLC0415 -- an optional extra
        from requests import Session  # noqa: PLC0415 -- same

        session = Session()
        session.trust_env = False
        if self._proxy_url is not None:
            session.proxies = {"https": self._proxy_url}
        if self._ca_file is not None:
            session.verify = self._ca_file
        request = Request(session)

        def send(**call: Any) -> Any:
            call["timeout"] = _TIMEOUT_S
            return request(**call)

        return send
