"""Names are masked before a model is asked, by the tagger in a process of its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from running import RunningLegato
from test_passed_on import Recorder, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
providers:
  - {name: recorder, kind: openai_compatible, base_url: "RECORDER/v1"}
deployments:
  - {name: small, provider: recorder, model: m}
routes:
  - {alias: chat, deployments: [small]}
guardrails:
  policies:
    - name: people
      time_ms: 10000
      rules:
        - {name: mails, detect: {labels: [EMAIL_ADDRESS]}, action: redact}
        - {name: names, detect: {labels: [names]}, action: redact}
keys:
  - {name: a, team: platform, feature: letters, secret: {env: CALLER_KEY}}
"""


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    yield from serving()


@pytest.fixture(scope="module")
def legato(recorder: Recorder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    config = CONFIG.replace("RECORDER", f"http://127.0.0.1:{recorder.server_port}")
    running = RunningLegato(tmp_path_factory.mktemp("legato"), config)
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.log.read_text()


def test_names_and_addresses_do_not_leave(legato: RunningLegato, recorder: Recorder) -> None:
    text = (
        "My name is Ana Souza, my mail is ana.souza@example.org "
        "and I live at 27 Mill Lane, Cambridge CB2 1RX."
    )
    answer = legato.chat("chat", text)
    assert answer.status == 200, answer.body
    sent = json.dumps(recorder.bodies[-1])
    assert [one for one in ("Ana", "Souza", "souza@", "Mill", "Cambridge") if one in sent] == []
    fired = answer.headers["x-legato-guardrails"]
    assert "people/names LOCATION redact 1" in fired
    assert "PERSON" in fired
    assert "people/mails EMAIL_ADDRESS redact 1" in fired


def test_a_text_without_names_is_sent_as_it_is(legato: RunningLegato, recorder: Recorder) -> None:
    text = "Write a function that sorts a list of 100 integers."
    answer = legato.chat("chat", text)
    assert answer.status == 200, answer.body
    assert recorder.bodies[-1]["messages"][0]["content"] == text
    assert dict(legato.trace(answer.request_id)["guarded"].took_us)["names"] > 0
