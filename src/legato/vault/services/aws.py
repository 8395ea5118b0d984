"""Master keys in AWS KMS, by botocore (extra `aws`).

A data key is bound by the encryption context, which stands in CloudTrail, too: it holds ids only.
"""

import base64
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from legato.core.errors import ConfigInvalid
from legato.vault.key_service import VaultUnusable
from legato.vault.services.settings import KeyServiceSettings, require_extra

_PLACE = "vault.key_service"
_SECRETS = frozenset({"access_key_id", "secret_access_key", "session_token"})
_CONTEXT = "legato"
_END = b"\n"
Answer = TypeVar("Answer")


class AwsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which key: an id, an ARN, or an alias, which may be pointed to another key to rotate."""

    key_id: Annotated[str, Meta(min_length=1, max_length=2048)]
    region: Annotated[str, Meta(pattern=r"^[a-z0-9-]{1,32}$")]
    endpoint_url: Annotated[str, Meta(pattern=r"^https?://[^/@\s]+/?$")] | None = None
    profile: str | None = None
    timeout_s: Annotated[float, Meta(gt=0, le=60)] = 5.0


def factory(given: KeyServiceSettings) -> "AwsKeys":
    """Build the key service of kind `aws_kms`. Raises ConfigInvalid."""
    options = given.read(AwsSettings, _SECRETS)
    require_extra("botocore", "aws_kms", "aws")
    pair = {"access_key_id", "secret_access_key"}
    if given.secrets and not pair <= given.secrets.keys():
        raise ConfigInvalid(f"{_PLACE}.secrets: access_key_id and secret_access_key go together")
    if given.secrets and options.profile:
        raise ConfigInvalid(f"{_PLACE}: secrets exclude settings.profile")
    return AwsKeys(options, given)


class AwsKeys:
    """A `KeyService`; blocking. Without secrets the credentials come by botocore's chain."""

    def __init__(self, options: AwsSettings, given: KeyServiceSettings) -> None:
        self._options = options
        self._secrets = given.secrets
        self._made: Any = None

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
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - an extra

        try:
            return ask(self._client())
        except ClientError as error:  # its message may name accounts: the code says enough
            code = error.response.get("Error", {}).get("Code", "unknown")
            remedy = _REMEDIES.get(code, _SEE)
            msg = f"AWS KMS refused ({code}) for {self._options.key_id}: {remedy}"
        except BotoCoreError as error:
            msg = f"AWS KMS in {self._options.region} can't be asked ({type(error).__name__})"
        raise VaultUnusable(msg)

    def _client(self) -> Any:
        if self._made is None:
            import botocore.config  # noqa: PLC0415 - an extra
            import botocore.session  # noqa: PLC0415 - same

            options = self._options
            limits = botocore.config.Config(
                connect_timeout=options.timeout_s,
                read_timeout=options.timeout_s,
                retries={"total_max_attempts": 3, "mode": "standard"},
            )
            session = botocore.session.Session(profile=options.profile)
            self._made = session.create_client(
                "kms",
                region_name=options.region,
                endpoint_url=options.endpoint_url,
                config=limits,
                aws_access_key_id=self._secrets.get("access_key_id"),
                aws_secret_access_key=self._secrets.get("secret_access_key"),
                aws_session_token=self._secrets.get("session_token"),
            )
        return self._made


_SEE = "see CloudTrail"
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
