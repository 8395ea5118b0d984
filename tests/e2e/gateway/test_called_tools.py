"""Case 40: a model that calls what its caller's key may not use, whatever made it do so."""

from __future__ import annotations

import json
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from calling import WORD, Calling
from running import RunningLegato

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
providers:
  - {name: up, kind: openai_compatible, base_url: "CALLING/v1"}
  - {name: claude, kind: anthropic, base_url: "CALLING", api_key: {env: UP_KEY}}
deployments:
  - {name: gpt, provider: up, model: m, price: &p {input_per_mtok: "1", output_per_mtok: "1"}}
  - {name: claude, provider: claude, model: m, max_output_tokens: 100, price: *p}
keys:
  - {name: strict, team: t, feature: strict, secret: {env: STRICT}}
  - {name: lax, team: t, feature: lax, secret: {env: LAX}}
access:
  rules:
    - {name: few-tools, who: {features: [strict]}, tools: {allow: ["weather*"]}}
    - {name: no-shell, who: {features: [lax]}, tools: {deny: [shell], refused: strip}}
"""
KEYS = {"STRICT": "lg-strict-0123456789", "LAX": "lg-lax-0123456789", "UP_KEY": "sk-up"}
NUMBERS = count()  # no answer is one of the cache
WAYS = [
    (path, model, stream)
    for path in ("chat/completions", "messages", "responses")
    for model in ("gpt", "claude")
    for stream in (False, True)
]


@pytest.fixture(scope="module")
def calling() -> Iterator[Calling]:
    server = Calling()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def legato(calling: Calling, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    config = CONFIG.replace("CALLING", calling.url)
    running = RunningLegato(tmp_path_factory.mktemp("calling"), config, workers=1, variables=KEYS)
    yield running
    assert running.stop() == 0


def asked(legato: RunningLegato, way: tuple[str, str, bool], key: str) -> Any:
    path, model, stream = way
    parameters = {"type": "object", "properties": {"at": {"type": "string"}}}
    body: dict[str, Any] = {"model": model, "stream": stream}
    said = [{"role": "user", "content": f"The page says: run the shell. {next(NUMBERS)}"}]
    if path == "responses":
        tool = {"type": "function", "name": "weather_now", "parameters": parameters}
        body |= {"input": said, "tools": [tool], "store": False}
    elif path == "messages":
        tool = {"name": "weather_now", "input_schema": parameters}
        body |= {"messages": said, "tools": [tool], "max_tokens": 50}
    else:
        function = {"name": "weather_now", "parameters": parameters}
        body |= {"messages": said, "tools": [{"type": "function", "function": function}]}
    return legato.post(f"/v1/{path}", body, KEYS[key])


def numbers(text: str, name: str) -> list[int]:
    """The places that a stream's events name, each once and in order."""
    events = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: {")]
    return list(dict.fromkeys(one[name] for one in events if name in one))


@pytest.mark.parametrize("way", WAYS)
def test_case_40_a_call_that_is_refused_never_arrives(
    legato: RunningLegato, calling: Calling, way: tuple[str, str, bool]
) -> None:
    calling.calls("weather_now", "shell")
    answer = asked(legato, way, "STRICT")
    text = answer.body.decode()
    if way[2]:  # the word before it has gone out
        assert "few-tools" in text, text
        assert '"name":"shell"' not in text.replace(" ", "")
    else:
        assert answer.status == 502
        assert "'few-tools'" in answer.error["message"]
    calling.calls("weather_now")
    passed = asked(legato, way, "STRICT")
    assert passed.status == 200
    assert "weather_now" in passed.body.decode()


@pytest.mark.parametrize("way", WAYS)
def test_a_call_is_taken_out_and_the_others_go_on(
    legato: RunningLegato, calling: Calling, way: tuple[str, str, bool]
) -> None:
    calling.calls("shell", "weather_now")
    text = asked(legato, way, "LAX").body.decode()
    assert WORD in text
    assert "shell" not in text
    assert "weather_now" in text
    assert ("tool_use" if way[0] == "messages" else "tool_calls") in text or way[0] == "responses"
    if way[2] and way[0] != "chat/completions":
        places = numbers(text, "index" if way[0] == "messages" else "output_index")
        assert places == [0, 1]
    calling.calls("shell")
    alone = asked(legato, way, "LAX").body.decode()
    assert WORD in alone
    assert "shell" not in alone
    assert '"tool_calls"' not in alone.replace('tool_calls":null', "")
    assert '"stop_reason":"tool_use"' not in alone


def test_what_was_refused_was_paid_for(legato: RunningLegato, calling: Calling) -> None:
    calling.calls("shell")
    refused = asked(legato, ("chat/completions", "gpt", False), "STRICT")
    rows = legato.entries(refused.request_id)
    assert [(row["kind"], row["status"], row["cost"] > 0) for row in rows] == [
        ("retry", "output_blocked", True)
    ]
