"""Master keys in the transit engine of HashiCorp Vault (or OpenBao), by hvac (extra `hashicorp`).

The data key is encrypted there with `associated_data`, so a wrapped key opens in no other place of
the database. `vault write -f transit/keys/NAME/rotate` rotates; `legato vault rotate` wraps anew.
"""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from legato.core.errors import ConfigInvalid
from legato.vault.key_service import VaultUnusable
from legato.vault.services.settings import KeyServiceSettings, require_extra

_PLACE = "vault.key_service"
_SECRETS = frozenset({"token", "role_id", "secret_id"})
_Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,128}$")]
_Mount = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,64}(/[A-Za-z0-9._-]{1,64}){0,7}$")]
Answer = TypeVar("Answer")


class HashicorpSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How Vault is reached, who asks, and for which key."""

    url: Annotated[str, Meta(pattern=r"^https?://[^/@\s]+/?$")]
    key: _Name
    mount: _Mount = "transit"
    namespace: str | None = None
    ca_file: str | None = None
    timeout_s: Annotated[float, Meta(gt=0, le=60)] = 5.0
    auth: Literal["token", "approle", "kubernetes"] = "token"
    auth_mount: _Mount | None = None
    """Where the auth method is mounted; None: under its own name."""
    role: str | None = None
    """For `kubernetes`."""
    jwt_file: str = "/var/run/secrets/kubernetes.io/serviceaccount/token"


def factory(given: KeyServiceSettings) -> "TransitKeys":
    """Build the key service of kind `hashicorp`. Raises ConfigInvalid."""
    options = given.read(HashicorpSettings, _SECRETS)
    require_extra("hvac", "hashicorp", "hashicorp")
    wanted = {"token": {"token"}, "approle": {"role_id", "secret_id"}, "kubernetes": set()}
    if set(given.secrets) != wanted[options.auth]:
        needed = " and ".join(sorted(wanted[options.auth])) or "no secrets"
        raise ConfigInvalid(f"{_PLACE}.secrets: auth {options.auth} takes {needed}")
    if options.auth == "kubernetes" and options.role is None:
        raise ConfigInvalid(f"{_PLACE}.settings.role: auth kubernetes needs one")
    return TransitKeys(options, given)


class TransitKeys:
    """A `KeyService`; blocking. It signs in when first asked, and again when a token has ended."""

    def __init__(self, options: HashicorpSettings, given: KeyServiceSettings) -> None:
        self._options = options
        self._secrets = given.secrets
        self._client: Any = None

    @property
    def current_id(self) -> str:
        """The key's newest version, as `transit/NAME/v3`. Raises VaultUnusable."""
        return self._id(self._newest())

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """Encrypt under the newest version. Raises VaultUnusable."""
        plain, bound = _text(key), _text(context)
        answer = self._asked(
            lambda transit: transit.encrypt_data(
                self._options.key,
                plaintext=plain,
                associated_data=bound,
                mount_point=self._options.mount,
            )
        )
        return str(answer["data"]["ciphertext"]).encode("ascii")

    def unwrap(self, master_id: str, wrapped: bytes, context: bytes) -> bytes:
        """Decrypt; Vault reads the version from the ciphertext. Raises VaultUnusable."""
        del master_id
        sealed, bound = wrapped.decode("ascii", "replace"), _text(context)
        answer = self._asked(
            lambda transit: transit.decrypt_data(
                self._options.key,
                ciphertext=sealed,
                associated_data=bound,
                mount_point=self._options.mount,
            )
        )
        return base64.b64decode(answer["data"]["plaintext"])

    def _newest(self) -> int:
        answer = self._asked(
            lambda transit: transit.read_key(self._options.key, mount_point=self._options.mount)
        )
        return int(answer["data"]["latest_version"])

    def _id(self, version: int) -> str:
        return f"{self._options.mount}/{self._options.key}/v{version}"

    def _asked(self, ask: Callable[[Any], Answer]) -> Answer:
        """Ask once more with a new token where the last is refused: it may have ended."""
        from hvac.exceptions import Forbidden, VaultError  # noqa: PLC0415 - an extra
        from requests.exceptions import RequestException  # noqa: PLC0415 - hvac's own

        try:
            if self._client is None:
                self._client = self._signed_in()
            try:
                return ask(self._client.secrets.transit)
            except Forbidden:
                if self._options.auth == "token":
                    raise
                self._client = self._signed_in()
                return ask(self._client.secrets.transit)
        except VaultError as error:
            raise VaultUnusable(self._refused(error)) from None
        except (RequestException, OSError) as error:
            reason = type(error).__name__
            msg = (
                f"Vault at {self._options.url} can't be reached ({reason}): is it up, and unsealed?"
            )
            raise VaultUnusable(msg) from None

    def _refused(self, error: Exception) -> str:
        """Say what Vault refused, without its own words: they may quote what was sent."""
        key = f"{self._options.mount}/{self._options.key}"
        remedies = {
            "Forbidden": f"its policy must allow read, encrypt and decrypt of {key}",
            "InvalidPath": f"there is no key {key}",
            "InvalidRequest": (
                f"{key} doesn't open this data key: it was altered, or wrapped by another key, or "
                "its version is no longer allowed"
            ),
            "VaultDown": "it is sealed: unseal it",
        }
        kind = type(error).__name__
        return f"Vault at {self._options.url} refused ({kind}): {remedies.get(kind, 'see its log')}"

    def _signed_in(self) -> Any:
        import hvac  # noqa: PLC0415 - an extra
        from hvac.exceptions import Forbidden, InvalidRequest  # noqa: PLC0415 - same

        options = self._options
        client = hvac.Client(
            url=options.url.rstrip("/"),
            verify=options.ca_file or True,
            timeout=options.timeout_s,
            namespace=options.namespace,
            allow_redirects=False,
        )
        mount = options.auth_mount or options.auth
        try:
            if options.auth == "token":
                client.token = self._secrets["token"]
            elif options.auth == "approle":
                role_id, secret_id = self._secrets["role_id"], self._secrets["secret_id"]
                client.auth.approle.login(role_id, secret_id, mount_point=mount)
            else:
                jwt = Path(options.jwt_file).read_text("utf-8").strip()
                client.auth.kubernetes.login(options.role, jwt, mount_point=mount)
        except (Forbidden, InvalidRequest):
            msg = f"Vault at {options.url} refused to sign in by {mount}: look at {_PLACE}.secrets"
            raise VaultUnusable(msg) from None
        return client


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
