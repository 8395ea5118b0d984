"""Detectors on the request path: ours, and the operator's behind HTTP, working and failing."""

from __future__ import annotations

import contextlib
import json
import random
import string
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from running import ADMIN, RunningLegato
from test_passed_on import Recorder, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

FLAGGED = "lg-the-key-whose-policy-only-flags"
SHAPED = "lg-the-key-of-the-structured-policy"
CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
providers:
  - {name: recorder, kind: openai_compatible, base_url: "RECORDER/v1"}
deployments:
  - {name: small, provider: recorder, model: m}
  - {name: other, provider: recorder, model: n}
routes:
  - {alias: chat, deployments: [small, other], retry: {attempts_max: 3, backoff_base_s: 0.01}}
guardrails:
  detectors:
    - {name: house, url: "HOUSE/scan", labels: [HOUSE_RULE]}
  policies:
    - name: house
      attach: {features: [closed]}
      time_ms: 500
      rules: [{name: r, detect: {labels: [HOUSE_RULE]}, action: redact}]
    - name: watched
      attach: {features: [open]}
      time_ms: 500
      rules: [{name: r, detect: {labels: [HOUSE_RULE]}, action: flag}]
    - name: shaped
      attach: {features: [shaped]}
      rules:
        - {name: mails, detect: {labels: [EMAIL_ADDRESS]}, action: redact}
        - {name: secrets, detect: {labels: [secrets]}, action: block}
keys:
  - {name: a, team: platform, feature: closed, secret: {env: CALLER_KEY}}
  - {name: b, team: platform, feature: open, secret: {env: FLAGGED_KEY}}
  - {name: c, team: platform, feature: shaped, secret: {env: SHAPED_KEY}}
"""


class House(ThreadingHTTPServer):
    """A detector that finds `house`; `how` says in which way it fails."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.how = "well"
        self.asked: list[Any] = []


class _Handler(BaseHTTPRequestHandler):
    server: House
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked.append(asked)
        if self.server.how == "late":
            time.sleep(1.0)
        found = [
            [{"label": "HOUSE_RULE", "start": at, "end": at + 5, "score": 0.9}]
            if (at := one["text"].find("house")) >= 0
            else []
            for one in asked["texts"]
        ]
        said: Any = [] if self.server.how == "few" else found
        body = b"{" if self.server.how == "garbage" else json.dumps({"findings": said}).encode()
        self.send_response(500 if self.server.how == "broken" else 200)
        self.send_header("content-length", str(len(body)))
        with contextlib.suppress(ConnectionError):  # who didn't wait has left
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with House() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    yield from serving()


@pytest.fixture(scope="module")
def legato(
    recorder: Recorder, house: House, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningLegato]:
    config = CONFIG.replace("RECORDER", f"http://127.0.0.1:{recorder.server_port}")
    running = RunningLegato(
        tmp_path_factory.mktemp("legato"),
        config.replace("HOUSE/", f"http://127.0.0.1:{house.server_port}/"),
        variables={"FLAGGED_KEY": FLAGGED, "SHAPED_KEY": SHAPED},
    )
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.log.read_text()


@pytest.fixture(autouse=True)
def well(house: House) -> None:
    house.how = "well"


def test_a_detector_of_the_operators_finds(
    legato: RunningLegato, recorder: Recorder, house: House
) -> None:
    answer = legato.chat("chat", "a house here")
    assert answer.status == 200, answer.body
    assert "house" not in recorder.bodies[-1]["messages"][0]["content"]
    assert {"text": "a house here", "place": "input"} in house.asked[-1]["texts"]
    assert dict(legato.trace(answer.request_id)["guarded"].took_us)["house"] > 0


@pytest.mark.parametrize("how", ["broken", "garbage", "few", "late"])
def test_case_10_a_detector_that_cannot_look_ends_the_request(
    legato: RunningLegato, recorder: Recorder, house: House, how: str
) -> None:
    house.how = how
    before, asked = len(recorder.bodies), len(house.asked)
    answer = legato.chat("chat", "a quiet text")
    assert (answer.status, answer.error["code"]) == (503, "detector_failed")
    assert "quiet" not in answer.body.decode()
    assert len(recorder.bodies) == before, "no deployment is asked, the fallback neither"
    assert len(house.asked) == asked + 1
    trace = legato.trace(answer.request_id)
    assert (trace["error_code"], trace["guarded"].done) == ("detector_failed", "block")


@pytest.mark.parametrize("how", ["broken", "late"])
def test_where_rules_only_flag_the_request_passes_and_is_counted(
    legato: RunningLegato, house: House, how: str
) -> None:
    house.how = how
    answer = legato.chat("chat", "a quiet text", key=FLAGGED)
    assert answer.status == 200
    assert legato.trace(answer.request_id)["guarded"].passed_over == ("house",)
    counted = 'legato_detector_failures_total{detector="house",result="open"}'
    assert counted in legato.get("/metrics", ADMIN).body.decode()


def test_what_has_a_form_is_found_in_every_place(legato: RunningLegato, recorder: Recorder) -> None:
    body = {
        "model": "chat",
        "messages": [
            {"role": "system", "content": "Write to anna.meyer@example.org"},
            {"role": "user", "content": [{"type": "text", "text": "cc ben@example.net"}]},
        ],
        "metadata": {"owner": "carl@example.com"},
    }
    answer = legato.post("/v1/chat/completions", body, SHAPED)
    assert answer.status == 200, answer.body
    sent = json.dumps(recorder.bodies[-1])
    assert [one for one in ("anna", "ben@", "carl") if one in sent] == []
    assert "shaped/mails EMAIL_ADDRESS redact 3" in answer.headers["x-legato-guardrails"]


def test_a_secret_is_refused(legato: RunningLegato) -> None:
    letters = string.ascii_letters + string.digits
    key = "sk-ant-api03-" + "".join(random.Random(1).choices(letters, k=93)) + "AA"
    answer = legato.chat("chat", f"use {key}", key=SHAPED)
    assert (answer.status, answer.error["code"]) == (400, "input_blocked")
    assert key[:20] not in answer.body.decode()
