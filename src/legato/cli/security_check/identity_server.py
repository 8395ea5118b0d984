"""Stands in for every identity provider: it signs what a case asks for, with keys of its own."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from legato.core.clock import SystemClock

NS_PER_S: Final = 1_000_000_000
CLIENT: Final = "security-check"
GROUP: Final = "security-check"
"""What its people have in the claim `groups`."""
_CURVES: Final = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
_RSA_BITS: Final = 2048
_TOKEN_S: Final = 300


class IdentityServer(ThreadingHTTPServer):
    """Listens on loopback while it is entered."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.nonce = ""
        """What the next ID token says."""

    @cached_property
    def keys(self) -> dict[str, RSAKey | ECKey]:
        """Its keys by the algorithms that need one of their own."""
        made: dict[str, RSAKey | ECKey] = {
            name: ECKey.generate_key(curve, {"kid": name, "use": "sig"})
            for name, curve in _CURVES.items()
        }
        return made | {"RSA": RSAKey.generate_key(_RSA_BITS, {"kid": "RSA", "use": "sig"})}

    @property
    def public(self) -> dict[str, Any]:
        """The keys as everybody may read them."""
        return dict(KeySet(list(self.keys.values())).as_dict(private=False))

    def token(self, algorithm: str, claims: dict[str, Any]) -> str:
        """Return a signed token that holds for some minutes; a claim of None is left out."""
        now_s = SystemClock().now_ns() // NS_PER_S
        told = {"sub": "security-check", "iat": now_s, "exp": now_s + _TOKEN_S, **claims}
        key = self.keys.get(algorithm, self.keys["RSA"])
        said = {name: value for name, value in told.items() if value is not None}
        return jwt.encode({"alg": algorithm, "kid": key.kid}, said, key, algorithms=[algorithm])

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Serve within the block."""
        thread = threading.Thread(target=self.serve_forever, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.shutdown()
            thread.join()
            self.server_close()

    def configuration(self) -> dict[str, Any]:
        """Return what an OpenID provider says of itself."""
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        }

    def id_token(self) -> str:
        """Return that of the one person there is, for the sign-in under way."""
        claims = {"iss": self.url, "aud": CLIENT, "nonce": self.nonce, "groups": [GROUP]}
        return self.token("RS256", claims | {"email": "security-check@example.com"})


def encoded(value: Any) -> str:
    """Return JSON as a part of a token has it."""
    return part(json.dumps(value).encode())


def part(data: bytes) -> str:
    """Return bytes as a part of a token has them."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class _Handler(BaseHTTPRequestHandler):
    server: IdentityServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Tell the public keys, or where to go."""
        if self.path == "/jwks":
            self._tell(self.server.public)
        else:
            self._tell(self.server.configuration())

    def do_POST(self) -> None:
        """Give a token for whatever code."""
        self.rfile.read(int(self.headers["content-length"]))
        told = {"access_token": "a", "token_type": "Bearer", "id_token": self.server.id_token()}
        self._tell(told)

    def _tell(self, told: Any) -> None:
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Stay silent: stderr is the operator's."""
