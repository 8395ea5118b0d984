"""The vendor that the sample package is written for: it checks signatures, a model answers."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_LINE = re.compile(r"key=(\S+), time=(\d+), sha256=([0-9a-f]{64})")


class Vendor:
    """Listens on loopback and passes what is well signed on to the model's port."""

    def __init__(self, model_port: int, keys: dict[str, str]) -> None:
        self.refused: list[str] = []
        self.served: list[dict[str, str]] = []
        vendor = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if not signed_by(keys, self.path, self.headers["x-signature"] or "", body):
                    vendor.refused.append(self.path)
                    self._answer(401, "application/json", b'{"error":{"message":"signature"}}')
                    return
                vendor.served.append(dict(self.headers))
                model = http.client.HTTPConnection("127.0.0.1", model_port, timeout=20)
                model.request("POST", self.path, body)
                answer = model.getresponse()
                self._answer(answer.status, answer.headers["content-type"], answer.read())
                model.close()

            def _answer(self, status: int, content_type: str, body: bytes) -> None:
                self.send_response(status)
                self.send_header("content-type", content_type)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.port = self._server.server_address[1]

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def signed_by(keys: dict[str, str], path: str, line: str, body: bytes) -> bool:
    """Written after the vendor's page, not after the package's code."""
    found = _LINE.fullmatch(line)
    if found is None or found[1] not in keys:
        return False
    signed = f"{found[2]}\n{path}\n".encode() + body
    expected = hmac.new(keys[found[1]].encode(), signed, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, found[3])
