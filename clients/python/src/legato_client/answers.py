"""An answer, with what Legato says beside it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens, as the provider counted them."""

    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Meta:
    """What stands in an answer's headers."""

    request_id: str
    """What feedback, ledger and traces know the request by."""
    versions: tuple[str, ...]
    """Of the registry that made the answer, such as `prompt/greeting@3fa9c1d2e4b5`."""
    cached: bool
    cost_usd: Decimal | None
    """Exact; None where it isn't known yet (a stream), or the deployment has no price."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of a model."""

    text: str
    finish_reason: str
    model: str
    usage: Usage
    meta: Meta
    body: Mapping[str, Any]
    """All of it, as chat completions have it: tool calls and the like are here."""

    @property
    def request_id(self) -> str:
        """What feedback, ledger and traces know the request by."""
        return self.meta.request_id

    @property
    def versions(self) -> tuple[str, ...]:
        """Of the registry that made it, such as `prompt/greeting@3fa9c1d2e4b5`."""
        return self.meta.versions

    @property
    def cost_usd(self) -> Decimal | None:
        """Exact; None where the deployment has no price."""
        return self.meta.cost_usd

    def json(self) -> Any:
        """Return what the text holds, for prompts with an output schema. Raises ValueError."""
        return json.loads(self.text)


def meta_of(headers: httpx.Headers) -> Meta:
    """Read an answer's headers."""
    cost = headers.get("x-legato-cost-usd")
    return Meta(
        request_id=headers.get("x-legato-request-id", ""),
        versions=tuple(
            one.strip() for one in headers.get("x-legato-versions", "").split(",") if one.strip()
        ),
        cached=headers.get("x-legato-cache") == "hit",
        cost_usd=None if cost is None else Decimal(cost),
    )


def answer_of(response: httpx.Response) -> Answer:
    """Read a chat completion."""
    body = response.json()
    choice = body["choices"][0]
    return Answer(
        text=choice["message"].get("content") or "",
        finish_reason=choice.get("finish_reason") or "",
        model=body.get("model") or "",
        usage=usage_of(body),
        meta=meta_of(response.headers),
        body=body,
    )


def usage_of(body: Mapping[str, Any]) -> Usage:
    """Read the usage of a chat completion, or of a stream's last chunk."""
    said = body.get("usage") or {}
    return Usage(said.get("prompt_tokens") or 0, said.get("completion_tokens") or 0)
