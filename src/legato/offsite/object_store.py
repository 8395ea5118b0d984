"""Objects in a bucket that speaks S3's protocol, with requests signed by AWS's version 4.

Three calls of a protocol that a few dozen lines sign: the vendor's library would cost 60 MiB.
https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

import hmac
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final
from urllib.parse import quote, urlsplit

import msgspec

from legato.offsite.connections import Answer, HttpClient, Rules
from legato.offsite.destination import CopyFailed

_OK: Final = frozenset({200, 201, 204})
_NONE: Final = 404
_MAY_NOT: Final = frozenset({403, 405})
_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_TOLD_CHARACTERS: Final = 200


class Bucket(msgspec.Struct, frozen=True):
    """Where, and as whom."""

    endpoint: str
    bucket: str
    prefix: str
    region: str
    access_key_id: str
    secret: Callable[[], str]


class BucketObjects:
    """`Objects` below a prefix of a bucket."""

    def __init__(self, bucket: Bucket, rules: Rules, now_ns: Callable[[], int]) -> None:
        self._bucket = bucket
        self._now_ns = now_ns
        self._client = HttpClient(bucket.endpoint, rules)
        self._base = urlsplit(bucket.endpoint).path.rstrip("/")

    def read(self, name: str) -> bytes | None:
        """Return an object."""
        answer = self._ask("GET", name)
        if answer.status == _NONE:
            return None
        return _required(answer, name).body

    def write(self, name: str, data: bytes) -> None:
        """Put an object."""
        _required(self._ask("PUT", name, data), name)

    def remove(self, name: str) -> None:
        """Delete an object; a bucket that doesn't let us keeps it."""
        answer = self._ask("DELETE", name)
        if answer.status not in _MAY_NOT and answer.status != _NONE:
            _required(answer, name)

    def _ask(self, method: str, name: str, body: bytes = b"") -> Answer:
        bucket = self._bucket
        parts = [bucket.bucket, *([bucket.prefix] if bucket.prefix else []), name]
        path = f"{self._base}/{quote('/'.join(parts), safe='/-_.~')}"
        headers = self._signed(method, path, body)
        return self._client.ask(method, path, headers, body)

    def _signed(self, method: str, path: str, body: bytes) -> dict[str, str]:
        moment = datetime.fromtimestamp(self._now_ns() // 1_000_000_000, UTC)
        digest = sha256(body).hexdigest()
        headers = {
            "host": self._client.host,
            "x-amz-content-sha256": digest,
            "x-amz-date": f"{moment:%Y%m%dT%H%M%SZ}",
        }
        named = ";".join(headers)
        lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
        request = f"{method}\n{path}\n\n{lines}\n{named}\n{digest}"
        scope = f"{moment:%Y%m%d}/{self._bucket.region}/s3/aws4_request"
        hashed = sha256(request.encode()).hexdigest()
        text = f"{_ALGORITHM}\n{headers['x-amz-date']}\n{scope}\n{hashed}"
        key = f"AWS4{self._bucket.secret()}".encode()
        for part in scope.split("/"):
            key = hmac.new(key, part.encode(), sha256).digest()
        signature = hmac.new(key, text.encode(), sha256).hexdigest()
        headers["authorization"] = (
            f"{_ALGORITHM} Credential={self._bucket.access_key_id}/{scope}, "
            f"SignedHeaders={named}, Signature={signature}"
        )
        return headers


def _required(answer: Answer, name: str) -> Answer:
    if answer.status not in _OK:
        told = answer.body.decode("utf-8", "replace")[:_TOLD_CHARACTERS]
        raise CopyFailed(f"{name}: the bucket answered {answer.status}: {told}")
    return answer
