"""What a provider says of itself: its addresses and its keys, asked for and kept for a while.

Discovery is OpenID Connect Discovery 1.0. What it names must be of the issuer that is configured.
"""

import threading
from collections.abc import Callable
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from legato.core.config_accounts import OidcProvider
from legato.core.errors import LegatoError

_NS_PER_S: Final = 1_000_000_000
_KEPT_S: Final = 3600
_ASK_AGAIN_S: Final = 10
"""A token signed by a key we don't know makes us look for new keys no more often than this."""
_SILENT_S: Final = 2
"""So long after it failed to say its addresses nobody asks it again."""
_OK: Final = 200


class ProviderFailed(LegatoError):
    """An OpenID provider can't be reached, or says what can't be."""

    code = "identity_provider_failed"
    http_status = 502
    retryable = True


class Asked(NamedTuple):
    """A request to a provider; a body is sent as a form by POST."""

    url: str
    headers: dict[str, str]
    body: bytes | None = None


class Told(NamedTuple):
    """What it answers."""

    status: int
    body: bytes


Fetch = Callable[[Asked], Told]
"""Blocking. Raises OSError where nothing comes of it."""


class Facts(msgspec.Struct, frozen=True):
    """What discovery tells, as far as we need it."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    token_endpoint_auth_methods_supported: list[str] = msgspec.field(
        default_factory=lambda: ["client_secret_basic"]
    )
    authorization_response_iss_parameter_supported: bool = False


class ProviderFacts:
    """One provider's. Blocking; methods raise ProviderFailed."""

    def __init__(self, config: OidcProvider, fetch: Fetch, now_ns: Callable[[], int]) -> None:
        self._config = config
        self._fetch = fetch
        self._now_ns = now_ns
        self._lock = threading.Lock()
        self._facts: tuple[int, Facts] | None = None
        self._keys: tuple[int, KeySet] | None = None
        self._silent: tuple[int, str] | None = None

    def facts(self) -> Facts:
        """Return its addresses."""
        with self._lock:
            if self._facts is None or self._older(self._facts[0], _KEPT_S):
                if self._silent is not None and not self._older(self._silent[0], _SILENT_S):
                    raise ProviderFailed(self._silent[1])  # who waited for us needn't wait again
                try:
                    self._facts = (self._now_ns(), self._discovered())
                except ProviderFailed as error:
                    self._silent = (self._now_ns(), error.message)
                    raise
            return self._facts[1]

    def keys(self, kid: str | None) -> KeySet:
        """Return its keys; asked for anew where none of them has this id."""
        uri = self.facts().jwks_uri
        with self._lock:
            kept = self._keys
            stale = kept is None or self._older(kept[0], _KEPT_S)
            if kept is not None and not stale and kid not in {key.kid for key in kept[1]}:
                stale = self._older(kept[0], _ASK_AGAIN_S)
            if kept is None or stale:
                kept = self._keys = (self._now_ns(), self._key_set(uri))
            return kept[1]

    def asked(self, request: Asked, what: str) -> dict[str, Any]:
        """Ask it something and return the JSON object it answers."""
        try:
            told = self._fetch(request)
        except OSError as error:
            raise self._failed(what, f"no answer ({error})") from None
        if told.status != _OK:
            raise self._failed(what, f"status {told.status}")
        try:
            return msgspec.json.decode(told.body, type=dict[str, Any])
        except msgspec.MsgspecError:
            raise self._failed(what, "no JSON object") from None

    def _discovered(self) -> Facts:
        issuer = self._config.issuer
        url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        found = self.asked(Asked(url, {"accept": "application/json"}), "its configuration")
        try:
            facts = msgspec.convert(found, Facts)
        except msgspec.ValidationError as error:
            raise self._failed("its configuration", str(error)) from None
        if facts.issuer != issuer:
            raise self._failed("its configuration", "it is of another issuer")
        scheme = urlsplit(issuer).scheme
        ours = (facts.authorization_endpoint, facts.token_endpoint, facts.jwks_uri)
        for url in (*ours, facts.userinfo_endpoint, facts.end_session_endpoint):
            if url and urlsplit(url).scheme not in {"https", scheme}:
                raise self._failed("its configuration", "an address of it isn't https")
        return facts

    def _key_set(self, uri: str) -> KeySet:
        found = self.asked(Asked(uri, {"accept": "application/json"}), "its keys")
        listed = found.get("keys")
        keys = [one for one in listed if _may_sign(one)] if isinstance(listed, list) else []
        try:
            return KeySet.import_key_set({"keys": keys})
        except (JoseError, ValueError, TypeError, KeyError):
            raise self._failed("its keys", "none of them can be read") from None

    def _older(self, at_ns: int, seconds: int) -> bool:
        return self._now_ns() - at_ns > seconds * _NS_PER_S

    def _failed(self, what: str, why: str) -> ProviderFailed:
        return ProviderFailed(f"The provider {self._config.name} gave no {what}: {why}.")


def _may_sign(key: Any) -> bool:
    """Whether it is a public key for signatures: never a shared secret, never one to encrypt."""
    return (
        isinstance(key, dict)
        and key.get("kty") in {"RSA", "EC", "OKP"}
        and key.get("use", "sig") == "sig"
    )
