"""HashiCorp Vault: the transit engine, and signing in by token, AppRole and Kubernetes.

Built from "Transit secrets engine (API)", "AppRole auth method (API)" and "Kubernetes auth method
(API)" of developer.hashicorp.com/vault/api-docs and judged by the package hvac 2.4 (2026-11-22).
The same tests ask a real OpenBao 2.7, where that is installed; this one can be sealed, and forgets
tokens. Keys are AES-256-GCM with `associated_data`, a ciphertext is `vault:vN:BASE64`, and each
version opens only what it sealed.
"""

from __future__ import annotations

import base64
import os
import secrets
from typing import TYPE_CHECKING, Any

from aiohttp import web
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from wire_servers.threaded import ThreadedServer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

TOKEN = "hvs.root-of-these-tests"
ROLE_ID, SECRET_ID = "role-of-these-tests", "secret-id-of-these-tests"
JWT = "service-account-jwt"
NONCE_BYTES = 12


class VaultServer(ThreadedServer):
    """`keys` holds each key's versions, `tokens` those in force."""

    def __init__(self) -> None:
        self.keys: dict[str, list[AESGCM]] = {"legato": [_new()]}
        self.tokens = {TOKEN}
        self.sealed = False
        self.logins = 0
        self.namespaces: set[str | None] = set()
        super().__init__(
            {
                "/v1/auth/approle/login": self._open(self._approle),
                "/v1/auth/kubernetes/login": self._open(self._kubernetes),
                "GET /v1/transit/keys/{key}": self._guarded(self._read),
                "/v1/transit/encrypt/{key}": self._guarded(self._encrypt),
                "/v1/transit/decrypt/{key}": self._guarded(self._decrypt),
            }
        )

    def rotate(self, key: str) -> None:
        """`vault write -f transit/keys/KEY/rotate`."""
        self.keys[key].append(_new())

    def _open(self, handler: Any) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def answered(request: web.Request) -> web.StreamResponse:
            self.namespaces.add(request.headers.get("x-vault-namespace"))
            if self.sealed:
                return _errors(503, "Vault is sealed")
            body = await request.json() if request.can_read_body else {}
            answer: web.StreamResponse = handler(request, body)
            return answer

        return answered

    def _guarded(self, handler: Any) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        def allowed(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
            if request.headers.get("x-vault-token") not in self.tokens:
                return _errors(403, "permission denied")
            if request.match_info["key"] not in self.keys:
                status = 404 if request.method == "GET" else 400
                return _errors(status, *([] if status == 404 else ["encryption key not found"]))
            answer: web.StreamResponse = handler(request, body)
            return answer

        return self._open(allowed)

    def _approle(self, _: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        if body != {"role_id": ROLE_ID, "secret_id": SECRET_ID}:
            return _errors(400, "invalid role or secret ID")
        return self._signed_in()

    def _kubernetes(self, _: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        if body != {"role": "legato", "jwt": JWT}:
            return _errors(403, "permission denied")
        return self._signed_in()

    def _signed_in(self) -> web.StreamResponse:
        self.logins += 1
        token = f"hvs.{secrets.token_urlsafe(12)}"
        self.tokens.add(token)
        lease = {"client_token": token, "lease_duration": 3600, "renewable": True}
        return web.json_response({"auth": lease})

    def _read(self, request: web.Request, _: dict[str, Any]) -> web.StreamResponse:
        versions = self.keys[request.match_info["key"]]
        facts = {"type": "aes256-gcm96", "latest_version": len(versions)}
        return web.json_response({"data": facts})

    def _encrypt(self, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        versions = self.keys[request.match_info["key"]]
        nonce, plain = os.urandom(NONCE_BYTES), base64.b64decode(body["plaintext"])
        sealed = nonce + versions[-1].encrypt(nonce, plain, _bound(body))
        text = f"vault:v{len(versions)}:{base64.b64encode(sealed).decode()}"
        return web.json_response({"data": {"ciphertext": text, "key_version": len(versions)}})

    def _decrypt(self, request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
        versions = self.keys[request.match_info["key"]]
        try:
            _, version, text = body["ciphertext"].split(":")
            sealed = base64.b64decode(text)
            cipher = versions[int(version.removeprefix("v")) - 1]
            plain = cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _bound(body))
        except (ValueError, IndexError, InvalidTag):
            return _errors(400, "cipher: message authentication failed")
        return web.json_response({"data": {"plaintext": base64.b64encode(plain).decode()}})


def _new() -> AESGCM:
    return AESGCM(AESGCM.generate_key(256))


def _bound(body: dict[str, Any]) -> bytes:
    return base64.b64decode(body.get("associated_data") or "")


def _errors(status: int, *messages: str) -> web.Response:
    return web.json_response({"errors": list(messages)}, status=status)
