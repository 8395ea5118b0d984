"""The chunks of a stream."""

import json
from typing import Any

import httpx

from legato_client.answers import Meta, Usage, meta_of, usage_of
from legato_client.errors import LegatoRefused, LegatoUnreachable

_DATA = "data:"
_END = "[DONE]"


class Arriving:
    """A running answer: what has come of it."""

    def __init__(self, response: httpx.Response) -> None:
        self.meta: Meta = meta_of(response.headers)
        self.text = ""
        self.finish_reason = ""
        self.usage = Usage(0, 0)
        """Tokens; zero until the end."""
        self._response = response
        self._ended = False
        self._failure: dict[str, Any] | None = None

    @property
    def request_id(self) -> str:
        """What feedback, ledger and traces know the request by."""
        return self.meta.request_id

    def _take(self, line: str) -> str:
        """Return the text that a line adds, "" where it adds none."""
        if not line.startswith(_DATA):
            return ""
        data = line[len(_DATA) :].strip()
        if data == _END:
            self._ended = True
            return ""
        chunk = json.loads(data)
        if "error" in chunk:
            self._failure = chunk["error"]
            return ""
        if chunk.get("usage"):
            self.usage = usage_of(chunk)
        return self._choice(chunk.get("choices") or [])

    def _require_whole(self) -> None:
        """Refuse to take for an answer what is none.

        Raises:
            LegatoRefused: it failed after it had begun.
            LegatoUnreachable: it has no end.
        """
        if self._failure is not None:
            raise LegatoRefused(self._response.status_code, self._failure, self.request_id)
        if not self._ended:
            raise LegatoUnreachable("the stream broke off before its end")

    def _choice(self, choices: list[dict[str, Any]]) -> str:
        if not choices:
            return ""
        self.finish_reason = choices[0].get("finish_reason") or self.finish_reason
        added: str = choices[0].get("delta", {}).get("content") or ""
        self.text += added
        return added
