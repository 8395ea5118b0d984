"""A real OpenID provider, in a process of its own."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

NODE_TESTS = Path(__file__).parents[1] / "node"
NODE = shutil.which("node")
SECRET = "the-client-secret-of-these-tests"


def why_not() -> str | None:
    """What is missing to run it; None where all is there."""
    if NODE is None:
        return "node is not installed"
    if not (NODE_TESTS / "node_modules" / "oidc-provider").is_dir():
        return "the provider is not installed: make .make/node"
    return None


class Provider:
    """Its process, and the person at its keyboard; `outside` is where Legato is reached."""

    def __init__(self, outside: str) -> None:
        assert NODE is not None
        self.outside = outside
        known = {"ISSUER_PORT": "0", "CLIENT_SECRET": SECRET, "EXTERNAL_URL": outside}
        self.process = subprocess.Popen(
            [NODE, "openid_provider.mjs"],
            cwd=NODE_TESTS,
            env={**os.environ, **known},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        lines = iter(self.process.stdout.readline, "")
        self.issuer = next(line.strip() for line in lines if line.startswith("http"))

    def tell(self, path: str, value: Any = None) -> None:
        assert self.ask("PUT", path, json.dumps(value) if value else "", {}).status == 200

    def ask(self, method: str, path: str, body: str, headers: dict[str, str]) -> Any:
        connection = http.client.HTTPConnection(urlsplit(self.issuer).netloc, timeout=30)
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer

    def followed(self, url: str) -> str:
        """Go where a browser would go from `url`; return the address that leads back to us."""
        cookies: dict[str, str] = {}
        while not url.startswith(self.outside):
            parts = urlsplit(url)
            path = parts.path + (f"?{parts.query}" if parts.query else "")
            sent = "; ".join(f"{name}={value}" for name, value in cookies.items())
            answer = self.ask("GET", path, "", {"cookie": sent})
            assert answer.status in {302, 303}, answer.status
            for line in answer.headers.get_all("set-cookie") or []:
                for name, morsel in SimpleCookie(line).items():
                    cookies[name] = morsel.value
            url = answer.headers["location"]
            url = url if url.startswith("http") else f"{self.issuer}{url}"
        return url.removeprefix(self.outside)

    def stop(self) -> None:
        self.process.kill()
        self.process.communicate()
