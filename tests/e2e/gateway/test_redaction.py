"""What is redacted reaches no provider and comes back to its caller alone: cases 1 to 8, 11, 12."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from echo import PLACEHOLDER, Echo
from running import CALLER, RunningLegato, within
from test_captures import captured

from legato.providers import sse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running import Answer

OTHER = "lg-the-key-of-another-team-here"
ALIKE = "lg-a-key-whose-texts-get-surrogates"
WHO = 'Ann "Nan" O\\Neil'
NUMBER = "staff-4711"
CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
cache: {enabled: true}
capture:
  rules: [{payloads: full}]
providers:
  - {name: open, kind: openai_compatible, base_url: "ECHO/v1", api_key: {env: PROVIDER_KEY}}
  - {name: anthropic, kind: anthropic, base_url: "ECHO", api_key: {env: PROVIDER_KEY}}
deployments:
DEPLOYMENTS
routes:
ROUTES
guardrails:
  policies:
    - name: company
      attach: {}
      rules:
        - name: people
          detect: {patterns: {person: 'Ann "Nan" O.{1,2}Neil'}}
          action: redact
        - name: numbers
          detect: {patterns: {staff: "staff-[0-9]{4}"}}
          action: redact
        - name: plans
          detect: {words: {plan: [takeover]}}
          action: block
    - name: alike
      attach: {keys: [alike]}
      rules:
        - name: personal
          detect: {labels: [personal]}
          action: redact
          stand_in: surrogate
keys:
  - {name: alike, team: other, feature: tests, secret: {env: ALIKE_KEY}}
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
  - {name: other, team: other, feature: tests, secret: {env: OTHER_KEY}}
"""
PROVIDERS = ("open", "anthropic")
SURFACES = ("chat", "messages", "responses")
PATHS = {"chat": "/v1/chat/completions", "messages": "/v1/messages", "responses": "/v1/responses"}


@pytest.fixture(scope="module")
def echo() -> Iterator[Echo]:
    server = Echo()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def legato(echo: Echo, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    deployments = "".join(
        f"  - {{name: {provider}-{model}, provider: {provider}, model: {model}}}\n"
        for provider in PROVIDERS
        for model in ("echo", "tool", "cut", "invent", "late")
    )
    routes = "  - {alias: patient, deployments: [open-echo], deferred: {hold_s: 20}}\n"
    for number in range(2 * len(SURFACES)):  # each with a breaker of its own
        deployments += f"  - {{name: down-{number}, provider: open, model: down}}\n"
        routes += f"  - {{alias: fallen-{number}, deployments: [down-{number}, anthropic-echo]}}\n"
    config = CONFIG.replace("ECHO", echo.url).replace("DEPLOYMENTS\n", deployments)
    config = config.replace("ROUTES\n", routes)
    variables = {"OTHER_KEY": OTHER, "ALIKE_KEY": ALIKE, "PROVIDER_KEY": "sk-test"}
    running = RunningLegato(tmp_path_factory.mktemp("legato"), config, variables=variables)
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.log.read_text()
    planted = [WHO.encode(), json.dumps(WHO)[1:-1].encode(), NUMBER.encode()]
    kept = [*running.stored(), (running.log, running.log.read_bytes())]
    assert [path for path, data in kept if holds(data, planted)] == []


def holds(data: bytes, planted: list[bytes]) -> bool:
    return any(one in data for one in planted)


def asking(surface: str, model: str, text: str, *, stream: bool) -> dict[str, Any]:
    body: dict[str, Any] = {"model": model, "stream": stream}
    if surface == "responses":
        tool = {"type": "function", "name": "send", "parameters": {"type": "object"}}
        return body | {"input": text, "tools": [tool]}
    body["messages"] = [{"role": "user", "content": text}]
    if surface == "messages":
        tool = {"name": "send", "input_schema": {"type": "object"}}
        return body | {"max_tokens": 99, "tools": [tool]}
    return body | {"tools": [{"type": "function", "function": {"name": "send", "parameters": {}}}]}


def ask(
    legato: RunningLegato,
    surface: str,
    model: str,
    text: str,
    *,
    stream: bool = False,
    key: str = CALLER,
) -> Answer:
    body = json.dumps(asking(surface, model, text, stream=stream))
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    answer = legato.send("POST", PATHS[surface], body, headers)
    assert answer.status == 200, answer.body
    return answer


def payloads(frames: bytes) -> Iterator[dict[str, Any]]:
    for event in sse.split(frames):
        payload = sse.data(event)
        if payload and payload != b"[DONE]":
            yield json.loads(payload)


def events(answer: Answer) -> list[dict[str, Any]]:
    return list(payloads(answer.body))


def said(surface: str, answer: Answer, *, stream: bool) -> tuple[str, str]:
    """Return the text of an answer and its tool's arguments."""
    if stream:
        return _streamed(surface, events(answer))
    body = answer.json
    if surface == "chat":
        message = body["choices"][0]["message"]
        calls = message.get("tool_calls") or [{"function": {"arguments": ""}}]
        return message["content"] or "", calls[0]["function"]["arguments"]
    if surface == "messages":
        block = body["content"][0]
        return block.get("text", ""), json.dumps(block["input"]) if "input" in block else ""
    item = body["output"][0]
    return "".join(part["text"] for part in item.get("content", ())), item.get("arguments", "")


def _streamed(surface: str, told: list[dict[str, Any]]) -> tuple[str, str]:
    text = arguments = ""
    if surface == "chat":
        for delta in (one["choices"][0]["delta"] for one in told if one["choices"]):
            text += delta.get("content") or ""
            for call in delta.get("tool_calls") or ():
                arguments += call["function"].get("arguments") or ""
    elif surface == "messages":
        for delta in (one["delta"] for one in told if one["type"] == "content_block_delta"):
            text += delta.get("text", "")
            arguments += delta.get("partial_json", "")
    else:
        assert [one["sequence_number"] for one in told] == list(range(len(told)))
        text = "".join(one["delta"] for one in told if one["type"].endswith("text.delta"))
        arguments = "".join(one["delta"] for one in told if one["type"].endswith("arguments.delta"))
        item = told[-1]["response"]["output"][0]
        whole = "".join(part["text"] for part in item.get("content", ()))
        assert (whole, item.get("arguments", "")) == (text, arguments)
    return text, arguments


def unknown(legato: RunningLegato) -> int:
    page = legato.get("/metrics").body.decode()
    found = re.search(r'legato_restored_values_total\{result="unknown"\} (\d+)', page)
    return 0 if found is None else int(found[1])


every_way = pytest.mark.parametrize(
    ("surface", "provider", "stream"),
    [(s, p, whole) for s in SURFACES for p in PROVIDERS for whole in (False, True)],
)


@every_way
def test_case_01_split_placeholders_are_restored(
    legato: RunningLegato, echo: Echo, surface: str, provider: str, *, stream: bool
) -> None:
    text = f"Dear {WHO}, is {NUMBER} yours, {WHO}?"
    answer = ask(legato, surface, f"{provider}-echo", text, stream=stream)
    assert said(surface, answer, stream=stream)[0] == text
    sent = json.dumps(echo.bodies[-1], ensure_ascii=False)
    assert not holds(sent.encode(), [b"Nan", NUMBER.encode()])
    assert len(set(PLACEHOLDER.findall(sent))) == 1


@every_way
def test_case_02_what_looks_like_a_placeholder_is_left_alone(
    legato: RunningLegato, surface: str, provider: str, *, stream: bool
) -> None:
    text = f"PERSON_bcdfgh_001 CUSTOM_PERSON_k3f9wz_001 {NUMBER} [PERSON] CUSTOM_STAFF_"
    answer = ask(legato, surface, f"{provider}-echo", text, stream=stream)
    assert said(surface, answer, stream=stream)[0] == text


@every_way
def test_case_03_invented_ones_stay_and_are_counted(
    legato: RunningLegato, surface: str, provider: str, *, stream: bool
) -> None:
    before = unknown(legato)
    answer = ask(legato, surface, f"{provider}-invent", NUMBER, stream=stream)
    text = said(surface, answer, stream=stream)[0]
    assert text.startswith(f"{NUMBER} PERSON_")
    assert text.endswith("_777 EMAIL_ADDRESS_qqqqqq_001")
    assert within(5, lambda: unknown(legato) == before + 1)


@every_way
def test_surrogates_have_the_form_of_what_they_stand_for_and_are_restored(
    legato: RunningLegato, echo: Echo, surface: str, provider: str, *, stream: bool
) -> None:
    text = "Write to ann.lee@corp.org, charge 4539 1488 0343 6467 and call +1 415-867-5309."
    answer = ask(legato, surface, f"{provider}-echo", text, stream=stream, key=ALIKE)
    assert said(surface, answer, stream=stream)[0] == text
    form = (
        r"Write to user\.[a-z]{6}@example\.com, charge 4000 00\d\d \d{4} \d{4} "
        r"and call \+1 \d{3}-555-01\d\d\."
    )
    assert re.search(form, json.dumps(echo.bodies[-1]))


def test_case_04_what_stands_for_others_values_is_never_restored(
    legato: RunningLegato, echo: Echo
) -> None:
    ask(legato, "chat", "open-echo", NUMBER)
    foreign = echo.bodies[-1]["messages"][0]["content"]
    assert PLACEHOLDER.fullmatch(foreign)
    text = f"{foreign} is not {WHO}"
    for stream in (False, True):
        answer = ask(legato, "chat", "open-echo", text, stream=stream, key=OTHER)
        assert said("chat", answer, stream=stream)[0] == text


@every_way
def test_case_05_a_cut_placeholder_stays(
    legato: RunningLegato, echo: Echo, surface: str, provider: str, *, stream: bool
) -> None:
    answer = ask(legato, surface, f"{provider}-cut", f"it is {NUMBER}", stream=stream)
    found = PLACEHOLDER.search(json.dumps(echo.bodies[-1]))
    assert found is not None
    assert said(surface, answer, stream=stream)[0] == f"it is {found[0][:-1]}"


def test_case_06_no_place_of_a_request_is_left_out(legato: RunningLegato, echo: Echo) -> None:
    call = {"name": "send", "arguments": json.dumps({NUMBER: [WHO, {"n": NUMBER}]})}
    picture = {"type": "image_url", "image_url": {"url": f"https://x.test/{NUMBER}.png"}}
    chat = {
        "model": "open-echo",
        "metadata": {NUMBER: WHO},
        "user": NUMBER,
        "stop": [NUMBER],
        "messages": [
            {"role": "system", "content": f"You are {WHO}."},
            {"role": "user", "content": [{"type": "text", "text": WHO}, picture]},
            {
                "role": "assistant",
                "tool_calls": [{"id": "1", "type": "function", "function": call}],
            },
            {"role": "tool", "tool_call_id": "1", "content": f"found {NUMBER}"},
        ],
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "send",
                    "description": f"to {WHO}",
                    "parameters": {"type": "object", "properties": {NUMBER: {"const": NUMBER}}},
                },
            }
        ],
    }
    use = {"type": "tool_use", "id": "1", "name": "send", "input": {NUMBER: WHO}}
    result = {"type": "tool_result", "tool_use_id": "1", "content": [{"type": "text", "text": WHO}]}
    messages = {
        "model": "anthropic-echo",
        "max_tokens": 9,
        "system": [{"type": "text", "text": f"You are {WHO}."}],
        "metadata": {"user_id": NUMBER},
        "messages": [
            {"role": "user", "content": f"I am {WHO}"},
            {"role": "assistant", "content": [use]},
            {"role": "user", "content": [result]},
        ],
    }
    for path, body in ((PATHS["chat"], chat), (PATHS["messages"], messages)):
        answer = legato.post(path, body)
        assert answer.status == 200, answer.body
        sent = echo.bodies[-1]
        assert not holds(json.dumps(sent, ensure_ascii=False).encode(), [b"Nan", b"f-4711"])
        assert len(PLACEHOLDER.findall(json.dumps(sent))) >= 6
    made = echo.bodies[-2]["messages"][2]["tool_calls"][0]["function"]["arguments"]
    assert PLACEHOLDER.fullmatch(next(iter(json.loads(made))))


@pytest.mark.parametrize("path", ["/v1/messages/count_tokens", "/v1/embeddings"])
def test_case_06_other_surfaces_are_masked_too(
    legato: RunningLegato, echo: Echo, path: str
) -> None:
    body: dict[str, Any] = {"model": "open-echo", "input": f"{WHO}, {NUMBER}"}
    if "messages" in path:
        body = asking("messages", "anthropic-echo", f"{WHO}, {NUMBER}", stream=False)
    assert legato.post(path, body).status == 200
    assert not holds(json.dumps(echo.bodies[-1]).encode(), [b"Nan", b"f-4711"])


@pytest.mark.parametrize("stream", [False, True])
def test_texts_that_are_completed_are_restored(
    legato: RunningLegato, echo: Echo, *, stream: bool
) -> None:
    body = {"model": "open-echo", "prompt": f"{WHO} and {NUMBER}", "stream": stream}
    answer = legato.post("/v1/completions", body)
    parts = events(answer) if stream else [answer.json]
    assert "".join(one["choices"][0]["text"] for one in parts) == f"{WHO} and {NUMBER}"
    assert "Nan" not in echo.bodies[-1]["prompt"]


@every_way
def test_case_07_quotes_leave_the_arguments_of_tools_valid(
    legato: RunningLegato, surface: str, provider: str, *, stream: bool
) -> None:
    answer = ask(legato, surface, f"{provider}-tool", WHO, stream=stream)
    assert json.loads(said(surface, answer, stream=stream)[1]) == {WHO: {"to": WHO}}


@every_way
def test_case_08_characters_split_over_packets_are_exact(
    legato: RunningLegato, surface: str, provider: str, *, stream: bool
) -> None:
    text = f"日本😀{NUMBER}é😀\u2028{WHO}ß"
    answer = ask(legato, surface, f"{provider}-echo", text, stream=stream)
    assert said(surface, answer, stream=stream)[0] == text


def test_a_stream_that_breaks_off_says_so_and_gives_nothing_away(legato: RunningLegato) -> None:
    for surface in SURFACES:
        answer = ask(legato, surface, "open-late", f"{WHO} {NUMBER}", stream=True)
        assert b"error" in answer.body
        assert b"[DONE]" not in answer.body
        if surface == "responses":
            told = events(answer)
            assert [one["sequence_number"] for one in told] == list(range(len(told)))
            assert told[-1]["type"] == "response.failed"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("surface", SURFACES)
def test_case_11_another_provider_gets_the_same_masked_text(
    legato: RunningLegato, echo: Echo, surface: str, *, stream: bool
) -> None:
    before = len(echo.bodies)
    route = f"fallen-{2 * SURFACES.index(surface) + stream}"
    answer = ask(legato, surface, route, f"{WHO} {NUMBER}", stream=stream)
    assert said(surface, answer, stream=stream)[0] == f"{WHO} {NUMBER}"
    sent = [json.dumps(one) for one in echo.bodies[before:]]
    assert len(sent) >= 2
    assert not any(holds(one.encode(), [b"Nan", b"f-4711"]) for one in sent)
    assert len({tuple(PLACEHOLDER.findall(one)) for one in sent}) == 1


def test_case_12_no_cached_answer_holds_a_value(legato: RunningLegato, echo: Echo) -> None:
    before = len(echo.bodies)
    for key, number in ((CALLER, "4711"), (CALLER, "4712"), (OTHER, "4713"), (CALLER, "4711")):
        answer = ask(legato, "chat", "open-echo", f"my number: staff-{number}", key=key)
        assert said("chat", answer, stream=False)[0] == f"my number: staff-{number}"
        assert answer.headers["x-legato-cache"] == "bypass"
    assert len(echo.bodies) == before + 4


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("surface", SURFACES)
def test_what_is_captured_is_masked(legato: RunningLegato, surface: str, *, stream: bool) -> None:
    answer = ask(legato, surface, "open-echo", f"{WHO} and {NUMBER}", stream=stream)
    kept = captured(legato, answer.request_id)
    assert not holds(json.dumps(kept).encode(), [b"Nan", b"f-4711"])
    told = kept["stream_events"] if stream else json.dumps(kept["answer"])
    assert kept["complete"]
    assert PLACEHOLDER.search(json.dumps(kept["request"]))
    text = _streamed(surface, list(payloads(told.encode())))[0] if stream else told
    assert PLACEHOLDER.search(text)


@pytest.mark.parametrize("stream", [False, True])
def test_what_a_response_repeats_of_its_request_is_plain(
    legato: RunningLegato, echo: Echo, *, stream: bool
) -> None:
    tool = {"type": "function", "name": "send", "description": f"to {WHO}", "parameters": {}}
    said = {"instructions": f"I am {WHO}", "metadata": {NUMBER: WHO}, "user": NUMBER}
    body = {"model": "open-echo", "input": NUMBER, "tools": [tool], "stream": stream, **said}
    answer = legato.post(PATHS["responses"], body)
    told = [one["response"] for one in events(answer) if "response" in one] if stream else []
    for response in told or [answer.json]:
        assert {name: response[name] for name in said} == said
        assert response["tools"][0]["description"] == f"to {WHO}"
    assert not holds(json.dumps(echo.bodies[-1]).encode(), [b"Nan", b"f-4711"])
    assert not holds(json.dumps(captured(legato, answer.request_id)).encode(), [b"Nan", b"f-4711"])


def test_conversations_go_on_masked_and_are_read_plain(legato: RunningLegato, echo: Echo) -> None:
    first = ask(legato, "responses", "open-echo", f"I am {WHO}", stream=True)
    kept = events(first)[-1]["response"]["id"]
    body = {"model": "open-echo", "input": f"and {NUMBER}", "previous_response_id": kept}
    answer = legato.post(PATHS["responses"], body)
    assert answer.status == 200, answer.body
    assert said("responses", answer, stream=False)[0] == f"and {NUMBER}"
    assert not holds(json.dumps(echo.bodies[-1]).encode(), [b"Nan", b"f-4711"])
    assert len(echo.bodies[-1]["messages"]) == 3
    read = legato.get(f"{PATHS['responses']}/{kept}").json
    assert read["output"][0]["content"][0]["text"] == f"I am {WHO}"


def test_a_redacted_call_is_not_put_off(legato: RunningLegato) -> None:
    body = asking("chat", "patient", f"Greet {WHO}.", stream=False) | {"service_tier": "flex"}
    answer = legato.post(PATHS["chat"], body)
    assert WHO in answer.json["choices"][0]["message"]["content"]


def test_what_is_refused_is_not_captured(legato: RunningLegato) -> None:
    body = {"model": "open-echo", "messages": [{"role": "user", "content": f"takeover, {NUMBER}"}]}
    refused = legato.post(PATHS["chat"], body)
    assert (refused.status, refused.error["code"]) == (400, "input_blocked")
    lost = {"model": "open-echo", "input": NUMBER, "previous_response_id": "resp_nobody"}
    unknown = legato.post(PATHS["responses"], lost)
    assert unknown.status == 404
    passed = ask(legato, "chat", "open-echo", NUMBER)
    assert NUMBER not in captured(legato, passed.request_id)["request"]
    rows = legato.query("SELECT request_id FROM capture")
    assert not {refused.request_id, unknown.request_id} & {one["request_id"] for one in rows}


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/v1/embeddings", {"input": [42, 4242]}),
        ("/v1/embeddings", {"input": [[42], [4242]]}),
        ("/v1/completions", {"prompt": [42, 4242]}),
    ],
)
def test_texts_told_as_ids_of_tokens_are_refused(
    legato: RunningLegato, echo: Echo, path: str, told: dict[str, Any]
) -> None:
    before = len(echo.bodies)
    answer = legato.post(path, {"model": "open-echo", **told})
    assert (answer.status, answer.error["code"]) == (400, "input_blocked"), answer.body
    assert [answer.error["param"]] == list(told)
    assert "send the text itself" in answer.error["message"]
    assert echo.bodies[before:] == []
