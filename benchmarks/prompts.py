"""What a prompt's call costs more than a model's, in microseconds: the best of many short rounds.

python benchmarks/prompts.py [calls]
"""

import asyncio
import sys
import timeit
from collections.abc import Callable
from typing import Any

import msgspec

from legato.api.openai.chat import ChatCompletions
from legato.core.clock import SystemClock
from legato.core.principal import Principal
from legato.core.registry import Kind, ObjectName, digest_of
from legato.gateway.prompts import names_prompt
from legato.registry.checking import check_prompt
from legato.registry.prompts import PromptRegistry
from legato.storage.registry.records import LabelledVersion, VersionRecord

ROUNDS = 200
SPEC = {
    "messages": [
        {"role": "system", "content": "You answer for {{company}}, a {{trade}}. {{> tone}}"},
        {"role": "user", "content": "{{question}}{{#orders}}\n- {{number}}: {{state}}{{/orders}}"},
    ],
    "partials": {"tone": "Be kind and brief. " * 50},
    "variables": {
        "company": {"type": "string", "default": "Acme", "max_length": 200},
        "trade": {"type": "string", "enum": ["baker", "printer"]},
        "question": {"type": "string"},
        "orders": {
            "type": "list",
            "items": {
                "type": "object",
                "properties": {"number": {"type": "integer"}, "state": {"type": "string"}},
            },
        },
    },
    "route": "chat",
    "parameters": {"temperature": 0.2, "max_tokens": 300},
}  # fmt: skip
ORDERS = [{"number": number, "state": "shipped"} for number in range(3)]
VARIABLES = {"trade": "baker", "question": "Where is my order of last week?", "orders": ORDERS}
MODEL = "prompt:refund-reply@production"


class InMemory:
    """A thousand labelled prompts, sealed by nobody."""

    def version(self) -> int:
        return 1

    def read(self) -> tuple[int, list[LabelledVersion]]:
        names = ["refund-reply", *(f"other-{number}" for number in range(1_000))]
        return 1, [self._labelled(name) for name in names]

    def _labelled(self, name: str) -> LabelledVersion:
        content, digest = msgspec.json.encode(SPEC), digest_of(Kind.PROMPT, SPEC)
        kept = VersionRecord(ObjectName(Kind.PROMPT, name), digest, 1, content, "", "", 0)
        return LabelledVersion("default", "production", kept)

    def seal(self, org: str, data: bytes, context: bytes) -> bytes:
        del org, context
        return data

    open = seal


async def at_once(work: Callable[[], Any]) -> Any:
    await asyncio.sleep(0)
    return work()


def microseconds(work: Callable[[], Any], calls: int) -> float:
    return min(timeit.repeat(work, number=calls, repeat=ROUNDS)) / calls * 1e6


def main() -> None:
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    check_prompt(SPEC)
    store = InMemory()
    prompts, surface = PromptRegistry(store, store, at_once), ChatCompletions(SystemClock())
    prompts.load()
    caller = Principal("k", "k", "default", "team", "feature")
    other = {"model": "chat", "messages": []}
    prompt = prompts.resolve(MODEL, caller, "u")
    chat = prompt.render(VARIABLES)

    def put() -> None:
        found = prompts.resolve(MODEL, caller, "u").render(VARIABLES)
        body = surface.with_prompt({"model": MODEL}, found, drop_unsupported=False)
        surface.read(body)

    for told, work in {
        "seeing that a request names no prompt": lambda: names_prompt(other),
        "resolving, among 1,001 prompts": lambda: prompts.resolve(MODEL, caller, "u"),
        "rendering": lambda: prompt.render(VARIABLES),
        "resolving and rendering": lambda: prompts.resolve(MODEL, caller, "u").render(VARIABLES),
        "writing it in the caller's dialect": lambda: surface.with_prompt(
            {"model": MODEL}, chat, drop_unsupported=False
        ),
        "all of it, read again": put,
    }.items():
        print(f"{told:40} {microseconds(work, calls):7.2f} µs")


if __name__ == "__main__":
    main()
