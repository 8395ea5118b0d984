"""A token endpoint of Microsoft Entra ID, over TLS with a certificate of a private CA.

Built from "Microsoft identity platform and the OAuth 2.0 client credentials flow" on
learn.microsoft.com, read through 2026-11-21: by secret, and by the assertion of a federated
credential, which is what workload identity sends.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from plain_server import Reply, Request, WireServer, as_json
from private_ca import server_tls

if TYPE_CHECKING:
    from pathlib import Path

TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT = "66666666-7777-8888-9999-000000000000"
CLIENT_SECRET = "entra-client-secret-of-these-tests"
ASSERTION = "assertion-of-the-cluster"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SCOPE = "https://cognitiveservices.azure.com/.default"


class EntraServer(WireServer):
    """Gives tokens and adds them to `tokens`; `status` other than 200 lets it fail."""

    def __init__(self, folder: Path, *, expires_s: int = 3600) -> None:
        self.tokens: set[str] = set()
        self.expires_s = expires_s
        self.status = 200
        self._numbers = itertools.count(1)
        self.ca_file = folder / "entra-ca.pem"
        super().__init__(server_tls(folder, self.ca_file))

    def asked_for_tokens(self) -> list[dict[str, list[str]]]:
        """The forms that were posted to the token endpoint."""
        return [parse_qs(one.body.decode()) for one in self.taken if one.method == "POST"]

    def answer(self, request: Request) -> Reply:
        base = f"{self.url}/{TENANT}"
        if request.path == f"/{TENANT}/v2.0/.well-known/openid-configuration":
            endpoints = {
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "issuer": f"{base}/v2.0",
            }
            return as_json(200, endpoints)
        if request.path != f"/{TENANT}/oauth2/v2.0/token":
            return as_json(404, {"error": "not_found"})
        if self.status != 200:
            return as_json(self.status, {"error": "temporarily_unavailable"})
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        if form.get("grant_type") != "client_credentials" or form.get("scope") != SCOPE:
            return as_json(400, {"error": "invalid_request"})
        by_secret = form.get("client_secret") == CLIENT_SECRET
        by_assertion = (form.get("client_assertion"), form.get("client_assertion_type")) == (
            ASSERTION,
            ASSERTION_TYPE,
        )
        if form.get("client_id") != CLIENT or not (by_secret or by_assertion):
            said = "AADSTS7000215: Invalid client secret provided."
            return as_json(401, {"error": "invalid_client", "error_description": said})
        token = f"entra-token-{next(self._numbers)}"
        self.tokens.add(token)
        return as_json(
            200, {"token_type": "Bearer", "expires_in": self.expires_s, "access_token": token}
        )
