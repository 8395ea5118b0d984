"""What a call can end with besides an answer.

LegatoRefused      Legato answered, and it is no: `code` and `message` say why
LegatoUnreachable  nobody answered, or the connection broke
"""

from collections.abc import Mapping
from typing import Any

import httpx


class LegatoRefused(Exception):
    """Legato answered with an error.

    `code`, `param` and `message` are those of its body, `http_status` its status, `request_id`
    what the ledger and the traces know the request by ("" where none was given).
    """

    def __init__(self, http_status: int, said: Mapping[str, Any], request_id: str) -> None:
        """`said` is the error of the body."""
        self.http_status = http_status
        self.code = str(said.get("code") or said.get("type") or "")
        self.param = str(said.get("param") or "")
        self.message = str(said.get("message") or f"HTTP {http_status}")
        self.request_id = request_id
        super().__init__(f"{self.message} ({self.code or http_status})")


class LegatoUnreachable(Exception):
    """Nobody answered at this address, not in time, or the answer broke off."""


def refusal(response: httpx.Response) -> LegatoRefused:
    """Read an answer that is an error; one that isn't Legato's has no code."""
    try:
        body = response.json()
    except ValueError:
        body = None
    error = body.get("error") if isinstance(body, dict) else None
    request_id = response.headers.get("x-legato-request-id", "")
    return LegatoRefused(response.status_code, error if isinstance(error, dict) else {}, request_id)
