"""Asking through the official SDKs, as any program would: only the base URL is Legato's."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import anthropic
import openai

from legato.cli.demo.prompts import Prompt

_TIMEOUT_S = 60.0
_TEMPERATURE = 0.0
_NO_PROXY = MappingProxyType({"http://": None, "all://": None})
"""Anthropic's SDK reads proxies from the environment even where it is told to trust none of it."""


class Callers:
    """One client of each SDK; every call goes out with the key of its team and feature."""

    def __init__(
        self, url: str, secrets: Mapping[tuple[str, str], str], premium_deployment: str
    ) -> None:
        self._secrets = secrets
        self._premium = premium_deployment
        # No retries of the SDKs' own: what is survived here, the gateway has survived. And no
        # proxy settings from the environment: the demo never leaves this machine.
        self._openai = openai.OpenAI(
            api_key="set for each call",
            base_url=f"{url}/v1",
            max_retries=0,
            timeout=_TIMEOUT_S,
            http_client=openai.DefaultHttpxClient(trust_env=False, mounts=_NO_PROXY),
        )
        self._anthropic = anthropic.Anthropic(
            api_key="set for each call",
            base_url=url,
            max_retries=0,
            timeout=_TIMEOUT_S,
            http_client=anthropic.DefaultHttpxClient(trust_env=False, mounts=_NO_PROXY),
        )

    def ask(self, prompt: Prompt, on_text: Callable[[str], None] | None = None) -> str:
        """Return the whole answer; `on_text` gets a stream's pieces as they come.

        Raises:
            openai.OpenAIError, anthropic.AnthropicError: the call failed.
        """
        pieces = self._openai_pieces if prompt.sdk == "openai" else self._anthropic_pieces
        text = ""
        for piece in pieces(prompt):
            text += piece
            if on_text is not None:
                on_text(piece)
        return text

    def close(self) -> None:
        """Let go of the connections."""
        self._openai.close()
        self._anthropic.close()

    def _openai_pieces(self, prompt: Prompt) -> Iterator[str]:
        client = self._openai.with_options(api_key=self._secret(prompt))
        system = [{"role": "system", "content": prompt.system}] if prompt.system else []
        request: dict[str, Any] = {
            "model": self._model(prompt),
            "messages": [*system, {"role": "user", "content": prompt.prompt}],
            "max_tokens": prompt.max_tokens,
            "temperature": _TEMPERATURE,
        }
        if not prompt.stream:
            yield client.chat.completions.create(**request).choices[0].message.content or ""
            return
        for event in client.chat.completions.create(**request, stream=True):
            if event.choices and event.choices[0].delta.content:
                yield event.choices[0].delta.content

    def _anthropic_pieces(self, prompt: Prompt) -> Iterator[str]:
        client = self._anthropic.with_options(api_key=self._secret(prompt))
        request: dict[str, Any] = {
            "model": self._model(prompt),
            "messages": [{"role": "user", "content": prompt.prompt}],
            "max_tokens": prompt.max_tokens,
        }
        if prompt.system:
            request["system"] = prompt.system
        if prompt.stream:
            with client.messages.stream(**request) as stream:
                yield from stream.text_stream
            return
        for block in client.messages.create(**request).content:
            if block.type == "text":
                yield block.text

    def _model(self, prompt: Prompt) -> str:
        return self._premium if prompt.model == "premium" else prompt.model

    def _secret(self, prompt: Prompt) -> str:
        return self._secrets[prompt.team, prompt.feature]
