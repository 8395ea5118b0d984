"""Master keys in AWS KMS, by botocore (extra `aws`).

A data key is bound by the encryption context, which stands in CloudTrail, too: it holds ids only.
"""

import base64
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from msgspec import Meta

from legato.core.config_secret_stores import AwsAccess
from legato.vault.services.aws_session import SECRETS, AwsSession, require_credentials
from legato.vault.services.settings import KeyServiceSettings, require_extra

_PLACE = "vault.key_service"
_CONTEXT = "legato"
_END = b"\n"
Answer = TypeVar("Answer")


class AwsSettings(AwsAccess, frozen=True, kw_only=True):
    """Which key: an id, an ARN, or an alias, which may be pointed to another key to rotate."""

    key_id: Annotated[str, Meta(min_length=1, max_length=2048)]


def factory(given: KeyServiceSettings) -> "AwsKeys":
    """Build the key service of kind `aws_kms`. Raises ConfigInvalid."""
    options = given.read(AwsSettings, SECRETS)
    require_extra("botocore", "aws_kms", "aws")
    require_credentials(options, given.secrets, _PLACE)
    return AwsKeys(options, given)


class AwsKeys:
    """A `KeyService`; blocking. Without secrets the credentials come by botocore's chain."""

    def __init__(self, options: AwsSettings, given: KeyServiceSettings) -> None:
        self._options = options
        self._session = AwsSession("kms", options, given.secrets)

    @property
    def current_id(self) -> str:
        """The ARN that `key_id` stands for now. Raises VaultUnusable."""
        answer = self._asked(lambda client: client.describe_key(KeyId=self._options.key_id))
        return str(answer["KeyMetadata"]["Arn"])

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """Encrypt; which key it was stays in front, as an alias may move. Raises VaultUnusable."""
        bound = _bound(context)
        answer = self._asked(
            lambda client: client.encrypt(
                KeyId=self._options.key_id, Plaintext=key, EncryptionContext=bound
            )
        )
        return str(answer["KeyId"]).encode("ascii") + _END + bytes(answer["CiphertextBlob"])

    def unwrap(self, master_id: str, wrapped: bytes, context: bytes) -> bytes:
        """Decrypt by the very key that wrapped it, and no other. Raises VaultUnusable."""
        del master_id
        bound, (arn, _, blob) = _bound(context), wrapped.partition(_END)
        key_id = arn.decode("ascii", "replace")
        answer = self._asked(
            lambda client: client.decrypt(
                KeyId=key_id, CiphertextBlob=blob, EncryptionContext=bound
            )
        )
        return bytes(answer["Plaintext"])

    def _asked(self, ask: Callable[[Any], Answer]) -> Answer:
        return self._session.ask(ask, self._options.key_id, _REMEDIES)


_REMEDIES = {
    "AccessDeniedException": "allow kms:DescribeKey, kms:Encrypt and kms:Decrypt",
    "NotFoundException": "there is no such key in this region",
    "DisabledException": "enable the key",
    "KMSInvalidStateException": "the key is disabled, or to be deleted",
    "InvalidCiphertextException": "a data key was altered, or belongs elsewhere",
    "IncorrectKeyException": "a data key was wrapped by another key",
}


def _bound(context: bytes) -> dict[str, str]:
    return {_CONTEXT: base64.b64encode(context).decode("ascii")}
