"""Signature Version 4, checked from the secret alone.

Written after "Create a signed AWS API request" and "Signature Version 4 signing process: canonical
request" of the IAM User Guide on docs.aws.amazon.com, read through 2026-11-21; nothing of
botocore is used, as it is what signs.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plain_server import Request

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, ?"
    r"SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})"
)
_UNRESERVED = re.compile(rb"[A-Za-z0-9_.~/-]")
_SKEW = dt.timedelta(minutes=5)


class Refused(Exception):
    """Carries the type of the service's answer."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind, self.message = kind, message


def check(
    request: Request, secrets: Mapping[str, tuple[str, str | None]], region: str, service: str
) -> str:
    """Return the access key that signed; `secrets` are secret and session token by access key."""
    found = _AUTHORIZATION.fullmatch(request.headers.get("authorization", ""))
    if found is None:
        raise Refused("MissingAuthenticationTokenException", "Missing Authentication Token")
    access_key, date, in_region, for_service, signed, signature = found.groups()
    if access_key not in secrets:
        said = "The security token included in the request is invalid."
        raise Refused("UnrecognizedClientException", said)
    if (in_region, for_service) != (region, service):
        raise Refused("InvalidSignatureException", "Credential should be scoped correctly.")
    secret, token = secrets[access_key]
    if request.headers.get("x-amz-security-token") != token:
        raise Refused("UnrecognizedClientException", "The security token is invalid.")
    names = signed.split(";")
    _check_names(names, request)
    stamp = request.headers["x-amz-date"]
    then = dt.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=dt.UTC)
    if not stamp.startswith(date) or abs(dt.datetime.now(dt.UTC) - then) > _SKEW:
        raise Refused("InvalidSignatureException", "Signature expired")
    scope = f"{date}/{in_region}/{for_service}/aws4_request"
    canonical = hashlib.sha256(canonical_request(request, names)).hexdigest()
    to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{canonical}"
    key = f"AWS4{secret}".encode()
    for part in (date, in_region, for_service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    expected = hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, signature):
        said = "The request signature we calculated does not match the signature you provided."
        raise Refused("InvalidSignatureException", said)
    return access_key


def _check_names(names: list[str], request: Request) -> None:
    """`host` and each `x-amz-` header must be signed, and the content type where there is one."""
    needed = {"host"} | {name for name in request.headers if name.startswith("x-amz-")}
    needed |= {"content-type"} & request.headers.keys()
    if names != sorted(names) or not needed <= set(names):
        raise Refused("InvalidSignatureException", "a header that must be signed is not")


def canonical_request(request: Request, names: list[str]) -> bytes:
    """The path is quoted once more than it was sent; there is no query here."""
    assert "?" not in request.target
    path = "".join(
        chr(byte) if _UNRESERVED.fullmatch(bytes([byte])) else f"%{byte:02X}"
        for byte in request.path.encode()
    )
    headers = "".join(f"{name}:{' '.join(request.headers[name].split())}\n" for name in names)
    lines = [request.method, path, "", headers, ";".join(names)]
    return "\n".join([*lines, hashlib.sha256(request.body).hexdigest()]).encode()
