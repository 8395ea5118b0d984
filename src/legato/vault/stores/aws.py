"""Secrets in AWS Secrets Manager."""

import json
from typing import Any

from legato.core.config_parts import AwsSecret
from legato.vault.services.aws_session import AwsSession
from legato.vault.stores.order import AwsOrder, Unread

_REMEDIES = {
    "AccessDeniedException": (
        "allow secretsmanager:GetSecretValue, and kms:Decrypt of its key where it has its own"
    ),
    "ResourceNotFoundException": "there is no such secret in this region",
    "InvalidRequestException": "it is about to be deleted: restore it",
    "DecryptionFailure": "its key of KMS can't be used: enable it, or allow kms:Decrypt",
}


class AwsReader:
    """Reads each secret once."""

    def __init__(self, order: AwsOrder) -> None:
        self._session = AwsSession("secretsmanager", order.access, order.secrets)
        self._read: dict[str, Any] = {}

    def read(self, wanted: AwsSecret) -> object:
        """Return its text, or a field of it. Raises Unread, VaultUnusable."""
        if wanted.id not in self._read:
            self._read[wanted.id] = self._session.ask(
                lambda client: client.get_secret_value(SecretId=wanted.id), wanted.id, _REMEDIES
            ).get("SecretString")
        text = self._read[wanted.id]
        if wanted.key is None or text is None:
            return text
        try:
            fields = json.loads(text)
        except ValueError:
            fields = None
        if not isinstance(fields, dict):
            told = f"the secret {wanted.id} of AWS is no JSON object, so it has no keys"
            raise Unread(told, "Leave `key` out: all of it is the secret.")
        if wanted.key not in fields:
            remedy = f"It has: {', '.join(sorted(fields)) or 'none'}."
            raise Unread(f"the secret {wanted.id} of AWS has no key {wanted.key!r}", remedy)
        return fields[wanted.key]
