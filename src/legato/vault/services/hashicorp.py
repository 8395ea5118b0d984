"""Master keys in the transit engine of HashiCorp Vault (or OpenBao), by hvac (extra `hashicorp`).

The data key is encrypted there with `associated_data`, so a wrapped key opens in no other place of
the database. `vault write -f transit/keys/NAME/rotate` rotates; `legato vault rotate` wraps anew.
"""

import base64
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from msgspec import Meta

from legato.core.config_secret_stores import HashicorpAccess, Mount
from legato.core.errors import ConfigInvalid
from legato.vault.services.hashicorp_session import SECRETS, HashicorpSession, require_sign_in
from legato.vault.services.settings import KeyServiceSettings, require_extra

_PLACE = "vault.key_service"
_Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,128}$")]
Answer = TypeVar("Answer")


class HashicorpSettings(HashicorpAccess, frozen=True, kw_only=True):
    """How Vault is reached, who asks, and for which key."""

    key: _Name
    mount: Mount = "transit"


def factory(given: KeyServiceSettings) -> "TransitKeys":
    """Build the key service of kind `hashicorp`. Raises ConfigInvalid."""
    options = given.read(HashicorpSettings, SECRETS)
    require_extra("hvac", "hashicorp", "hashicorp")
    require_sign_in(options, given.secrets, _PLACE)
    if options.auth == "kubernetes" and options.role is None:
        raise ConfigInvalid(f"{_PLACE}.settings.role: auth kubernetes needs one")
    return TransitKeys(options, given)


class TransitKeys:
    """A `KeyService`; blocking. It signs in when first asked, and again when a token has ended."""

    def __init__(self, options: HashicorpSettings, given: KeyServiceSettings) -> None:
        self._options = options
        self._session = HashicorpSession(options, given.secrets, _PLACE)

    @property
    def current_id(self) -> str:
        """The key's newest version, as `transit/NAME/v3`. Raises VaultUnusable."""
        return self._id(self._newest())

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """Encrypt under the newest version. Raises VaultUnusable."""
        plain, bound = _text(key), _text(context)
        answer = self._asked(
            lambda secrets: secrets.transit.encrypt_data(
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
            lambda secrets: secrets.transit.decrypt_data(
                self._options.key,
                ciphertext=sealed,
                associated_data=bound,
                mount_point=self._options.mount,
            )
        )
        return base64.b64decode(answer["data"]["plaintext"])

    def _newest(self) -> int:
        answer = self._asked(
            lambda secrets: secrets.transit.read_key(
                self._options.key, mount_point=self._options.mount
            )
        )
        return int(answer["data"]["latest_version"])

    def _id(self, version: int) -> str:
        return f"{self._options.mount}/{self._options.key}/v{version}"

    def _asked(self, ask: Callable[[Any], Answer]) -> Answer:
        key = f"{self._options.mount}/{self._options.key}"
        remedies = {
            "Forbidden": f"its policy must allow read, encrypt and decrypt of {key}",
            "InvalidPath": f"there is no key {key}",
            "InvalidRequest": (
                f"{key} doesn't open this data key: it was altered, or wrapped by another key, or "
                "its version is no longer allowed"
            ),
        }
        return self._session.ask(ask, remedies)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
