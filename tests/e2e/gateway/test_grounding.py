"""Whether answers stand on their sources, in the running program: by words, by meaning, judged."""

from __future__ import annotations

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from running import Answer, RunningLegato, within

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
retry: {attempts_max: 1}
providers:
  - {name: open, kind: openai_compatible, base_url: "SERVER/v1"}
deployments:
  - {name: small, provider: open, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
  - {name: critic, provider: open, model: judge, price: {input_per_mtok: "1", output_per_mtok: "2"}}
routes:
  - {alias: words, deployments: [small]}
  - {alias: meaning, deployments: [small]}
  - {alias: doubt, deployments: [small]}
  - {alias: always, deployments: [small]}
  - {alias: advised, deployments: [small]}
guardrails:
  policies:
    - {name: words, attach: {routes: [words]}, output: {grounding: {action: block}}}
    - name: meaning
      attach: {routes: [meaning]}
      rules: [{name: mails, detect: {labels: [EMAIL_ADDRESS]}, action: redact}]
      output: {grounding: {action: block, meaning: true}}
    - name: doubt
      attach: {routes: [doubt]}
      rules:
        - name: mails
          on: [document, tool_result]
          detect: {labels: [EMAIL_ADDRESS]}
          action: redact
      output: {grounding: {action: block, judge: {deployment: critic}}}
    - name: always
      attach: {routes: [always]}
      output: {grounding: {action: reask, judge: {deployment: critic, always: true}}}
    - name: advised
      attach: {routes: [advised]}
      output: {grounding: {action: block, judge: {deployment: critic, on_failure: score}}}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""
SOURCE = (
    "The device is waterproof down to two metres. Its battery runs for ten hours and charges in "
    "under one hour. Write to jo.smith@example.org."
)
SAID = "The device is waterproof down to two metres."
PARAPHRASE = "The accumulator is recharged in less than an hour."
INVENTED = "The camera takes sharp pictures at night."
TURNED = "The device is not waterproof."


class Models(ThreadingHTTPServer):
    """The model `judge` takes statements with `not` for contradicted, with `camera` for made up."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.says: list[str] = []
        self.judged: list[str] = []
        self.works = True


class _Handler(BaseHTTPRequestHandler):
    server: Models
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        models = self.server
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if body["model"] == "judge":
            models.judged.append(body["messages"][1]["content"])
            text, status = verdict(models.judged[-1]), 200 if models.works else 500
        else:
            text, status = models.says.pop(0), 200
        usage = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
        told: dict[str, Any] = {"id": "c", "object": "chat.completion", "model": body["model"]}
        if body.get("stream"):
            told["object"] = "chat.completion.chunk"
            delta = {"index": 0, "delta": {"role": "assistant", "content": text}}
            end = {"index": 0, "delta": {}, "finish_reason": "stop"}
            frames = [{"choices": [delta]}, {"choices": [end]}, {"choices": [], "usage": usage}]
            sent = "".join(f"data: {json.dumps(told | one)}\n\n" for one in frames)
            encoded, kind = f"{sent}data: [DONE]\n\n".encode(), "text/event-stream"
        else:
            message = {"role": "assistant", "content": text}
            choice = {"index": 0, "finish_reason": "stop", "message": message}
            encoded = json.dumps(told | {"choices": [choice], "usage": usage}).encode()
            kind = "application/json"
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(encoded)))
        self.end_headers()
        self.wfile.write(encoded)

    def log_message(self, *_: Any) -> None:
        pass


def verdict(shown: str) -> str:
    ticket = re.findall(r"<statement-1 (\w+)>", shown)[0]
    statements = re.findall(r"<statement-(\d+) \w+>\n(.*?)\n</statement-", shown, re.DOTALL)
    found = {
        "contradicted": [int(number) for number, text in statements if " not " in text],
        "unmentioned": [int(number) for number, text in statements if "camera" in text],
    }
    return json.dumps({"ticket": ticket, **found})


@pytest.fixture(scope="module")
def server() -> Iterator[Models]:
    with Models() as models:
        threading.Thread(target=models.serve_forever, daemon=True).start()
        yield models
        models.shutdown()


@pytest.fixture
def models(server: Models) -> Models:
    server.works = True
    server.says.clear()
    server.judged.clear()
    return server


@pytest.fixture(scope="module")
def legato(server: Models, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    url = f"http://127.0.0.1:{server.server_port}"
    running = RunningLegato(tmp_path_factory.mktemp("legato"), CONFIG.replace("SERVER", url))
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.log.read_text()


def ask(legato: RunningLegato, route: str, **more: Any) -> Answer:
    call = {"id": "t", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    turns = [
        {"role": "user", "content": "What of the device?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "t", "content": SOURCE},
    ]
    return legato.post("/v1/chat/completions", {"model": route, "messages": turns, **more})


def test_a_paraphrase_passes_by_meaning_and_not_by_words(
    legato: RunningLegato, models: Models
) -> None:
    models.says = [PARAPHRASE] * 2 + [INVENTED]
    refused = ask(legato, "words")
    assert refused.status == 502
    assert "1 of its 1 statements" in refused.error["message"]
    assert ask(legato, "meaning").status == 200
    assert ask(legato, "meaning").status == 502
    assert models.judged == []


def test_a_judge_is_asked_about_what_seems_unsupported_alone(
    legato: RunningLegato, models: Models
) -> None:
    models.says = [SAID, f"{SAID} {PARAPHRASE}", f"{SAID} {INVENTED}"]
    assert ask(legato, "doubt").status == 200
    assert models.judged == []
    assert ask(legato, "doubt").status == 200
    assert PARAPHRASE in models.judged[0]
    assert f">\n{SAID}\n<" not in models.judged[0]
    assert "battery runs for ten hours" in models.judged[0]
    assert "jo.smith" not in models.judged[0]  # as redacted as the model saw it
    assert ask(legato, "doubt").status == 502
    paid = within(20, lambda: legato.query("SELECT * FROM ledger_entry WHERE kind = 'judge'"))
    assert paid[0]["deployment"] == "critic"
    assert "guardrail:grounding" in json.dumps(paid[0], default=str)


def test_what_turns_the_sense_around_is_asked_for_again_and_told_by_its_place(
    legato: RunningLegato, models: Models
) -> None:
    models.says = [f"{SAID} {TURNED}", SAID]
    answer = ask(legato, "always")
    assert answer.status == 200
    assert answer.json["choices"][0]["message"]["content"] == SAID
    assert answer.headers["x-legato-output"] == "flagged; grounding.contradicted; reasks=1"
    fired = legato.trace(answer.request_id)["decision"].output.fired
    place = (len(SAID) + 1, len(SAID) + 1 + len(TURNED))
    assert [(one.check, one.where, one.spans) for one in fired] == [
        ("grounding.contradicted", "text/0/0", (place,))
    ]
    told = legato.command("guard", "explain", answer.request_id)
    assert f"text/0/0 characters {place[0]} to {place[1]}" in told


def test_a_stream_is_held_until_it_is_judged(legato: RunningLegato, models: Models) -> None:
    models.says = [f"{SAID} {INVENTED}"]
    refused = ask(legato, "doubt", stream=True)
    assert refused.status == 502
    assert b"camera" not in refused.body
    models.says = [f"{SAID} {PARAPHRASE}"]
    assert PARAPHRASE.encode() in ask(legato, "doubt", stream=True).body


def test_a_judge_that_fails_refuses_or_leaves_it_to_words(
    legato: RunningLegato, models: Models
) -> None:
    models.works = False
    models.says = [PARAPHRASE] * 2
    assert ask(legato, "doubt").status == 503
    assert ask(legato, "advised").status == 502
