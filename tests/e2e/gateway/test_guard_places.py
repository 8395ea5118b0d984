"""What a policy redacts or blocks reaches no provider, wherever in a request of any surface it is.

Every place of a request that uses about every field, one after the other: values, names of fields,
fields nobody knows, numbers, JSON within texts, escapes. What can't be replaced is refused.
"""

from __future__ import annotations

import contextlib
import json
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest
from full_bodies import BODIES, changed
from running import CALLER, RunningLegato
from test_passed_on import ANSWER, Recorder, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCKED = "lg-the-key-whose-words-are-blocked"
WORD, NUMBER = "Kestrel", 4111111111111111
FORMS = (WORD.lower(), str(NUMBER), "4bestrel", "u004bestrel")
CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
retry: {attempts_max: 1}
breaker: {failures: 100000, window_calls: 100000}
providers:
  - {name: o, kind: openai_compatible, base_url: "RECORDER/v1"}
  - {name: a, kind: anthropic, base_url: "RECORDER"}
deployments:
  - {name: small, provider: o, model: m}
  - {name: claude, provider: a, model: c}
routes:
  - {alias: chat, deployments: [claude], drop_unsupported: true}
guardrails:
  policies:
    - name: masking
      attach: {features: [masked]}
      time_ms: 5000
      rules: [{name: r, detect: {words: {w: [Kestrel]}, labels: [CREDIT_CARD]}, action: redact}]
    - name: blocking
      attach: {features: [blocked]}
      time_ms: 5000
      rules: [{name: r, detect: {words: {w: [Kestrel]}, labels: [CREDIT_CARD]}, action: block}]
keys:
  - {name: ci, team: platform, feature: masked, secret: {env: CALLER_KEY}}
  - {name: cj, team: platform, feature: blocked, secret: {env: BLOCKED_KEY}}
"""
RELAYED = ("/v1/images/", "/v1/audio/")
USAGE = {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}
ANSWERS: dict[str, dict[str, Any]] = {
    "/v1/completions": {
        "id": "c",
        "object": "text_completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "text": "hi", "finish_reason": "stop"}],
        "usage": USAGE,
    },
    "/v1/embeddings": {
        "object": "list",
        "model": "m",
        "data": [{"object": "embedding", "index": at, "embedding": [1.0]} for at in (0, 1)],
        "usage": {"prompt_tokens": 3, "total_tokens": 3},
    },
    "/v1/rerank": {
        "id": "r",
        "model": "m",
        "results": [{"index": 0, "relevance_score": 0.5}],
        "usage": {"total_tokens": 3},
    },
    "/v1/moderations": {"id": "m", "model": "m", "results": [{"flagged": False}]},
}
ANSWERS["/v2/rerank"] = ANSWERS["/v1/rerank"]
MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "c",
    "content": [{"type": "text", "text": "hi"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 3, "output_tokens": 1},
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    yield from serving()


@pytest.fixture(scope="module")
def legato(recorder: Recorder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    config = CONFIG.replace("RECORDER", f"http://127.0.0.1:{recorder.server_port}")
    running = RunningLegato(
        tmp_path_factory.mktemp("legato"), config, variables={"BLOCKED_KEY": BLOCKED}
    )
    yield running
    assert running.stop() == 0


class Asker:
    """Sends many requests over one connection."""

    def __init__(self, legato: RunningLegato, key: str) -> None:
        self._legato = legato
        self._headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        self._connection = legato.connection()

    def __call__(self, path: str, body: dict[str, Any]) -> tuple[int, str]:
        self._connection.request("POST", path, json.dumps(body).encode(), self._headers)
        answer = self._connection.getresponse()
        return answer.status, answer.read().decode()

    def close(self) -> None:
        self._connection.close()


def test_there_is_a_full_body_for_every_surface(legato: RunningLegato) -> None:
    listed = json.loads(legato.command("endpoints", "--json"))
    forms = ("/edits", "/transcriptions", "/translations")
    assert {
        one["path"] for one in listed if one["surface"] and not one["path"].endswith(forms)
    } <= set(BODIES)


@pytest.mark.parametrize(
    ("path", "model"),
    [
        *((path, "small") for path in sorted(BODIES)),
        ("/v1/chat/completions", "chat"),
        ("/v1/messages", "chat"),
    ],
)
def test_no_place_of_a_request_is_passed_over(
    legato: RunningLegato, recorder: Recorder, path: str, model: str
) -> None:
    reached = refused = 0
    leaks: list[str] = []
    recorder.answer = MESSAGE if model == "chat" else ANSWERS.get(path, ANSWER)
    if "tokens" in path:
        recorder.answer = {"input_tokens": 3}
    with contextlib.closing(Asker(legato, CALLER)) as ask:
        recorder.bodies.clear()
        plain, said = ask(path, {"model": model, **BODIES[path]})
        is_open = bool(recorder.bodies)
        assert plain == 200 or not is_open, said
        for place, body in changed(BODIES[path], WORD, NUMBER):
            recorder.bodies.clear()
            status, told = ask(path, {"model": model, **body})
            assert status < 500 or recorder.bodies, (place, status, told)
            reached += bool(recorder.bodies)
            refused += "input_blocked" in told or "redacted" in told
            sent = json.dumps(recorder.bodies).lower()
            if any(one in sent for one in FORMS):
                leaks.append(place)
    assert leaks == []
    if not path.startswith(RELAYED) and is_open:
        assert reached > 5, "few requests reached the provider: nothing was proven"
        assert refused > 0


@pytest.mark.parametrize("path", sorted(BODIES))
def test_what_is_blocked_reaches_nobody_from_any_place(
    legato: RunningLegato, recorder: Recorder, path: str
) -> None:
    leaks: list[str] = []
    with contextlib.closing(Asker(legato, BLOCKED)) as ask:
        # every seventh place: which they are is the same for both actions
        for place, body in islice(changed(BODIES[path], WORD, NUMBER), 0, None, 7):
            recorder.bodies.clear()
            status, _ = ask(path, {"model": "small", **body})
            sent = json.dumps(recorder.bodies).lower()
            if any(one in sent for one in FORMS):
                leaks.append(f"{place}: {status}")
    assert leaks == []
