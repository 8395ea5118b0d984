"""Pictures by their addresses: what is a film would cost without a bound."""

from __future__ import annotations

import json
from typing import Any

import pytest

from legato.api.openai.to_chat import read_chat
from legato.core.config import Provider as ProviderConfig
from legato.core.errors import InvalidRequest
from legato.providers.base import ProviderSettings, Target
from legato.providers.gemini import factory


def written(url: str) -> dict[str, Any]:
    provider: Any = factory(ProviderSettings(ProviderConfig(name="g", kind="gemini"), "", "AIza"))
    parts = [{"type": "image_url", "image_url": {"url": url}}]
    chat = read_chat(
        {"model": "g", "messages": [{"role": "user", "content": parts}]}, drop_unsupported=False
    )
    body: dict[str, Any] = json.loads(provider.request_from_chat(chat, Target("g", None)).body)
    return body


@pytest.mark.parametrize(
    "url",
    [
        "https://www.youtube.com/watch?v=x",
        "https://youtu.be/x",
        "gs://bucket/film.mp4",
        "https://example.com/paper.pdf",
    ],
)
def test_what_is_no_picture_is_refused(url: str) -> None:
    with pytest.raises(InvalidRequest, match="no image"):
        written(url)


@pytest.mark.parametrize("url", ["https://example.com/a.png", "https://example.com/a"])
def test_a_picture_is_googles_to_fetch(url: str) -> None:
    assert written(url)["contents"][0]["parts"][0]["fileData"]["fileUri"] == url
