"""The load generator: HTTP/1.1 on uvloop and httptools, closed loop or at a fixed rate."""

import asyncio
import contextlib
import json
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httptools

from benchmarks.gateway.upstream import WORD

PROMPT_BYTES = 2048
_MARK = "#" * 24
_TOKEN = WORD.strip().encode()
_FILLER = (
    "Quarterly revenue in the northern region rose while shipping costs fell, "
    "and the board asks for a plain summary. "
)
_QUESTION_WORDS = [
    words.split()
    for words in (
        "change cancel find reset pay move read print sign block paint clean sell build test",
        "old new broken blue second lost cheap public hidden annual wooden local empty double",
        "password invoice contract router window bicycle licence menu password kitchen engine",
        "school hospital neighbour museum company garden library hotel bakery theatre factory",
        "Berlin Paris Madrid Rome Vienna Lisbon Oslo Prague Athens Dublin Warsaw Turin Lyon",
    )
]
_DRAIN_S = 30.0
_OPEN_LOOP_CONNECTIONS = 8


class Prompts:
    """Requests of about 2 KB, each with a prompt of its own, so that no cache can answer.

    `distinct` bounds them: after so many they repeat, for measuring a cache on purpose.
    """

    def __init__(
        self, url: str, model: str, headers: Sequence[str], *, stream: bool, distinct: int = 0
    ) -> None:
        parts = urlsplit(url)
        self.host, self.port = parts.hostname or "", parts.port or 80
        self._distinct = distinct
        self._salt = os.urandom(6).hex()
        self._number = 0
        request = _request(url, headers, _body(model, stream=stream))
        before, _, after = request.partition(_MARK)
        self._before, self._after = before.encode(), after.encode()

    def next(self) -> bytes:
        number = self._number % self._distinct if self._distinct else self._number
        self._number += 1
        return self._before + f"{self._salt}{number:012d}".encode() + self._after


class Questions:
    """Requests with a question of its own each, of some twelve words, that none answers another.

    Each says another number, which keeps a semantic cache from serving one's answer for another's.
    """

    def __init__(self, url: str, model: str, headers: Sequence[str]) -> None:
        parts = urlsplit(url)
        self.host, self.port = parts.hostname or "", parts.port or 80
        self._url, self._model, self._headers = url, model, headers
        self._number = 0
        self._random = random.Random(1)

    def next(self) -> bytes:
        self._number += 1
        chosen = [self._random.choice(words) for words in _QUESTION_WORDS]
        asked = "How do I {} the {} {} of a {} in {}".format(*chosen)
        messages = [
            {"role": "system", "content": "You are a careful assistant."},
            {"role": "user", "content": f"{asked} with {self._number} others?"},
        ]
        body = {"model": self._model, "messages": messages, "max_tokens": 256}
        return _request(self._url, self._headers, json.dumps(body)).encode()


def _request(url: str, headers: Sequence[str], body: str) -> str:
    parts = urlsplit(url)
    head = [
        f"POST {parts.path.rstrip('/')}/chat/completions HTTP/1.1",
        f"host: {parts.hostname}:{parts.port or 80}",
        "content-type: application/json",
        f"content-length: {len(body)}",
        *headers,
    ]
    return "\r\n".join([*head, "", body])


def _body(model: str, *, stream: bool) -> str:
    def encoded(text: str) -> str:
        body: dict[str, Any] = {
            "model": model,
            "messages": [
                {"role": "system", "content": "You are a careful assistant."},
                {"role": "user", "content": f"[{_MARK}] {text}"},
            ],
            "temperature": 0.2,
            "max_tokens": 256,
        }
        if stream:
            body["stream"] = True
        return json.dumps(body)

    room = PROMPT_BYTES - len(encoded(""))
    return encoded((_FILLER * (room // len(_FILLER) + 1))[:room])


@dataclass
class Outcome:
    """What came back. Times in seconds, from the send; `events` are SSE events received.

    The first event of a stream may carry a role only; the first token carries text.
    """

    latencies_s: list[float] = field(default_factory=list)
    first_events_s: list[float] = field(default_factory=list)
    first_tokens_s: list[float] = field(default_factory=list)
    events: int = 0
    failures: Counter[int] = field(default_factory=Counter)
    """By HTTP status; 0 where the connection broke or nothing came in time."""

    @property
    def answered(self) -> int:
        return len(self.latencies_s)


class _Connection(asyncio.Protocol):
    """One keep-alive connection with at most one request on it."""

    def __init__(self, done: "Callable[[_Connection], None]") -> None:
        self._done = done
        self.is_open, self.is_busy = True, False
        self.status, self.events = 0, 0
        self.sent_s = self.first_s = self.token_s = self.end_s = 0.0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def connection_lost(self, _error: Exception | None) -> None:
        self.is_open = False
        if self.is_busy:
            self.is_busy, self.status = False, 0
            self._done(self)

    def send(self, request: bytes) -> None:
        self.is_busy, self.status, self.events = True, 0, 0
        self.first_s = self.token_s = 0.0
        self._parser = httptools.HttpResponseParser(self)
        self.sent_s = time.perf_counter()
        self._transport.write(request)

    def close(self) -> None:
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.abort()

    def on_body(self, body: bytes) -> None:
        events = body.count(b"data:")
        if events and not self.first_s:
            self.first_s = time.perf_counter()
        if not self.token_s and _TOKEN in body:
            self.token_s = time.perf_counter()
        self.events += events

    def on_message_complete(self) -> None:
        self.end_s = time.perf_counter()
        self.status = self._parser.get_status_code()
        self.is_busy = False
        if not self._parser.should_keep_alive():
            self.is_open = False
            self._transport.close()
        self._done(self)


class Load:
    """One run of requests against one gateway; make a new one for each window."""

    def __init__(self, prompts: Prompts | Questions) -> None:
        self._prompts = prompts
        self._idle: list[_Connection] = []
        self._all: list[_Connection] = []
        self._in_flight = 0
        self._follow: Callable[[_Connection], None] = self._idle.append
        self._awaited, self._drained = False, asyncio.Event()
        self.outcome = Outcome()

    async def closed_loop(self, connections: int, *, duration_s: float, requests: int) -> None:
        """Keep `connections` requests in the air until the time or the number is reached."""
        until_s, left = time.perf_counter() + duration_s, requests

        def send_next(connection: _Connection) -> None:
            nonlocal left
            if left > 0 and connection.is_open and time.perf_counter() < until_s:
                left -= 1
                self._send(connection)

        self._follow = send_next
        for connection in [await self._connect() for _ in range(connections)]:
            send_next(connection)
        await self._drain(until_s - time.perf_counter() + _DRAIN_S)
        self._finish()

    async def open_loop(self, rate: float, duration_s: float) -> None:
        """Send at a fixed rate, whether answers come or not."""
        self._idle.extend([await self._connect() for _ in range(_OPEN_LOOP_CONNECTIONS)])
        start_s = time.perf_counter() + 0.05
        for number in range(int(rate * duration_s)):
            await asyncio.sleep(max(0.0, start_s + number / rate - time.perf_counter()))
            while self._idle and not self._idle[-1].is_open:
                self._idle.pop()
            self._send(self._idle.pop() if self._idle else await self._connect())
        await self._drain(_DRAIN_S)
        self._finish()

    async def _connect(self) -> _Connection:
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: _Connection(self._done), self._prompts.host, self._prompts.port
        )
        self._all.append(connection)
        return connection

    async def _drain(self, timeout_s: float) -> None:
        """Wait for the answers still to come."""
        self._awaited = True
        if self._in_flight:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._drained.wait(), timeout_s)

    def _send(self, connection: _Connection) -> None:
        self._in_flight += 1
        connection.send(self._prompts.next())

    def _done(self, connection: _Connection) -> None:
        self._in_flight -= 1
        outcome = self.outcome
        if connection.status == 200:
            outcome.latencies_s.append(connection.end_s - connection.sent_s)
            outcome.events += connection.events
            if connection.first_s:
                outcome.first_events_s.append(connection.first_s - connection.sent_s)
            if connection.token_s:
                outcome.first_tokens_s.append(connection.token_s - connection.sent_s)
        else:
            outcome.failures[connection.status] += 1
        self._follow(connection)
        if self._awaited and not self._in_flight:
            self._drained.set()

    def _finish(self) -> None:
        """Count what never came, and leave no connection behind."""
        if self._in_flight:
            self.outcome.failures[0] += self._in_flight
        for connection in self._all:
            connection.close()
