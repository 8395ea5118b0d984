"""Callers of all sorts, and what each of them saw."""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp

from .instance import Instance

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

ANSWER_S = 60.0
RECONNECTS_MAX = 400
RECONNECT_S = 0.05


@dataclass
class Seen:
    """One call as its caller saw it. `status` is 0 where the connection broke first."""

    stream: bool
    key: str
    status: int = 0
    request_id: str = ""
    cache: str = ""
    cost_usd: str = ""
    complete: bool = False
    left: bool = False
    error_code: str = ""
    retry_after: str = ""
    text: str = ""


@dataclass
class Ask:
    """One call to make. `leave_s` is when its caller hangs up, None for never."""

    prompt: str
    stream: bool = False
    key: str = "open"
    model: str = "chat"
    max_tokens: int | None = 64
    leave_s: float | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.model,
            "stream": self.stream,
            "messages": [{"role": "user", "content": self.prompt}],
            **self.extra,
        }
        if self.max_tokens is not None:
            body["max_tokens"] = self.max_tokens
        return body


def mixed(count: int, seed: int) -> list[Ask]:
    """Streams and not, repeated and not, several keys, some callers that hang up."""
    dice = random.Random(seed)
    asks = []
    for number in range(count):
        repeated = dice.random() < 0.3
        prompt = f"repeated {dice.randrange(40)}" if repeated else f"once {seed} {number}"
        asks.append(
            Ask(
                prompt if repeated else prompt + " word" * dice.randrange(40),
                stream=dice.random() < 0.5,
                key=dice.choice(["open", "open", "rich", "poor", "narrow"]),
                max_tokens=64 if repeated else dice.choice([None, 16, 64]),
                leave_s=dice.uniform(0.0, 0.1) if dice.random() < 0.05 else None,
            )
        )
    return asks


class Load:
    """Makes calls with so many callers at a time; goes on while the program is away."""

    def __init__(self, instance: Instance, callers: int = 16) -> None:
        self._instance = instance
        self._callers = callers
        self.seen: list[Seen] = []
        self.begun = 0
        self.broken = 0

    async def run(self, asks: Iterable[Ask], *, until: Callable[[], bool] | None = None) -> None:
        left = iter(asks)
        connector = aiohttp.TCPConnector(limit=self._callers)
        timeout = aiohttp.ClientTimeout(total=ANSWER_S)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:

            async def caller() -> None:
                for ask in left:
                    if until is not None and until():
                        return
                    self.begun += 1
                    self.seen.append(await self._made(session, ask))

            await asyncio.gather(*[caller() for _ in range(self._callers)])

    async def _made(self, session: aiohttp.ClientSession, ask: Ask) -> Seen:
        for _ in range(RECONNECTS_MAX):
            seen = Seen(ask.stream, ask.key)
            try:
                async with asyncio.timeout(ask.leave_s):
                    await call(session, self._instance, ask, seen)
            except TimeoutError:
                if ask.leave_s is None:
                    raise  # nobody may wait for an answer that long
                seen.left = True
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(RECONNECT_S)  # nothing was sent: not a call yet
                continue
            except aiohttp.ClientError:
                self.broken += 1
            return seen
        raise AssertionError("the program did not come back")


async def call(session: aiohttp.ClientSession, instance: Instance, ask: Ask, seen: Seen) -> None:
    """Make one call and write down how it went, as far as it went."""
    headers = {"authorization": f"Bearer {Instance.secret(ask.key)}"}
    url = f"{instance.url}/v1/chat/completions"
    async with session.post(url, json=ask.body(), headers=headers) as answer:
        seen.request_id = answer.headers.get("x-legato-request-id", "")
        seen.cache = answer.headers.get("x-legato-cache", "")
        seen.cost_usd = answer.headers.get("x-legato-cost-usd", "")
        seen.retry_after = answer.headers.get("retry-after", "")
        body = await answer.read()
        seen.status = answer.status
    judge(seen, body)


def judge(seen: Seen, body: bytes) -> None:
    """Note whether the answer is complete, or which error it tells."""
    if seen.status != 200:
        seen.error_code = json.loads(body)["error"]["code"]
    elif not seen.stream:
        seen.text = json.loads(body)["choices"][0]["message"]["content"]
        seen.complete = True
    else:
        events = [part[6:] for part in body.split(b"\n\n") if part.startswith(b"data: ")]
        seen.complete = bool(events) and events[-1] == b"[DONE]"
        for event in events:
            if event == b"[DONE]":
                continue
            chunk = json.loads(event)
            if "error" in chunk:
                seen.error_code = chunk["error"]["code"]
                seen.complete = False
            elif chunk["choices"]:
                seen.text += chunk["choices"][0]["delta"].get("content") or ""
