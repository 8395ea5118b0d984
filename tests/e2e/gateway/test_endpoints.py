"""Every surface passes its pipeline: each endpoint that the running app lists is called, and what
its trace timed is compared with the stages listed for it."""

from __future__ import annotations

import json
import sys
import threading
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from running import CALLER, RunningLegato

from legato.core.records import Served
from legato.core.usage import Usage
from legato.telemetry.spans import spans_of

sys.path.append(str(Path(__file__).parents[2] / "wire_servers"))
from plain_server import Reply, Request, WireServer, as_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from running import Answer

ROOT = Path(__file__).parents[3]
ONE_AT_A_TIME, POOR = "lg-a-key-for-one-call-at-a-time", "lg-a-key-with-next-to-no-budget"
CONFIG = """\
config_version: 1
guardrails:
  policies:
    - name: watched
      rules: [{name: w, detect: {words: {w: [unsaid]}}, action: flag}]
      output: {length: {}}
access: {rules: [{name: no-shell, tools: {deny: [shell]}}]}
storage: {ledger_poll_s: 0.1}
retry: {attempts_max: 1}
providers:
  - {name: vendor, kind: openai_compatible, base_url: "UPSTREAM/v1"}
deployments:
  - name: all
    provider: vendor
    model: m
    price: {input_per_mtok: "1", output_per_mtok: "2"}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
  - {name: one, team: platform, feature: tests, secret: {env: ONE_KEY}, concurrency_max: 1}
  - {name: poor, team: other, feature: tests, secret: {env: POOR_KEY}, budget: {usd: "0.000001"}}
"""
# Whoever adds an endpoint that calls no model, or one that anyone may ask for, names it here.
OPEN = {("GET", one) for one in ("/", "/ui/", "/healthz", "/readyz", "/metrics")}
CALLING_NO_MODEL = {
    ("GET", "/v1/models"),
    ("GET", "/v1/responses/{id}"),
    ("DELETE", "/v1/responses/{id}"),
    ("GET", "/v1/responses/{id}/input_items"),
    ("POST", "/v1/feedback"),
}
SIGNED = {("POST", "/v1/hooks/{id}")}
"""They take a signature instead of a key."""
# These count against the limits of their key, and leave a trace under the name beside them.
ADMITTED = {
    ("POST", "/v1/files"): "files_create",
    ("GET", "/v1/files"): "files_list",
    ("GET", "/v1/files/{id}"): "files_show",
    ("DELETE", "/v1/files/{id}"): "files_delete",
    ("GET", "/v1/files/{id}/content"): "files_content",
    ("POST", "/v1/batches"): "batches_create",
    ("GET", "/v1/batches"): "batches_list",
    ("GET", "/v1/batches/{id}"): "batches_show",
    ("POST", "/v1/batches/{id}/cancel"): "batches_cancel",
    ("POST", "/v1/messages/batches"): "message_batches_create",
    ("GET", "/v1/messages/batches"): "message_batches_list",
    ("GET", "/v1/messages/batches/{id}"): "message_batches_show",
    ("POST", "/v1/messages/batches/{id}/cancel"): "message_batches_cancel",
    ("GET", "/v1/messages/batches/{id}/results"): "message_batches_results",
    ("DELETE", "/v1/messages/batches/{id}"): "message_batches_delete",
    ("POST", "/v1/workflows/{id}/runs"): "workflow_runs_create",
    ("GET", "/v1/workflows/runs/{id}"): "workflow_runs_show",
    ("POST", "/v1/events"): "workflow_events",
}
FREE = {"/v1/messages/count_tokens", "/v1/responses/input_tokens"}
"""Costs nothing, so nothing is reserved."""
STREAMED = {"/v1/audio/speech"}
"""Goes out as it comes: within the call."""
FORMS = {"/v1/images/edits", "/v1/audio/transcriptions", "/v1/audio/translations"}
SERVED = Served(
    "0" * 31 + "1", 0, "o", "t", "f", "k", "messages", "chat", "d", "p", "m", 1, 200, "", False,
    "miss", 5, 10, 5, 5, (("call", 4),), "1" * 32, "2" * 16, True, Usage(in_uncached=1),
)  # fmt: skip
HELD = "hold this one"
# Valid at every surface: what one of them doesn't know passes through it.
BODY: dict[str, Any] = {
    "model": "all",
    "messages": [{"role": "user", "content": "hi"}],
    "max_tokens": 9,
    "input": "hi",
    "prompt": "hi",
    "voice": "alloy",
    "query": "hi",
    "documents": ["hi"],
}
# These are translated for the vendor, and refuse what they can't carry.
TRANSLATED = {
    "/v1/messages": ("model", "messages", "max_tokens"),
    "/v1/responses": ("model", "input"),
}


class Vendor(WireServer):
    """Answers everything alike; a prompt of HELD waits until `go_on` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.held, self.go_on = threading.Event(), threading.Event()

    def answer(self, request: Request) -> Reply:
        if HELD.encode() in request.body:
            self.held.set()
            assert self.go_on.wait(60)
        if request.path.endswith("/speech"):
            return Reply(200, {"content-type": "audio/mpeg"}, b"sound")
        message = {"role": "assistant", "content": "hello"}
        choice = {"index": 0, "message": message, "text": "hello", "finish_reason": "stop"}
        return as_json(
            200,
            {
                "id": "x",
                "object": "chat.completion",
                "created": 1,
                "model": "m",
                "choices": [choice],
                "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}],
                "results": [{"index": 0, "relevance_score": 0.5}],
                "text": "hello",
                "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
            },
        )


@pytest.fixture(scope="module")
def vendor() -> Iterator[Vendor]:
    with Vendor() as server:
        yield server


@pytest.fixture(scope="module")
def legato(vendor: Vendor, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    running = RunningLegato(
        tmp_path_factory.mktemp("endpoints"),
        CONFIG.replace("UPSTREAM", vendor.url),
        variables={"ONE_KEY": ONE_AT_A_TIME, "POOR_KEY": POOR},
    )
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.log.read_text()


@pytest.fixture(scope="module")
def endpoints(legato: RunningLegato) -> list[dict[str, Any]]:
    """What the running app says that it serves."""
    listed: list[dict[str, Any]] = json.loads(legato.command("endpoints", "--json"))
    return listed


@pytest.fixture(scope="module")
def calls(endpoints: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All that isn't named above: what must pass a pipeline."""
    named = OPEN | SIGNED | CALLING_NO_MODEL | ADMITTED.keys()
    return [one for one in endpoints if (one["method"], one["path"]) not in named]


def call(legato: RunningLegato, path: str, key: str = CALLER, cached: str = "no-cache") -> Answer:
    if path not in FORMS:
        body = {name: BODY[name] for name in TRANSLATED.get(path, BODY)}
        return legato.post(path, body, key, {"cache-control": cached})
    parts = {'"model"': "all", '"prompt"': "hi", '"image"; filename="a.png"': "pixels"}
    if "audio" in path:
        parts = {'"model"': "all", '"file"; filename="a.mp3"': "sound"}
    form = "".join(
        f"--b\r\ncontent-disposition: form-data; name={name}\r\n\r\n{value}\r\n"
        for name, value in parts.items()
    )
    headers = {"content-type": "multipart/form-data; boundary=b"}
    return legato.post(path, (form + "--b--\r\n").encode(), key, headers)


def timed(legato: RunningLegato, answer: Answer) -> list[str]:
    """The stages in a request's trace; the trace itself shows that it was recorded."""
    return [name for name, _ in legato.trace(answer.request_id)["stages"]] + ["record"]


def without(stages: list[str], *left_out: str) -> list[str]:
    return [name for name in stages if name not in left_out]


def test_what_calls_no_model_is_what_is_named_here(endpoints: list[dict[str, Any]]) -> None:
    by_stages: dict[tuple[str, ...], set[tuple[str, str]]] = {}
    for one in endpoints:
        if not one["surface"]:
            pair = (one["method"], one["path"])
            by_stages.setdefault(tuple(one["stages"]), set()).add(pair)
    assert by_stages == {
        ("answer",): OPEN,
        ("verify", "answer"): SIGNED,
        ("authenticate", "answer"): CALLING_NO_MODEL,
        ("authenticate", "admit", "answer", "record"): set(ADMITTED),
    }


def test_every_other_endpoint_lists_what_no_call_may_go_without(
    calls: list[dict[str, Any]],
) -> None:
    assert "/v1/chat/completions" in {one["path"] for one in calls}
    for one in calls:
        needed = ["authenticate", "admit", "resolve", "reserve", "call", "record"]
        needed = without(needed, "reserve") if one["path"] in FREE else needed
        assert [name for name in one["stages"] if name in needed] == needed, one


def test_case_27_no_endpoint_answers_without_a_key(
    legato: RunningLegato, endpoints: list[dict[str, Any]]
) -> None:
    headers = {"content-type": "application/json"}
    behind = [(one["method"], one["path"]) for one in endpoints]
    asked = [one for one in behind if one not in OPEN]
    assert len(asked) > 20
    for method, path in asked:
        address = path.replace("{id}", "x")
        for key in ({}, {"authorization": "Bearer lg-nobody"}):
            answer = legato.send(method, address, b"{}", headers | key)
            assert answer.status == 401, (method, path, key)


def test_every_call_runs_the_stages_listed_for_it(
    legato: RunningLegato, calls: list[dict[str, Any]]
) -> None:
    for one in calls:
        answer = call(legato, one["path"])
        assert answer.status == 200, (one, answer.body)
        listed = without(one["stages"], "send") if one["path"] in STREAMED else one["stages"]
        assert timed(legato, answer) == listed, one
        assert legato.trace(answer.request_id)["surface"] == one["surface"]
        entered = legato.query("SELECT * FROM ledger_entry WHERE request_id = ?", answer.request_id)
        assert len(entered) == (one["path"] not in FREE), one


def visit(legato: RunningLegato, method: str, path: str, key: str = CALLER) -> Answer:
    """Ask an admitted page for something that isn't there, or send it what it can't take."""
    named = path.replace("{id}", "x")
    return legato.send(method, named, b"{}", {"authorization": f"Bearer {key}"})


def test_every_admitted_page_leaves_a_trace(legato: RunningLegato) -> None:
    for (method, path), name in ADMITTED.items():
        answer = visit(legato, method, path)
        listed = ["authenticate", "admit", "answer", "record"]
        if answer.status != 200:
            assert answer.status in {400, 403, 404}, (path, answer)
            listed.remove("answer")  # what failed has no end
        assert timed(legato, answer) == listed, path
        trace = legato.trace(answer.request_id)
        assert (trace["surface"], trace["http_status"]) == (name, answer.status)


def test_the_span_of_a_page_names_it_and_no_model() -> None:
    for (method, path), name in ADMITTED.items():
        server = spans_of(msgspec.structs.replace(SERVED, surface=name))[0]
        assert server.name == f"{method} {path}"
        assert server.attributes["http.request.method"] == method
        assert not [one for one in server.attributes if one.startswith("gen_ai.operation")]


def test_its_span_names_the_endpoint(calls: list[dict[str, Any]]) -> None:
    paths: dict[str, list[str]] = {}
    for one in calls:
        paths.setdefault(one["surface"], []).append(one["path"])
    for surface, served_at in paths.items():
        record = msgspec.structs.replace(SERVED, surface=surface)
        server = spans_of(record)[0]
        if len(served_at) == 1:
            assert server.attributes.get("http.route") == served_at[0], surface
            assert server.name == f"POST {served_at[0]}"
        else:  # a record doesn't tell which of them it was
            assert (server.name, "http.route" in server.attributes) == ("POST", False), surface


def test_an_answer_from_the_cache_skips_the_provider(
    legato: RunningLegato, calls: list[dict[str, Any]]
) -> None:
    for one in calls:
        if "lookup_cache" in one["stages"]:
            call(legato, one["path"])
            again = call(legato, one["path"], cached="max-age=60")
            assert again.headers["x-legato-cache"] == "hit", one
            skipped = ("route", "reserve", "call", "store_cache")
            assert timed(legato, again) == without(one["stages"], *skipped), one


def test_each_attempt_has_its_own_hold(legato: RunningLegato, tmp_path: Path) -> None:
    body = BODY | {"messages": [{"role": "user", "content": "twice"}]}
    config = CONFIG.replace("UPSTREAM", "http://127.0.0.1:9").replace(
        "attempts_max: 1", "attempts_max: 2, backoff_base_s: 0.001"
    )
    other = RunningLegato(tmp_path, config, variables={"ONE_KEY": ONE_AT_A_TIME, "POOR_KEY": POOR})
    try:
        answer = other.post("/v1/chat/completions", body)
        assert answer.status == 503
        names = timed(other, answer)
        assert names[names.index("route") :] == ["route", "reserve", "call", "reserve", "record"]
    finally:
        assert other.stop() == 0


def test_every_call_is_admitted(
    legato: RunningLegato, vendor: Vendor, calls: list[dict[str, Any]]
) -> None:
    holding = threading.Thread(
        target=legato.chat, args=("all", HELD), kwargs={"key": ONE_AT_A_TIME}
    )
    holding.start()
    try:
        assert vendor.held.wait(30)
        for one in calls:
            answer = call(legato, one["path"], ONE_AT_A_TIME)
            assert answer.status == 429, (one, answer.body)
            assert timed(legato, answer) == ["authenticate", "read", "record"], one
        for method, path in ADMITTED:
            answer = visit(legato, method, path, ONE_AT_A_TIME)
            assert answer.status == 429, path
            anthropics = path.startswith("/v1/messages/")
            told = answer.error["type"] if anthropics else answer.error["code"]
            assert told == ("rate_limit_error" if anthropics else "rate_limit_exceeded"), path
            assert timed(legato, answer) == ["authenticate", "record"], path
    finally:
        vendor.go_on.set()
        holding.join(30)


def test_every_call_that_costs_is_held_to_the_budget(
    legato: RunningLegato, vendor: Vendor, calls: list[dict[str, Any]]
) -> None:
    for one in calls:
        if one["path"] in FREE:
            continue
        before = len(vendor.taken)
        answer = call(legato, one["path"], POOR)
        assert answer.status == 429, (one, answer.body)
        assert "Budget" in answer.error["message"]
        assert len(vendor.taken) == before, one
        assert "reserve" not in timed(legato, answer), one


def test_the_page_lists_what_is_served(endpoints: list[dict[str, Any]]) -> None:
    script = ROOT / "docs" / "endpoints_reference.py"
    spec = spec_from_file_location("endpoints_reference", script)
    assert spec is not None
    assert spec.loader is not None
    reference = module_from_spec(spec)
    spec.loader.exec_module(reference)
    assert reference.PAGE.read_text() == reference.page(endpoints), (
        "run: legato endpoints --json | python docs/endpoints_reference.py"
    )
