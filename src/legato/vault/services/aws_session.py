"""Asking a service of AWS by botocore (extra `aws`)."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from legato.core.config_secret_stores import AwsAccess
from legato.core.errors import ConfigInvalid
from legato.vault.key_service import ServiceAway, VaultUnusable

SECRETS = frozenset({"access_key_id", "secret_access_key", "session_token"})
_SEE = "see CloudTrail"
_COMMON = {
    "UnrecognizedClientException": "its access key isn't one of this account",
    "InvalidClientTokenId": "its access key isn't one of this account",
    "ExpiredTokenException": "its session has ended: sign in again",
}
Answer = TypeVar("Answer")


def require_credentials(access: AwsAccess, secrets: Mapping[str, object], place: str) -> None:
    """Raise ConfigInvalid where what signs in contradicts itself."""
    pair = {"access_key_id", "secret_access_key"}
    if secrets and not pair <= secrets.keys():
        msg = f"{place}.secrets: access_key_id and secret_access_key go together"
        raise ConfigInvalid(msg)
    if secrets and access.profile:
        raise ConfigInvalid(f"{place}: secrets exclude a profile")


class AwsSession:
    """A client of one service, made when first asked; blocking."""

    def __init__(self, service: str, access: AwsAccess, secrets: Mapping[str, str]) -> None:
        """`service` is botocore's word: `kms`, `secretsmanager`."""
        self._service = service
        self._access = access
        self._secrets = secrets
        self._made: Any = None

    def ask(self, work: Callable[[Any], Answer], about: str, remedies: Mapping[str, str]) -> Answer:
        """Do some work with botocore's client.

        `about` names what is asked for, `remedies` says what to do by AWS' code of an error. Its
        own message is left out, since it may name accounts. Raises VaultUnusable.
        """
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - an extra

        name = _NAMES[self._service]
        try:
            return work(self._client())
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "unknown")
            remedy = remedies.get(code) or _COMMON.get(code, _SEE)
            raise VaultUnusable(f"{name} refused ({code}) for {about}: {remedy}") from None
        except BotoCoreError as error:
            msg = f"{name} in {self._access.region} can't be asked ({type(error).__name__})"
            raise ServiceAway(msg) from None

    def _client(self) -> Any:
        if self._made is None:
            import botocore.config  # noqa: PLC0415 - an extra
            import botocore.session  # noqa: PLC0415 - same

            access = self._access
            limits = botocore.config.Config(
                connect_timeout=access.timeout_s,
                read_timeout=access.timeout_s,
                retries={"total_max_attempts": 3, "mode": "standard"},
            )
            session = botocore.session.Session(profile=access.profile)
            self._made = session.create_client(
                self._service,
                region_name=access.region,
                endpoint_url=access.endpoint_url,
                config=limits,
                aws_access_key_id=self._secrets.get("access_key_id"),
                aws_secret_access_key=self._secrets.get("secret_access_key"),
                aws_session_token=self._secrets.get("session_token"),
            )
        return self._made


_NAMES = {"kms": "AWS KMS", "secretsmanager": "AWS Secrets Manager"}
