"""A pair as a line of a training file, in each form that vendors document.

Read on 2026-11-21:
- openai: developers.openai.com/api/docs/guides/supervised-fine-tuning.
- gemini: docs.cloud.google.com, "Prepare supervised fine-tuning data for Gemini models".
- bedrock: docs.aws.amazon.com/bedrock, "Prepare data for fine-tuning text-to-text models" and
  "Option 1: Provide your own prompts for data preparation" (`bedrock-conversation-2024`).
- cohere: docs.cohere.com/v2/docs/chat-preparing-the-data.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from legato.evaluation.tuning.pairs import Pair

Line = dict[str, Any]


def _openai(pair: Pair) -> Line:
    return {"messages": _spoken(pair, ("system", "user", "assistant"))}


def _cohere(pair: Pair) -> Line:
    return {"messages": _spoken(pair, ("System", "User", "Chatbot"))}


def _gemini(pair: Pair) -> Line:
    line: Line = {}
    if pair.system:
        line["systemInstruction"] = {"role": "system", "parts": [{"text": pair.system}]}
    line["contents"] = [
        {"role": "user" if role == "user" else "model", "parts": [{"text": text}]}
        for role, text in _turns(pair)
    ]
    return line


def _bedrock(pair: Pair) -> Line:
    line: Line = {"schemaVersion": "bedrock-conversation-2024"}
    if pair.system:
        line["system"] = [{"text": pair.system}]
    line["messages"] = [{"role": role, "content": [{"text": text}]} for role, text in _turns(pair)]
    return line


FORMATS: Final[Mapping[str, Callable[[Pair], Line]]] = MappingProxyType(
    {"openai": _openai, "gemini": _gemini, "bedrock": _bedrock, "cohere": _cohere}
)
"""By name, what writes a pair."""


def _turns(pair: Pair) -> list[tuple[str, str]]:
    return [*((said.role, said.text) for said in pair.turns), ("assistant", pair.answer)]


def _spoken(pair: Pair, names: tuple[str, str, str]) -> list[dict[str, str]]:
    system, user, assistant = names
    first = [{"role": system, "content": pair.system}] if pair.system else []
    return first + [
        {"role": user if role == "user" else assistant, "content": text}
        for role, text in _turns(pair)
    ]
