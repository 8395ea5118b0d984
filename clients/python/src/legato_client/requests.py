"""What is sent: built here once for both clients."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import httpx

from legato_client.answers import Answer

Thumbs = Literal["up", "down"]
Outcome = Literal["accepted", "rework", "rejected", "wrong_hit"]
Message = Mapping[str, Any]

CHAT = "/v1/chat/completions"
FEEDBACK = "/v1/feedback"
MODELS = "/v1/models"
_PROMPT = "prompt:"
_WAIT_S_MAX = 30.0
_TIMEOUT = httpx.Timeout(600.0, connect=5.0)
"""Seconds. Legato's own deadline over all attempts is the shorter one."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Where Legato is, and who calls."""

    url: str
    key: str
    retries_max: int

    def http(self) -> dict[str, Any]:
        """Return what an HTTP client is made with."""
        return {
            "base_url": self.url,
            "headers": {"authorization": f"Bearer {self.key}"},
            "timeout": _TIMEOUT,
        }


def settings(url: str | None, key: str | None, retries_max: int) -> Settings:
    """Take the address and the key, from LEGATO_URL and LEGATO_KEY where they aren't given.

    Raises:
        ValueError: there is no address or no key.
    """
    url = url or os.environ.get("LEGATO_URL", "")  # noqa: TID251 - the client has no other place
    key = key or os.environ.get("LEGATO_KEY", "")  # noqa: TID251 - as above
    if not url.startswith(("http://", "https://")):
        raise ValueError("url: give Legato's address, such as http://127.0.0.1:8790, or LEGATO_URL")
    if not key:
        raise ValueError("key: give a key of Legato's, or set LEGATO_KEY")
    return Settings(url.rstrip("/").removesuffix("/v1"), key, retries_max)


def prompt_body(
    name: str,
    variables: Mapping[str, Any] | None,
    messages: Sequence[Message],
    said: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the body of a call that names a prompt."""
    body = chat_body(_PROMPT + name.removeprefix(_PROMPT), messages, said)
    if variables:
        body["metadata"] = {**(body.get("metadata") or {}), "variables": dict(variables)}
    return body


def chat_body(model: str, messages: Sequence[Message], said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of a call; what nothing was said about is left out."""
    given = {name: value for name, value in said.items() if value is not None}
    return {"model": model, "messages": list(messages), **given}


def streamed(body: dict[str, Any]) -> dict[str, Any]:
    """Return the same call as a stream, with its usage at the end."""
    return {**body, "stream": True, "stream_options": {"include_usage": True}}


def feedback_body(answer: Answer | str, said: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is said of an answer, or of a request by its id. Raises ValueError."""
    given = {name: value for name, value in said.items() if value is not None}
    if not given.keys() - {"user"}:
        raise ValueError(
            "feedback: say at least one of thumbs, score, outcome, correction, comment"
        )
    return {"request_id": answer if isinstance(answer, str) else answer.request_id, **given}


def wait_s(response: httpx.Response, retries: int) -> float | None:
    """Return how long to wait before the same call again; None where that is no use.

    Legato has tried its providers again by then: only what it says will pass is repeated.
    """
    if response.headers.get("x-should-retry") != "true":
        return None
    after_ms = response.headers.get("retry-after-ms")
    wait = float(after_ms) / 1000 if after_ms else 0.5 * 2**retries
    return wait if wait <= _WAIT_S_MAX else None


def prompt_names(body: Mapping[str, Any]) -> list[str]:
    """Return which of the models that can be called are prompts, by their names."""
    ids = (one["id"] for one in body["data"])
    return [one.removeprefix(_PROMPT) for one in ids if one.startswith(_PROMPT)]
