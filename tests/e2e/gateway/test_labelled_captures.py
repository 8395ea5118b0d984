"""Captures with `redact: true`, of calls that no policy redacts: labelled, whatever the answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from echo import Echo
from running import RunningLegato
from test_captures import captured

from legato.providers import sse

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
capture:
  rules: [{redact: true}]
providers:
  - {name: open, kind: openai_compatible, base_url: "ECHO/v1"}
deployments:
  - {name: echo, provider: open, model: echo}
  - {name: tool, provider: open, model: tool}
routes:
  - {alias: chat, deployments: [echo], cache: {enabled: false}}
  - {alias: tools, deployments: [tool], cache: {enabled: false}}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""
MAIL, CARD = "jo.example@mail.test", "4111 1111 1111 1111"
SECRET = "ghp_" + "ieZF3AoYT1TbsbF8OYu72FYVMnmj4lm2ox3j"
SAID = f"Write to {MAIL}, pay {CARD} with {SECRET}, please."
KEPT = "Write to [EMAIL_ADDRESS], pay [CREDIT_CARD] with [SECRET], please."
PATHS = {"chat": "/v1/chat/completions", "messages": "/v1/messages", "responses": "/v1/responses"}


@pytest.fixture(scope="module")
def legato(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    echo = Echo()
    config = CONFIG.replace("ECHO", echo.url)
    running = RunningLegato(tmp_path_factory.mktemp("legato"), config)
    yield running
    assert running.stop() == 0
    echo.stop()


def body(surface: str, text: str, *, stream: bool, model: str = "chat") -> dict[str, Any]:
    asked: dict[str, Any] = {"model": model, "stream": stream}
    if surface == "responses":
        return asked | {"input": text}
    if surface == "messages":
        asked["max_tokens"] = 400
    return asked | {"messages": [{"role": "user", "content": text}]}


def said(surface: str, shown: dict[str, Any]) -> str:
    """Return what the captured answer says."""
    if "stream_events" not in shown:
        answer = shown["answer"]
        if surface == "chat":
            return str(answer["choices"][0]["message"]["content"])
        return str((answer if surface == "messages" else answer["output"][0])["content"][0]["text"])
    events = [
        json.loads(data)
        for event in sse.split(shown["stream_events"].encode())
        if (data := sse.data(event)) and data != b"[DONE]"
    ]
    if surface == "chat":
        return "".join(one["choices"][0]["delta"].get("content") or "" for one in events[:-1])
    if surface == "messages":
        return "".join(one.get("delta", {}).get("text", "") for one in events)
    return "".join(one["delta"] for one in events if one["type"] == "response.output_text.delta")


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("surface", list(PATHS))
def test_what_a_scan_finds_is_kept_as_its_label(
    legato: RunningLegato, surface: str, *, stream: bool
) -> None:
    answer = legato.post(PATHS[surface], body(surface, SAID, stream=stream))
    assert answer.status == 200
    shown = captured(legato, answer.request_id)
    assert shown["complete"]
    kept = json.dumps(shown)
    assert KEPT in json.dumps(shown["request"])
    assert said(surface, shown) == KEPT
    assert not [one for one in (MAIL, CARD, SECRET) if one in kept]
    if not stream:  # the caller's own answer is as the model gave it
        assert MAIL.encode() in answer.body


def test_files_are_left_out_and_arguments_of_tools_labelled(legato: RunningLegato) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "iVBO" * 100}}
    asked = body("chat", "", stream=False, model="tools")
    asked["messages"][0]["content"] = [image, {"type": "text", "text": SAID}]
    shown = captured(legato, legato.post(PATHS["chat"], asked).request_id)
    content = shown["request"]["messages"][0]["content"]
    assert content == [
        {"type": "image_url", "image_url": {"url": "[left out]"}},
        {"type": "text", "text": KEPT},
    ]
    assert not [one for one in (MAIL, CARD, SECRET) if one in json.dumps(shown)]
