"""The words of the matrix: what callers ask, who is asked, and what may become of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from legato.api.anthropic.messages import Messages
from legato.api.openai.chat import ChatCompletions
from legato.api.openai.responses.surface import Responses
from legato.core.clock import ManualClock
from legato.core.config import Provider as ProviderConfig
from legato.core.ids import IdSource
from legato.providers.anthropic import factory as anthropic_factory
from legato.providers.base import Provider, ProviderSettings
from legato.providers.bedrock import factory as bedrock_factory
from legato.providers.cohere import factory as cohere_factory
from legato.providers.gemini import factory as gemini_factory
from legato.providers.openai_compatible import factory as openai_factory

if TYPE_CHECKING:
    from collections.abc import Callable

    from legato.core.wire import Surface

sys.path.append(str(Path(__file__).parents[2]))
sys.path.append(str(Path(__file__).parents[2] / "wire_servers"))
import aws_model
import bedrock_claude
import bedrock_converse
import gemini_requests

import wire_servers.cohere
import wire_servers.openai_dialects

CALLERS: dict[str, Surface] = {
    "chat": ChatCompletions(ManualClock()),
    "responses": Responses(ManualClock(), IdSource(ManualClock())),
    "messages": Messages(),
}
QUESTION = "Why is the sky blue?"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


class At(NamedTuple):
    """It arrives: at this path of the provider's body this stands."""

    path: str
    value: Any = ...

    def holds(self, body: Any) -> bool:
        found = body
        for step in self.path.split("."):
            found = found[int(step)] if isinstance(found, list) else found[step]
        return self.value is ... or found == self.value


class Refused(NamedTuple):
    """400 naming the field; a route with `drop_unsupported` leaves it out."""

    param: str


class Always(NamedTuple):
    """400 naming the field under any policy: without it the question would be another."""

    param: str


class Left(NamedTuple):
    """Left out, since nothing that was asked changes; the documents say so in these words."""

    words: str


Outcome = At | Refused | Always | Left


class Feature(NamedTuple):
    """`says`: a caller's fields; one that is missing has no words for it. `becomes`: by dialect."""

    says: dict[str, dict[str, Any]]
    becomes: dict[str, Outcome]


def everywhere(outcome: Outcome, **others: Outcome) -> dict[str, Outcome]:
    names = ("openai", "anthropic", "gemini", "converse", "cohere")
    return dict.fromkeys(names, outcome) | others


class Asked(NamedTuple):
    """A provider of the matrix: its dialect's judge reads what was written."""

    dialect: str
    factory: Callable[[ProviderSettings], Provider]
    judge: Callable[[Any], None]
    model: str = "m"
    preset: str | None = None
    settings: dict[str, Any] = {}  # noqa: RUF012 -- read only

    def open(self) -> Provider:
        config = ProviderConfig(name="p", kind="k", preset=self.preset, settings=self.settings)
        return self.factory(ProviderSettings(config, "http://up/v1", "sk-1"))


def judge_openai(body: Any) -> None:
    known = wire_servers.openai_dialects.OPENAI | {"verbosity"}
    assert body.keys() <= known - {"top_k"}, body.keys() - known
    for message in body["messages"]:
        assert message["role"] in {"system", "user", "assistant", "tool"}


def judge_gemini(body: Any) -> None:
    gemini_requests.check_chat(body, "gemini-3", vertex=False)


def judge_converse(body: Any) -> None:
    aws_model.check("ConverseRequest", body)
    bedrock_converse.check_conversation(body)


def judge_claude(body: Any) -> None:
    given = {name: value for name, value in body.items() if name not in {"model", "stream"}}
    assert given.get("temperature", 1) <= 1
    bedrock_claude.message({"anthropic_version": "bedrock-2023-05-31", **given})


def judge_cohere(body: Any) -> None:
    assert body.keys() <= wire_servers.cohere.CHAT_FIELDS
    wire_servers.cohere.judge(body)


PROVIDERS = {
    "openai": Asked("openai", openai_factory, judge_openai, preset="openai"),
    "anthropic": Asked("anthropic", anthropic_factory, judge_claude),
    "gemini": Asked("gemini", gemini_factory, judge_gemini, "gemini-3-pro"),
    "converse": Asked(
        *("converse", bedrock_factory, judge_converse, "anthropic.claude-x"),
        settings={"region": "eu-central-1"},
    ),
    "cohere": Asked("cohere", cohere_factory, judge_cohere),
}
KINDS = {
    "openai_compatible": "openai",
    "azure_openai": "openai",
    "local": "openai",
    "simulated": "openai",
    "anthropic": "anthropic",
    "gemini": "gemini",
    "vertex": "gemini",
    "bedrock": "converse",
    "cohere": "cohere",
}
"""Each built-in kind and whose row is its own; Claude elsewhere is Anthropic's."""
SPEAKS = {"chat": "openai", "messages": "anthropic"}
"""Callers whose bodies pass unread at providers of their own dialect."""


def body_of(caller: str, fields: dict[str, Any], *, stream: bool) -> dict[str, Any]:
    """A caller's body; `fields` say more than the question, or another one."""
    question = [{"role": "user", "content": QUESTION}]
    body: dict[str, Any] = {"model": "alias"}
    body["input" if caller == "responses" else "messages"] = question
    if caller == "messages":
        body["max_tokens"] = 64
    return body | fields | ({"stream": True} if stream else {})
