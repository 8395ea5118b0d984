"""Prompts called by their name, through the vendors' own SDKs, on two workers."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import anthropic
import openai
import pytest
from anthropic import Anthropic
from openai import OpenAI
from running import CALLER, RunningLegato, within

sys.path.append(str(Path(__file__).parents[2]))
from kept_prompts import PromptDesk, Recorder

if TYPE_CHECKING:
    from collections.abc import Iterator

WORKERS = 2
SEEN_S = 2.0
BATCH_S = 60.0
CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
cache: {enabled: true}
retry: {attempts_max: 1}
providers:
  - {name: open, kind: openai_compatible, base_url: "RECORDER/v1"}
  - {name: other, kind: anthropic, base_url: "RECORDER"}
deployments:
  - {name: small, provider: open, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
  - {name: claude, provider: other, model: m, price: {input_per_mtok: "3", output_per_mtok: "15"}}
routes:
  - {alias: chat, deployments: [small], cache: {enabled: false}}
  - {alias: claude-chat, deployments: [claude], cache: {enabled: false}}
  - {alias: lenient, deployments: [claude], cache: {enabled: false}, drop_unsupported: true}
  - {alias: cached, deployments: [small]}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
  - {name: one, team: x, feature: y, secret: {env: ONE_KEY}, models: ["prompt:reply"]}
  - {name: all, team: x, feature: y, secret: {env: ALL_KEY}, models: ["prompt:*"]}
  - {name: none, team: x, feature: y, secret: {env: NONE_KEY}, models: [chat]}
  - {name: strange, org: elsewhere, team: x, feature: y, secret: {env: STRANGE_KEY}}
"""
KEYS = {name: f"lg-the-key-of-{name.lower()}" for name in ("ONE", "ALL", "NONE", "STRANGE")}
REPLY: dict[str, Any] = {
    "messages": [
        {"role": "system", "content": "You answer for {{company}}. {{> tone}}"},
        {"role": "user", "content": "Question: {{question}}"},
    ],
    "partials": {"tone": "Be brief."},
    "variables": {
        "company": {"type": "string", "default": "Acme"},
        "question": {"type": "string"},
    },
    "route": "chat",
    "parameters": {"temperature": 0.2, "max_tokens": 300},
}


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    with Recorder() as recorder:
        yield recorder


@pytest.fixture(scope="module")
def legato(recorder: Recorder, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    running = RunningLegato(
        tmp_path_factory.mktemp("legato"),
        CONFIG.replace("RECORDER", recorder.url),
        workers=WORKERS,
        variables={f"{name}_KEY": key for name, key in KEYS.items()},
    )
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.log.read_text()


@pytest.fixture(scope="module")
def desk(legato: RunningLegato) -> PromptDesk:
    """Saves prompts; `reply` and `claude-reply` are there, and known to both workers."""
    desk = PromptDesk(legato)
    desk.save("reply", REPLY, "production", "latest")
    desk.save("claude-reply", REPLY | {"route": "claude-chat"}, "production")
    time.sleep(SEEN_S)
    return desk


@pytest.fixture
def client(legato: RunningLegato, desk: PromptDesk) -> Iterator[OpenAI]:
    del desk
    with OpenAI(base_url=f"{legato.url}/v1", api_key=CALLER, max_retries=0) as client:
        yield client


@pytest.fixture
def claude(legato: RunningLegato, desk: PromptDesk) -> Iterator[Anthropic]:
    del desk
    with Anthropic(base_url=legato.url, api_key=CALLER, max_retries=0) as client:
        yield client


class Clients(NamedTuple):
    openai: OpenAI
    anthropic: Anthropic


@pytest.fixture
def clients(client: OpenAI, claude: Anthropic) -> Clients:
    return Clients(client, claude)


def with_variables(**variables: Any) -> dict[str, Any]:
    """What the SDKs have no typed field for."""
    return {"metadata": {"variables": variables}}


def test_chat_completions_send_the_prompt_before_the_callers_messages(
    legato: RunningLegato, desk: PromptDesk, recorder: Recorder, client: OpenAI
) -> None:
    del desk
    raw = client.chat.completions.with_raw_response.create(
        model="prompt:reply",
        messages=[{"role": "user", "content": "In English."}],
        extra_body=with_variables(question="{{company}}?"),
    )
    assert raw.parse().choices[0].message.content
    shown = raw.headers["x-legato-versions"]
    assert shown.startswith("prompt/reply@")
    sent = recorder.last
    assert sent["model"] == "m"
    assert sent["messages"] == [
        {"role": "system", "content": "You answer for Acme. Be brief."},
        {"role": "user", "content": "Question: {{company}}?"},
        {"role": "user", "content": "In English."},
    ]
    assert (sent["temperature"], sent["max_completion_tokens"]) == (0.2, 300)
    assert "metadata" not in sent
    (entry,) = legato.entries(raw.headers["x-legato-request-id"])
    assert (entry["versions"], entry["route"]) == (shown, "chat")
    assert entry["model_requested"] == "prompt:reply"


def test_variables_may_be_text_and_what_the_caller_sets_goes_first(
    recorder: Recorder, client: OpenAI
) -> None:
    client.chat.completions.create(
        model="prompt:reply",
        messages=[],
        metadata={"variables": json.dumps({"question": "Where?"}), "ticket": "7"},
        temperature=1,
        max_tokens=5,
    )
    sent = recorder.last
    assert sent["messages"][-1]["content"] == "Question: Where?"
    assert (sent["temperature"], sent["max_tokens"], sent["metadata"]) == (1, 5, {"ticket": "7"})
    assert "max_completion_tokens" not in sent


def test_messages_have_the_prompt_in_their_own_form(recorder: Recorder, claude: Anthropic) -> None:
    raw = claude.messages.with_raw_response.create(
        model="prompt:claude-reply",
        max_tokens=10,
        system="And kind.",
        messages=[{"role": "user", "content": "In English."}],
        extra_body=with_variables(question="Where?"),
    )
    assert raw.headers["x-legato-versions"].startswith("prompt/claude-reply@")
    sent = recorder.last
    assert sent["system"] == [
        {"type": "text", "text": "You answer for Acme. Be brief."},
        {"type": "text", "text": "And kind."},
    ]
    assert sent["messages"] == [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Question: Where?"},
                {"type": "text", "text": "In English."},
            ],
        }
    ]
    assert (sent["max_tokens"], sent["temperature"]) == (10, 0.2)
    assert "metadata" not in sent


@pytest.mark.parametrize("model", ["prompt:reply", "prompt:claude-reply"])
def test_responses_follow_one_another_each_with_its_own_rendering(
    recorder: Recorder, client: OpenAI, model: str
) -> None:
    first = client.responses.create(
        model=model, instructions="And kind.", extra_body=with_variables(question="Where?")
    )
    client.responses.create(
        model=model,
        previous_response_id=first.id,
        input="Please.",
        extra_body=with_variables(question="When?"),
    )
    sent = json.dumps(recorder.last)
    assert "for Acme. Be brief." in sent
    assert "And kind." not in sent
    turns = json.dumps(recorder.last["messages"])
    places = [turns.index(text) for text in ("Where?", first.output_text, "When?", "Please.")]
    assert places == sorted(places)


def test_a_stream_says_which_prompt_it_is_of(recorder: Recorder, client: OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model="prompt:reply",
        messages=[],
        stream=True,
        extra_body=with_variables(question="Where?"),
    )
    assert raw.headers["x-legato-versions"].startswith("prompt/reply@")
    said = "".join(chunk.choices[0].delta.content or "" for chunk in raw.parse() if chunk.choices)
    assert said == f"answer {len(recorder.taken)}"
    assert recorder.last["stream"] is True


@pytest.mark.parametrize(
    ("model", "variables", "refusal"),
    [
        ("prompt:reply", {}, (400, "metadata.variables.question: is missing; send a string")),
        ("prompt:reply", {"question": 1}, (400, "metadata.variables.question: must be a string")),
        ("prompt:reply", {"question": "", "x": 1}, (400, "declared: company, question")),
        ("prompt:nothing", {}, (404, "this key can call: prompt:claude-reply, prompt:")),
        ("prompt:reply@staging", {}, (404, "it has: latest (version 1), production (version 1)")),
        ("prompt:reply@7", {}, (404, "no version '7'")),
        ("prompt:reply@00000000", {}, (404, "no version '00000000'")),
        ("prompt:reply@a b", {}, (400, "model: label:")),
        ("prompt:", {}, (404, "There is no prompt")),
    ],
)
def test_what_is_wrong_is_said_in_the_callers_dialect(
    clients: Clients, model: str, variables: dict[str, Any], refusal: tuple[int, str]
) -> None:
    status, told = refusal
    body = with_variables(**variables)
    with pytest.raises(openai.APIStatusError) as refused:
        clients.openai.chat.completions.create(model=model, messages=[], extra_body=body)
    assert refused.value.status_code == status
    assert told in refused.value.message
    with pytest.raises(anthropic.APIStatusError) as refused_too:
        clients.anthropic.messages.create(model=model, max_tokens=1, messages=[], extra_body=body)
    assert refused_too.value.status_code == status
    assert told in refused_too.value.message


def test_versions_are_named_by_label_number_and_digest(
    desk: PromptDesk, recorder: Recorder, client: OpenAI
) -> None:
    texts = {}
    for number, label in ((1, "old"), (2, "production")):
        spec = {"messages": [{"role": "user", "content": f"text {number}"}], "route": "chat"}
        texts[desk.save("named", spec, label)] = f"text {number}"
    old, new = texts
    assert within(SEEN_S, lambda: said(client, recorder, "prompt:named") == "text 2")
    time.sleep(SEEN_S)  # the other worker
    for model in ("prompt:named@old", "prompt:named@1", f"prompt:named@{old[:8]}"):
        assert said(client, recorder, model) == "text 1"
    for model in ("prompt:named@2", f"prompt:named@{new}"):
        assert said(client, recorder, model) == "text 2"


def said(client: OpenAI, recorder: Recorder, model: str) -> str | None:
    """What was sent for a prompt without variables; None where there is none yet."""
    try:
        client.chat.completions.create(model=model, messages=[])
    except openai.NotFoundError:
        return None
    content: str = recorder.last["messages"][-1]["content"]
    return content


def test_a_label_that_moves_is_seen_by_every_worker_in_time(
    legato: RunningLegato, desk: PromptDesk, recorder: Recorder
) -> None:
    digests = [
        desk.save("moving", {"messages": [{"role": "user", "content": text}], "route": "chat"})
        for text in "ab"
    ]

    def says(text: str) -> bool:
        """Over a connection of its own: the worker that has the others may be stopped."""
        found = legato.post("/v1/chat/completions", {"model": "prompt:moving", "messages": []})
        return found.status == 200 and recorder.last["messages"][-1]["content"] == text

    desk.move("moving", "production", digests[0])
    time.sleep(SEEN_S)
    for worker, text in ((0, "b"), (1, "a")):
        with legato.only_worker(worker):
            assert says("ab"[worker])
            desk.move("moving", "production", digests["ab".index(text)])
            moved_s = time.monotonic()
            assert within(SEEN_S, lambda wanted=text: says(wanted))
            assert time.monotonic() - moved_s <= SEEN_S
        time.sleep(SEEN_S)  # the worker that was stopped looks again


@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize(
    ("key", "model", "status"),
    [
        ("ONE", "prompt:reply", 200),
        ("ONE", "prompt:reply@latest", 200),
        ("ONE", "prompt:claude-reply", 403),
        ("ONE", "chat", 403),
        ("ALL", "prompt:claude-reply", 200),
        ("NONE", "prompt:reply", 403),
        ("STRANGE", "prompt:reply", 404),
    ],
)
def test_a_key_calls_the_prompts_it_is_allowed(
    legato: RunningLegato, key: str, model: str, status: int
) -> None:
    answer = legato.chat(model, key=KEYS[key], **with_variables(question="Where?"))
    assert answer.status == status, answer.body
    if status == 404:
        assert "can call: none" in answer.error["message"]


def test_answers_are_kept_for_the_same_rendering_only(
    desk: PromptDesk, client: OpenAI, recorder: Recorder
) -> None:
    desk.save("kept", REPLY | {"route": "cached"}, "production")
    time.sleep(SEEN_S)

    def ask(question: str) -> tuple[str, str]:
        raw = client.chat.completions.with_raw_response.create(
            model="prompt:kept", messages=[], extra_body=with_variables(question=question)
        )
        return raw.headers["x-legato-cache"], raw.headers["x-legato-versions"]

    cache, shown = ask("one")
    assert cache == "miss"
    assert within(SEEN_S, lambda: ask("one") == ("hit", shown))
    assert ask("two") == ("miss", shown)
    other = REPLY | {"route": "cached", "partials": {"tone": "Be long."}}
    desk.save("kept", other, "production")
    time.sleep(SEEN_S)
    cache, shown_now = ask("one")
    assert (cache, shown_now != shown) == ("miss", True)
    assert recorder.last["messages"][0]["content"].endswith("Be long.")


def test_schemas_and_parameters_find_their_place_or_are_refused(
    legato: RunningLegato, desk: PromptDesk, recorder: Recorder, clients: Clients
) -> None:
    client, claude = clients
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    content = REPLY | {"output_schema": schema, "parameters": {"seed": 3, "temperature": 1.5}}
    desk.save("formed", content, "production")
    desk.save("lenient", content | {"route": "lenient"}, "production")
    time.sleep(SEEN_S)
    body = with_variables(question="Where?")
    client.chat.completions.create(model="prompt:formed", messages=[], extra_body=body)
    wanted = {"type": "json_schema", "json_schema": {"name": "formed", "schema": schema}}
    assert (recorder.last["response_format"], recorder.last["seed"]) == (wanted, 3)
    with pytest.raises(anthropic.BadRequestError, match="this prompt sets seed"):
        claude.messages.create(model="prompt:formed", max_tokens=9, messages=[], extra_body=body)
    with pytest.raises(openai.BadRequestError, match="this prompt sets seed"):
        client.responses.create(model="prompt:formed", extra_body=body)
    claude.messages.create(model="prompt:lenient", max_tokens=9, messages=[], extra_body=body)
    sent = recorder.last
    assert sent["output_config"] == {"format": {"type": "json_schema", "schema": schema}}
    assert sent["temperature"] == 1
    assert "seed" not in sent
    answer = legato.post("/v1/embeddings", {"model": "prompt:reply", "input": "x"})
    assert (answer.status, answer.error["param"]) == (400, "model")
    assert "embeddings takes no prompts" in answer.error["message"]


def test_the_lines_of_a_batch_may_name_prompts(recorder: Recorder, client: OpenAI) -> None:
    lines = [
        {
            "custom_id": model,
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {"model": model, **with_variables(question="Of a batch?")},
        }
        for model in ("prompt:reply", "prompt:nothing")
    ]
    content = "\n".join(map(json.dumps, lines)).encode()
    file = client.files.create(file=("calls.jsonl", content), purpose="batch")
    batch = client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
    )
    ended = within(
        BATCH_S, lambda: (found := client.batches.retrieve(batch.id)).completed_at and found
    )
    assert (ended.request_counts.completed, ended.request_counts.failed) == (1, 1)
    assert recorder.last["messages"][1]["content"] == "Question: Of a batch?"


def test_a_route_that_is_not_there_is_named(legato: RunningLegato, desk: PromptDesk) -> None:
    spec = {"messages": [{"role": "user", "content": "x"}], "route": "gone"}
    desk.save("lost", spec, "production")
    found = within(SEEN_S, lambda: "gone" in (told := lost(legato)) and told)
    assert "is sent to 'gone', which this instance doesn't have" in found


def lost(legato: RunningLegato) -> str:
    answer = legato.post("/v1/chat/completions", {"model": "prompt:lost", "messages": []})
    assert answer.status == 404
    message: str = answer.error["message"]
    return message


def test_tokens_are_counted_with_the_prompt(
    recorder: Recorder, client: OpenAI, claude: Anthropic
) -> None:
    del recorder
    body = with_variables(question="Where is my order of last week?")
    long = client.responses.input_tokens.count(model="prompt:reply", extra_body=body)
    short = client.responses.input_tokens.count(
        model="prompt:reply", extra_body=with_variables(question="?")
    )
    assert long.input_tokens > short.input_tokens > 0
    counted = claude.messages.count_tokens(model="prompt:reply", messages=[], extra_body=body)
    assert counted.input_tokens > 0
