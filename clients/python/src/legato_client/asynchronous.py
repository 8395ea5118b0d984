"""The client for asyncio."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self

import httpx

from legato_client import requests
from legato_client.answers import Answer, answer_of
from legato_client.errors import LegatoUnreachable, refusal
from legato_client.events import Arriving
from legato_client.requests import Message, Outcome, Thumbs


class AsyncStream(Arriving):
    """A running answer: iterate over its texts by `async for`."""

    async def __aiter__(self) -> AsyncIterator[str]:
        """Yield the texts as they come.

        Raises:
            LegatoRefused: it failed half-way; `text` has what came.
            LegatoUnreachable: it broke off.
        """
        try:
            async for line in self._response.aiter_lines():
                if added := self._take(line):
                    yield added
        except httpx.HTTPError as error:
            raise LegatoUnreachable(f"the stream broke off: {type(error).__name__}") from error
        self._require_whole()


class AsyncLegato:
    """Calls Legato. Close it, or use it in an `async with`."""

    def __init__(
        self, url: str | None = None, key: str | None = None, *, retries_max: int = 2
    ) -> None:
        """`url` and `key` are LEGATO_URL and LEGATO_KEY where they aren't given.

        Raises:
            ValueError: there is no address or no key.
        """
        self._settings = requests.settings(url, key, retries_max)
        self._http = httpx.AsyncClient(**self._settings.http())

    async def prompt(
        self,
        name: str,
        variables: Mapping[str, Any] | None = None,
        *,
        messages: Sequence[Message] = (),
        user: str | None = None,
        **parameters: Any,
    ) -> Answer:
        """Call a prompt by its name, which may say which version: `refund-reply@staging`.

        `messages` follow the prompt's own; `user` stays in one arm of a rollout; `parameters` are
        those of chat completions and go before the prompt's.

        Raises:
            LegatoRefused, LegatoUnreachable.
        """
        said = {"user": user, **parameters}
        return await self._answer(requests.prompt_body(name, variables, messages, said))

    async def chat(
        self, model: str, messages: Sequence[Message], *, user: str | None = None, **parameters: Any
    ) -> Answer:
        """Call a model by its alias. Raises LegatoRefused, LegatoUnreachable."""
        return await self._answer(requests.chat_body(model, messages, {"user": user, **parameters}))

    @asynccontextmanager
    async def stream_prompt(
        self,
        name: str,
        variables: Mapping[str, Any] | None = None,
        *,
        messages: Sequence[Message] = (),
        user: str | None = None,
        **parameters: Any,
    ) -> AsyncIterator[AsyncStream]:
        """Call a prompt and take its answer as it comes; leaving the `async with` ends the call.

        Raises:
            LegatoRefused, LegatoUnreachable.
        """
        said = {"user": user, **parameters}
        body = requests.streamed(requests.prompt_body(name, variables, messages, said))
        response = await self._send("POST", requests.CHAT, body, stream=True)
        try:
            yield AsyncStream(response)
        finally:
            await response.aclose()

    async def feedback(
        self,
        answer: Answer | str,
        *,
        thumbs: Thumbs | None = None,
        score: float | None = None,
        outcome: Outcome | None = None,
        correction: Any = None,
        comment: str | None = None,
        user: str | None = None,
    ) -> None:
        """Say what became of an answer, or of a request by its id; say more later.

        Raises:
            ValueError: nothing is said.
            LegatoRefused, LegatoUnreachable.
        """
        said = {
            "thumbs": thumbs,
            "score": score,
            "outcome": outcome,
            "correction": correction,
            "comment": comment,
            "user": user,
        }
        await self._send("POST", requests.FEEDBACK, requests.feedback_body(answer, said))

    async def prompts(self) -> list[str]:
        """Return the names of the prompts this key can call."""
        return requests.prompt_names((await self._send("GET", requests.MODELS)).json())

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _answer(self, body: dict[str, Any]) -> Answer:
        return answer_of(await self._send("POST", requests.CHAT, body))

    async def _send(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, stream: bool = False
    ) -> httpx.Response:
        request = self._http.build_request(method, path, json=body)
        attempts = 0
        while True:
            response = await self._once(request, stream=stream)
            if response.is_success:
                return response
            wait_s = requests.wait_s(response, attempts)
            if wait_s is None or attempts == self._settings.retries_max:
                raise refusal(response)
            attempts += 1
            await asyncio.sleep(wait_s)

    async def _once(self, request: httpx.Request, *, stream: bool) -> httpx.Response:
        try:
            response = await self._http.send(request, stream=stream)
            if not response.is_success:
                await response.aread()
        except httpx.HTTPError as error:
            raise LegatoUnreachable(
                f"no answer from {self._settings.url}: {type(error).__name__}"
            ) from error
        return response
