"""The client for programs that block."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self

import httpx

from legato_client import requests
from legato_client.answers import Answer, answer_of
from legato_client.errors import LegatoUnreachable, refusal
from legato_client.events import Arriving
from legato_client.requests import Message, Outcome, Thumbs


class Stream(Arriving):
    """A running answer: iterate over its texts."""

    def __iter__(self) -> Iterator[str]:
        """Yield the texts as they come.

        Raises:
            LegatoRefused: it failed half-way; `text` has what came.
            LegatoUnreachable: it broke off.
        """
        try:
            for line in self._response.iter_lines():
                if added := self._take(line):
                    yield added
        except httpx.HTTPError as error:
            raise LegatoUnreachable(f"the stream broke off: {type(error).__name__}") from error
        self._require_whole()


class Legato:
    """Calls Legato. Threads may share one; close it, or use it in a `with`."""

    def __init__(
        self, url: str | None = None, key: str | None = None, *, retries_max: int = 2
    ) -> None:
        """`url` and `key` are LEGATO_URL and LEGATO_KEY where they aren't given.

        Raises:
            ValueError: there is no address or no key.
        """
        self._settings = requests.settings(url, key, retries_max)
        self._http = httpx.Client(**self._settings.http())

    def prompt(
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
        return self._answer(requests.prompt_body(name, variables, messages, said))

    def chat(
        self, model: str, messages: Sequence[Message], *, user: str | None = None, **parameters: Any
    ) -> Answer:
        """Call a model by its alias. Raises LegatoRefused, LegatoUnreachable."""
        return self._answer(requests.chat_body(model, messages, {"user": user, **parameters}))

    @contextmanager
    def stream_prompt(
        self,
        name: str,
        variables: Mapping[str, Any] | None = None,
        *,
        messages: Sequence[Message] = (),
        user: str | None = None,
        **parameters: Any,
    ) -> Iterator[Stream]:
        """Call a prompt and take its answer as it comes; leaving the `with` ends the call.

        Raises:
            LegatoRefused, LegatoUnreachable.
        """
        said = {"user": user, **parameters}
        body = requests.streamed(requests.prompt_body(name, variables, messages, said))
        response = self._send("POST", requests.CHAT, body, stream=True)
        try:
            yield Stream(response)
        finally:
            response.close()

    def feedback(
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
        self._send("POST", requests.FEEDBACK, requests.feedback_body(answer, said))

    def prompts(self) -> list[str]:
        """Return the names of the prompts this key can call."""
        return requests.prompt_names(self._send("GET", requests.MODELS).json())

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _answer(self, body: dict[str, Any]) -> Answer:
        return answer_of(self._send("POST", requests.CHAT, body))

    def _send(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, stream: bool = False
    ) -> httpx.Response:
        request = self._http.build_request(method, path, json=body)
        attempts = 0
        while True:
            response = self._once(request, stream=stream)
            if response.is_success:
                return response
            wait_s = requests.wait_s(response, attempts)
            if wait_s is None or attempts == self._settings.retries_max:
                raise refusal(response)
            attempts += 1
            time.sleep(wait_s)

    def _once(self, request: httpx.Request, *, stream: bool) -> httpx.Response:
        try:
            response = self._http.send(request, stream=stream)
            if not response.is_success:
                response.read()
        except httpx.HTTPError as error:
            raise LegatoUnreachable(
                f"no answer from {self._settings.url}: {type(error).__name__}"
            ) from error
        return response
