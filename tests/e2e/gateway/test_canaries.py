"""No secret, prompt text or user id in a file, log, metric or error: planted, then searched for.

The canaries go through good calls, cached ones and every failure the gateway knows; then each
byte it kept or said is searched, in clear and in the usual disguises.
"""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from parrot import Parrot
from running import ADMIN, CALLER, CHAT, RunningLegato, within

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running import Answer

    from legato.providers.simulated.child import SimulatedChild

PROMPT = "canaryprompt-4f1c9a7e-the-patient-lives-in-wien"
USER = "canaryuser-91b2e0d3-jane.doe@example.com"
PROVIDER_KEY = "sk-canaryprovider-7d20c4b8e5f6"
POOR, SLOW = "lg-canarypoor-55aa0c7d31", "lg-canaryslow-0e9d4c2b77"
STRANGER = "lg-canarystranger-c81e728d9d"
KEYS = {
    "the caller's key": CALLER,
    "the admin's key": ADMIN,
    "a key without budget": POOR,
    "a key over its rate": SLOW,
    "an unknown key": STRANGER,
    "the provider's key": PROVIDER_KEY,
}
CANARIES = KEYS | {"the prompt": PROMPT, "the user": USER}
ANSWERS_MAY_QUOTE = {"the prompt", "the user"}  # an answer is the model's own text
HOW = ("400", "401", "403", "404", "408", "422", "429", "500", "529", "page", "garbage")
STREAMS = ("in-band", "cut")
VARIABLES = {"UP_KEY": PROVIDER_KEY, "POOR_KEY": POOR, "SLOW_KEY": SLOW}
PRICE = 'price: {input_per_mtok: "1", output_per_mtok: "2"}'
CONFIG = """\
config_version: 1
server: {body_bytes_max: 65536}
telemetry: {log_level: debug}
retry: {attempts_max: 2, backoff_base_s: 0.01, backoff_max_s: 0.02, retry_after_max_s: 0.1}
breaker: {failures: 1000, window_calls: 1000, failure_share: 1}
providers:
  - {name: o, kind: openai_compatible, base_url: "UPSTREAM/v1", api_key: {env: UP_KEY}}
  - {name: a, kind: anthropic, base_url: "UPSTREAM", api_key: {env: UP_KEY}}
  - {name: p, kind: openai_compatible, base_url: "PARROT/v1", api_key: {env: UP_KEY}}
  - {name: q, kind: anthropic, base_url: "PARROT", api_key: {env: UP_KEY}}
  - {name: gone, kind: openai_compatible, base_url: "http://127.0.0.1:9/v1", api_key: {env: UP_KEY}}
deployments:
  - {name: small, provider: o, model: m, PRICE}
  - {name: claude, provider: a, model: c, PRICE}
  - {name: gone, provider: gone, model: g, PRICE}
PARROTS
routes:
  - {alias: chat, deployments: [small, claude]}
  - {alias: chain, deployments: [parrot-500, parrot-429, gone]}
keys:
  - {name: ci, team: canary-team, feature: tests, secret: {env: CALLER_KEY}}
  - {name: poor, team: x, feature: y, secret: {env: POOR_KEY}, budget: {usd: "0.000001"}}
  - {name: slow, team: x, feature: y, secret: {env: SLOW_KEY}, requests_per_minute: 1}
""".replace(
    "PARROTS",
    "\n".join(
        f"  - {{name: {prefix}-{how}, provider: {provider}, model: parrot-{how}, PRICE}}"
        for how in HOW + STREAMS
        for prefix, provider in (("parrot", "p"), ("qarrot", "q"))
    ),
).replace("PRICE", PRICE)


@pytest.fixture(scope="module")
def running(
    upstream_of_module: SimulatedChild, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningLegato]:
    parrot = Parrot()
    config = CONFIG.replace("UPSTREAM", upstream_of_module.url).replace("PARROT/", parrot.url + "/")
    config = config.replace('"PARROT"', f'"{parrot.url}"')
    folder = tmp_path_factory.mktemp("canaries")
    running = RunningLegato(folder, config, variables=VARIABLES)
    yield running
    running.stop()
    parrot.stop()


def body(model: str, path: str, **fields: Any) -> dict[str, Any]:
    """A request with the prompt in every place that takes one."""
    messages = [{"role": "user", "content": f"{PROMPT} asks in full"}]
    if path == "/v1/embeddings":
        return {"model": model, "input": PROMPT, "user": USER}
    common = {"model": model, "messages": messages, "max_tokens": 40}
    if path == CHAT:
        system = {"role": "system", "content": f"{PROMPT} system"}
        return common | {"messages": [system, *messages], "user": USER} | fields
    return common | {"system": f"{PROMPT} system", "metadata": {"user_id": USER}} | fields


def driven(legato: RunningLegato) -> tuple[list[Answer], list[Answer]]:
    """Make every kind of call; return what went well and what did not."""
    paths = (CHAT, "/v1/messages", "/v1/messages/count_tokens", "/v1/embeddings")
    user = {"x-legato-user": USER, "traceparent": f"00-{'1' * 32}-{'2' * 16}-01"}
    answers = []
    for path in paths:
        for model in ("chat", "small", "claude", "chain", "gone", "nothing"):
            answers += [legato.post(path, body(model, path), headers=user) for _ in range(2)]
        answers += refused(legato, path)
    for how in HOW:
        for path in (CHAT, "/v1/messages"):
            for bird in ("parrot", "qarrot"):
                for stream in (False, True):
                    sent = body(f"{bird}-{how}", path, stream=stream)
                    answers.append(legato.post(path, sent, headers=user))
    for path in (CHAT, "/v1/messages"):
        answers += [legato.post(path, body("chat", path, stream=True)) for _ in range(2)]
        steered = {"x-simulated-cut-after": "4"}
        answers.append(legato.post(path, body("small", path, stream=True), headers=steered))
    answers += [legato.get(f"/v1/models?key={CALLER}", STRANGER), legato.get("/v1/models", CALLER)]
    answers += [legato.get(f"/v1/nothing?api_key={CALLER}&q={PROMPT}", ADMIN)]
    good = [answer for answer in answers if answer.status == 200]
    return good, [answer for answer in answers if answer.status != 200]


def refused(legato: RunningLegato, path: str) -> list[Answer]:
    """Calls that end before any provider hears of them."""
    sent = body("chat", path)
    text = json.dumps(sent)
    spoilt = [text[:-1], text[:-1] + f',"user":"{PROMPT}"}}', f'"{PROMPT}"', text + PROMPT]
    spoilt += [text[:-1] + f',"seed":NaN,"x":"{PROMPT}"}}', text.replace("chat", "chat\\ud800")]
    spoilt += [json.dumps(sent | {field: PROMPT}) for field in ("messages", "stream", "max_tokens")]
    spoilt += [json.dumps(sent | {"padding": PROMPT * 2_000})]
    answers = [legato.post(path, one.encode()) for one in spoilt]
    answers += [legato.post(path, sent, key) for key in (STRANGER, POOR, SLOW, SLOW, "")]
    answers.append(legato.post(path, sent, headers={"content-encoding": PROMPT}))
    return answers


def misplaced(legato: RunningLegato) -> list[Answer]:
    """What was meant for elsewhere, sent as the model's name: said back, but to be kept nowhere."""
    paths = (CHAT, "/v1/messages", "/v1/embeddings")
    return [
        legato.post(path, body(name, path)) for path in paths for name in (PROMPT, CALLER, USER)
    ]


def streams_that_fail(legato: RunningLegato) -> list[Answer]:
    """Streams that break after text went out: only what follows it is an error."""
    return [
        legato.post(path, body(f"{bird}-{how}", path, stream=True))
        for path in (CHAT, "/v1/messages")
        for bird in ("parrot", "qarrot")
        for how in STREAMS
    ]


def disguises(canary: str) -> set[bytes]:
    """The canary in clear and as it would look when carelessly hidden."""
    raw = canary.encode()
    shifted = [base64.b64encode(b"\0" * by + raw)[4 * bool(by) : -4] for by in range(3)]
    plain = {raw, raw.hex().encode(), quote(canary, safe="").encode(), raw[::-1]}
    return plain | set(shifted) | {canary.encode("utf-16-le"), raw.upper()}


def hits(where: str, data: bytes, *, but: set[str] = frozenset()) -> list[str]:  # type: ignore[assignment]
    return [
        f"{name} in {where}"
        for name, canary in CANARIES.items()
        if name not in but
        for disguise in disguises(canary)
        if disguise in data
    ]


def kept(running: RunningLegato) -> dict[str, bytes]:
    """Every file of the data directory."""
    return {str(path.relative_to(running.data)): content for path, content in running.stored()}


def said(answer: Answer) -> bytes:
    return repr(dict(answer.headers)).encode() + answer.body


@pytest.mark.slow
def test_nothing_kept_or_said_holds_a_canary(running: RunningLegato) -> None:
    good, bad = driven(running)
    broken = streams_that_fail(running)
    assert {answer.status for answer in misplaced(running)} == {404}
    assert len(good) > 20
    assert {answer.status for answer in bad} >= {400, 401, 404, 413, 429, 502, 503}
    assert any(answer.headers.get("x-legato-cache") == "hit" for answer in good)
    found = [
        hit for answer in good for hit in hits("an answer", said(answer), but=ANSWERS_MAY_QUOTE)
    ]
    found += [hit for answer in bad for hit in hits("an error", said(answer))]
    for answer in broken:
        assert b'"error"' in answer.body
        found += hits("a broken stream", said(answer), but=ANSWERS_MAY_QUOTE)
        last = answer.body.rpartition(b'"error"')[2]
        found += hits("the error in a stream", last)
    found += hits("/metrics", running.get("/metrics", ADMIN).body)
    printed = [("ledger", "export", "--format", "jsonl"), ("keys", "list"), ("journal", "status")]
    for command in printed:
        found += hits(" ".join(command), running.command(*command).encode())
    shown = running.command("config", "show", "--config", str(running.config))
    found += hits("config show", shown.encode())
    time.sleep(1.5)  # a snapshot of the metrics, a flush of the cache
    assert within(10, lambda: any(row["http_status"] == 502 for row in running.traces()))
    for name, data in kept(running).items():  # as it lies there while it runs
        found += hits(name, data)
    assert running.stop() == 0
    after = kept(running)
    for name, data in after.items():
        found += hits(name, data)
    found += hits("the log", running.log.read_bytes())
    assert sorted(set(found)) == []
    assert any("answers" in name for name in after), "the cache kept no answer: a void test"
    assert any(b"canary-team" in data for data in after.values()), "the search sees nothing"
    assert b"Traceback" not in running.log.read_bytes()


def test_a_canary_in_disguise_is_seen() -> None:
    for text in (PROMPT, f"x{PROMPT}"):
        for data in (text.encode(), base64.b64encode(text.encode()), text.encode().hex().encode()):
            assert hits("here", data) == ["the prompt in here"]
    assert hits("here", b"nothing") == []
