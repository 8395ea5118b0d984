"""Asking HashiCorp Vault (or OpenBao) by hvac (extra `hashicorp`): who we are, and what it refuses.

Vault's own words are never passed on: they may quote what was sent.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from legato.core.config_secret_stores import HashicorpAccess
from legato.core.errors import ConfigInvalid
from legato.vault.key_service import ServiceAway, VaultUnusable

SECRETS = frozenset({"token", "role_id", "secret_id"})
Answer = TypeVar("Answer")


def require_sign_in(access: HashicorpAccess, secrets: Mapping[str, object], place: str) -> None:
    """Raise ConfigInvalid where the secrets named aren't those its way of signing in takes."""
    wanted = {"token": {"token"}, "approle": {"role_id", "secret_id"}, "kubernetes": set()}
    if set(secrets) != wanted[access.auth]:
        needed = " and ".join(sorted(wanted[access.auth])) or "no secrets"
        raise ConfigInvalid(f"{place}.secrets: auth {access.auth} takes {needed}")


class HashicorpSession:
    """One who has signed in; blocking. It does when first asked, and again when a token ended."""

    def __init__(self, access: HashicorpAccess, secrets: Mapping[str, str], place: str) -> None:
        """`place` is where the secrets stand in the configuration, for messages."""
        self._access = access
        self._secrets = secrets
        self._place = place
        self._client: Any = None

    def ask(self, work: Callable[[Any], Answer], remedies: Mapping[str, str]) -> Answer:
        """Do some work with hvac's `client.secrets`.

        `remedies` says what to do by the kind of hvac's error. Raises VaultUnusable.
        """
        from hvac.exceptions import Forbidden, VaultError  # noqa: PLC0415 - an extra
        from requests.exceptions import RequestException  # noqa: PLC0415 - hvac's own

        url = self._access.url
        try:
            if self._client is None:
                self._client = self._signed_in()
            try:
                return work(self._client.secrets)
            except Forbidden:
                if self._access.auth == "token":
                    raise
                self._client = self._signed_in()
                return work(self._client.secrets)
        except VaultError as error:
            known = {"VaultDown": "it is sealed: unseal it", **remedies}
            kind = type(error).__name__
            msg = f"Vault at {url} refused ({kind}): {known.get(kind, 'see its log')}"
            raise VaultUnusable(msg) from None
        except (RequestException, OSError) as error:
            reason = type(error).__name__
            msg = f"Vault at {url} can't be reached ({reason}): is it up, and unsealed?"
            raise ServiceAway(msg) from None

    def _signed_in(self) -> Any:
        import hvac  # noqa: PLC0415 - an extra
        from hvac.exceptions import Forbidden, InvalidRequest  # noqa: PLC0415 - same

        access = self._access
        client = hvac.Client(
            url=access.url.rstrip("/"),
            token=self._secrets.get("token", ""),  # else hvac takes one from the environment
            verify=access.ca_file or True,
            timeout=access.timeout_s,
            namespace=access.namespace,
            allow_redirects=False,
        )
        mount = access.auth_mount or access.auth
        try:
            if access.auth == "approle":
                role_id, secret_id = self._secrets["role_id"], self._secrets["secret_id"]
                client.auth.approle.login(role_id, secret_id, mount_point=mount)
            elif access.auth == "kubernetes":
                jwt = Path(access.jwt_file).read_text("utf-8").strip()
                client.auth.kubernetes.login(access.role, jwt, mount_point=mount)
        except (Forbidden, InvalidRequest):
            msg = f"Vault at {access.url} refused to sign in by {mount}: look at {self._place}"
            raise VaultUnusable(f"{msg}.secrets") from None
        return client
