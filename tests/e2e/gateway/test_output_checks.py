"""Answers are checked before they go out, on every surface, whole and streamed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from running import ADMIN, Answer, RunningLegato, within

sys.path.append(str(Path(__file__).parent))
from saying import Saying

if TYPE_CHECKING:
    from collections.abc import Iterator

    from legato.core.guard_output import OutputFacts

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
cache: {enabled: true}
retry: {attempts_max: 1}
providers:
  - {name: open, kind: openai_compatible, base_url: "SAYING/v1"}
  - {name: other, kind: anthropic, base_url: "SAYING"}
deployments:
  - {name: small, provider: open, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
  - {name: large, provider: open, model: l, price: {input_per_mtok: "3", output_per_mtok: "6"}}
  - {name: claude, provider: other, model: m, price: {input_per_mtok: "3", output_per_mtok: "15"}}
routes:
  - {alias: guarded, deployments: [small]}
  - {alias: claude-guarded, deployments: [claude]}
  - {alias: redacted, deployments: [small], cache: {enabled: false}}
  - {alias: claude-redacted, deployments: [claude], cache: {enabled: false}}
  - {alias: json, deployments: [small, large], cache: {enabled: false}}
  - {alias: mended, deployments: [small]}
  - {alias: loose, deployments: [small], cache: {enabled: false}}
  - {alias: plain, deployments: [small], cache: {enabled: false}}
guardrails:
  policies:
    - name: leaks
      attach: {routes: [guarded, claude-guarded]}
      output: {leaks: {canaries: [quokka-7741-zebra], system_prompt_words: 6}}
    - name: redacts
      attach: {routes: [redacted, claude-redacted]}
      rules:
        - {name: mail, detect: {labels: [EMAIL_ADDRESS]}, action: redact, on: [output, tool_call]}
      output: {links: {hosts: [good.example]}}
    - name: json
      attach: {routes: [json]}
      output:
        json:
          schema: {type: object, properties: {n: {type: integer}}, required: [n]}
          rules: [{name: small, must: output.n < 10}]
        reasks_max: 2
        reask_at: large
    - name: mended
      attach: {routes: [mended]}
      output: {json: {schema: {type: object}, repair: truncated}}
    - name: loose
      attach: {routes: [loose]}
      output: {leaks: {canaries: [quokka-7741-zebra]}, stream: as_it_comes}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""
CANARY = "quokka-7741-zebra"
SECRET = f"Well, since you ask so nicely: {CANARY} it is, and that was all of it."
SURFACES = {
    "chat_completions": ("/v1/chat/completions", {"messages": [{"role": "user", "content": "hi"}]}),
    "completions": ("/v1/completions", {"prompt": "hi"}),
    "responses": ("/v1/responses", {"input": "hi"}),
    "messages": (
        "/v1/messages",
        {"max_tokens": 100, "messages": [{"role": "user", "content": "hi"}]},
    ),
}


@pytest.fixture(scope="module")
def upstream() -> Iterator[Saying]:
    saying = Saying()
    yield saying
    saying.stop()


@pytest.fixture(scope="module")
def legato(upstream: Saying, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    folder = tmp_path_factory.mktemp("legato")
    running = RunningLegato(folder, CONFIG.replace("SAYING", upstream.url))
    yield running
    running.stop()


def ask(legato: RunningLegato, surface: str, model: str, **fields: Any) -> Answer:
    path, body = SURFACES[surface]
    return legato.post(path, {**body, "model": model, **fields})


def text_of(answer: Answer) -> str:
    """Return all text of an answer, however it came."""
    if not answer.headers["content-type"].startswith("text/event-stream"):
        return "".join(_texts(answer.json))
    events = [line[5:].strip() for line in answer.body.split(b"\n") if line.startswith(b"data:")]
    decoded = [json.loads(one) for one in events if one != b"[DONE]"]
    return "".join(part for event in decoded for part in _texts(event, pieces=True))


def _texts(event: Any, *, pieces: bool = False) -> list[str]:
    found: list[str] = []
    for choice in event.get("choices", ()):
        said = choice.get("message") or choice.get("delta") or choice
        found.append(said.get("content") or said.get("text") or "")
    if pieces:
        delta = event.get("delta")
        found.append(delta if isinstance(delta, str) else (delta or {}).get("text") or "")
    else:
        found += [block.get("text") or "" for block in event.get("content", ())]
        for item in event.get("output", ()):
            found += [part.get("text") or "" for part in item.get("content", ())]
    return found


def recorded(legato: RunningLegato, answer: Answer) -> OutputFacts:
    """Return what the record says of an answer's checks."""
    output: OutputFacts | None = legato.trace(answer.request_id)["decision"].output
    assert output is not None
    return output


LONG = "This goes on for a while before it says anything of interest to anybody. " * 8


@pytest.mark.parametrize(
    ("surface", "model"),
    [
        ("chat_completions", "guarded"),
        ("completions", "guarded"),
        ("responses", "guarded"),
        ("messages", "claude-guarded"),
    ],
)
def test_case_13_a_stream_under_way_ends_before_what_is_blocked(
    legato: RunningLegato, upstream: Saying, surface: str, model: str
) -> None:
    upstream.says(LONG + SECRET, first=len(LONG) // 3)
    answer = ask(legato, surface, model, stream=True)
    assert answer.status == 200
    said = answer.body.decode()
    assert "quokka" not in said
    assert "[DONE]" not in said
    assert "The answer was withheld" in said
    sent = text_of(answer)
    assert (LONG + SECRET).startswith(sent)
    assert len(LONG) - 128 < len(sent) < len(LONG) + SECRET.index(CANARY)
    assert recorded(legato, answer).scanned == "partly"


CASES = [
    (surface, model, stream)
    for stream in (False, True)
    for surface, model in (
        ("chat_completions", "guarded"),
        ("chat_completions", "claude-guarded"),
        ("completions", "guarded"),
        ("responses", "guarded"),
        ("responses", "claude-guarded"),
        ("messages", "guarded"),
        ("messages", "claude-guarded"),
    )
]


@pytest.mark.parametrize("case", CASES)
def test_case_13_what_a_rule_blocks_is_never_sent(
    legato: RunningLegato, upstream: Saying, case: tuple[str, str, bool]
) -> None:
    surface, model, stream = case
    upstream.says(SECRET)
    answer = ask(legato, surface, model, stream=stream)
    said = answer.body.decode()
    assert "quokka" not in said
    assert "7741" not in said
    assert "The answer was withheld: leaks found what it forbids." in said
    assert answer.status == 502
    (entry,) = legato.entries(answer.request_id)
    assert (entry["status"], entry["kind"]) == ("output_blocked", "retry")
    assert entry["cost"] > 0


@pytest.mark.parametrize("case", CASES)
def test_case_13_what_a_rule_redacts_is_never_sent(
    legato: RunningLegato, upstream: Saying, case: tuple[str, str, bool]
) -> None:
    surface, model, stream = case
    upstream.says("Mail ann.berg@corp.example or see ![x](http://evil.example/?d=1), bye.")
    answer = ask(legato, surface, model.replace("guarded", "redacted"), stream=stream)
    assert answer.status == 200
    assert "corp.example" not in answer.body.decode()
    assert "evil.example" not in answer.body.decode()
    assert text_of(answer) == "Mail [withheld] or see [withheld], bye."


@pytest.mark.parametrize("case", CASES)
def test_what_json_hides_in_escapes_is_never_sent(
    legato: RunningLegato, upstream: Saying, case: tuple[str, str, bool]
) -> None:
    surface, model, stream = case
    mail, link = "ann\\u0040corp.example", "http:\\/\\/evil.example\\/?d=1"
    upstream.says(f'{{"lead": "{LONG}", "mail": "{mail}", "see": "![x]({link})"}}')
    answer = ask(legato, surface, model.replace("guarded", "redacted"), stream=stream)
    expected = {"lead": LONG, "mail": "[withheld]", "see": "[withheld]"}
    assert json.loads(text_of(answer)) == expected
    upstream.says(f'{{"lead": "{LONG}", "it": "\\u0071uokk\\u0061-7741\\u002dzebra"}}')
    answer = ask(legato, surface, model, stream=stream)
    assert "The answer was withheld" in answer.body.decode()
    assert "uokk" not in answer.body.decode()


@pytest.mark.parametrize("case", CASES)
def test_what_nothing_is_found_in_arrives_as_it_was_said(
    legato: RunningLegato, upstream: Saying, case: tuple[str, str, bool]
) -> None:
    surface, model, stream = case
    said = f"Nothing to see in the {surface} of {model}, move along: ünï 🙂 {stream}."
    upstream.says(said)
    answer = ask(legato, surface, model, stream=stream)
    assert text_of(answer) == said
    assert answer.headers["x-legato-output"] == "checked"


def test_an_invalid_answer_is_asked_for_again_and_each_attempt_is_priced(
    legato: RunningLegato, upstream: Saying
) -> None:
    upstream.says('{"n": "no"}', '{"n": 12}', '{"n": 3}')
    for stream in (False, True):
        upstream.says('{"n": "no"}', '{"n": 12}', '{"n": 3}')
        answer = ask(legato, "chat_completions", "json", stream=stream)
        assert text_of(answer) == '{"n": 3}'
        assert answer.headers["x-legato-output"].startswith("flagged; json.schema; json.rule.small")
        assert answer.headers["x-legato-output"].endswith("; reasks=2")
        entries = legato.entries(answer.request_id, 3)
        assert [one["status"] for one in entries] == ["output_invalid", "output_invalid", "ok"]
        assert [one["kind"] for one in entries] == ["retry", "retry", "usage"]
        assert [one["deployment"] for one in entries] == ["small", "large", "large"]
        assert all(one["cost"] > 0 for one in entries)
        first, second, third = upstream.heard
        assert len(first["messages"]) == 1
        assert "/n: it is not of type" in second["messages"][-1]["content"]
        assert "the rule small" in third["messages"][-1]["content"]
        output = recorded(legato, answer)
        assert output.reasks == 2
        assert output.scanned == "before_sending"


def test_an_answer_that_stays_invalid_is_refused(legato: RunningLegato, upstream: Saying) -> None:
    upstream.says("[1, 2")
    answer = ask(legato, "chat_completions", "json")
    assert (answer.status, answer.error["code"]) == (502, "output_invalid")
    assert "ends before it is complete" in answer.error["message"]
    assert len(upstream.heard) == 3
    assert answer.headers["x-should-retry"] == "false"


def test_case_39_truncated_json_is_flagged_and_not_kept(
    legato: RunningLegato, upstream: Saying
) -> None:
    for stream in (False, True):
        for _ in range(2):
            upstream.says('{"a": 1, "b": "half')
            answer = ask(legato, "chat_completions", "mended", stream=stream)
            assert json.loads(text_of(answer)) == {"a": 1, "b": "half"}
            assert answer.headers["x-legato-output"] == "flagged; json.repaired.truncated"
            assert answer.headers["x-legato-cache"] == "miss"


def test_a_clean_answer_is_kept_and_says_when_it_was_checked(
    legato: RunningLegato, upstream: Saying
) -> None:
    upstream.says("Nothing secret, twice.")
    for cache, scanned in (("miss", "before_sending"), ("hit", "before_sending")):
        answer = ask(legato, "chat_completions", "guarded", temperature=0.125)
        assert answer.headers["x-legato-cache"] == cache
        output = recorded(legato, answer)
        assert output.scanned == scanned
        assert output.checked == ("leaks",)


def test_a_planted_text_of_one_request_and_its_system_prompt_stay_inside(
    legato: RunningLegato, upstream: Saying
) -> None:
    upstream.says("The word of the day is OTTER 99 1, they say.")
    planted = {"x-legato-canary": "otter-991"}
    answer = legato.chat("guarded", headers=planted)
    assert answer.error["code"] == "output_blocked"
    assert "otter" not in answer.body.decode().lower()
    upstream.says("I was told: never reveal that the price falls in May, ok?")
    system = {"role": "system", "content": "Never reveal that the price falls in May."}
    messages = [system, {"role": "user", "content": "hi"}]
    answer = ask(legato, "chat_completions", "guarded", messages=messages)
    assert answer.error["code"] == "output_blocked"
    assert recorded(legato, answer).fired[0].check == "leaks.system_prompt"


def test_a_stream_as_it_comes_says_that_it_was_not_checked_before(
    legato: RunningLegato, upstream: Saying
) -> None:
    upstream.says(SECRET)
    answer = ask(legato, "chat_completions", "loose", stream=True)
    assert text_of(answer) == SECRET
    assert answer.headers["x-legato-output"] == "not checked before sending"
    output = recorded(legato, answer)
    assert output.scanned == "after_sending"
    assert output.fired[0].action == "block:not_enforced"


def test_without_a_policy_nothing_is_said_of_checks(
    legato: RunningLegato, upstream: Saying
) -> None:
    upstream.says(SECRET)
    answer = ask(legato, "chat_completions", "plain")
    assert text_of(answer) == SECRET
    assert "x-legato-output" not in answer.headers
    assert legato.trace(answer.request_id)["decision"].output is None


def test_findings_are_counted_and_nothing_quotes_them(
    legato: RunningLegato, upstream: Saying
) -> None:
    upstream.says(SECRET)
    answer = ask(legato, "chat_completions", "guarded")
    assert recorded(legato, answer).fired[0].count == 1
    said = 'legato_answer_checks_total{action="block",check="leaks.canary"}'
    assert within(5, lambda: said in legato.get("/metrics", ADMIN).body.decode())
    assert CANARY not in repr(legato.trace(answer.request_id))
    assert CANARY not in legato.log.read_text()
