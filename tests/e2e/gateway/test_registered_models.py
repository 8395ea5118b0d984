"""Deployments and routes of the registry, called while they are saved, moved and taken back."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from running import ADMIN, RunningLegato, within

if TYPE_CHECKING:
    from collections.abc import Iterator

WORKERS = 2
CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
providers: [{name: up, kind: simulated}]
deployments:
  - {name: small, provider: up, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
routes:
  - {alias: chat, deployments: [small]}
registry: {approvals: [{environment: production, kinds: [route], labels: [guarded]}]}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""
SEEN_S = 2.0
OBJECTS = "/api/v1/registry/objects"
PRICE = {"input_per_mtok": "1", "output_per_mtok": "2"}


@pytest.fixture(scope="module")
def legato(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    running = RunningLegato(tmp_path_factory.mktemp("models"), CONFIG, workers=WORKERS)
    yield running
    assert running.stop() == 0


def save(legato: RunningLegato, kind: str, name: str, *labels: str, **spec: Any) -> str:
    """Save a version; return how answers name it."""
    body = {"spec": spec, "labels": labels or ["production"], "reason": "test"}
    answer = legato.post(f"{OBJECTS}/{kind}/{name}/versions", body, ADMIN)
    assert answer.status == 201, answer.body
    return f"{kind}/{name}@{answer.json['version']['digest'][:12]}"


def refused(legato: RunningLegato, kind: str, name: str, **spec: Any) -> tuple[int, str]:
    body = {"spec": spec, "labels": ["production"]}
    answer = legato.post(f"{OBJECTS}/{kind}/{name}/versions", body, ADMIN)
    return answer.status, answer.error["message"]


def versions(legato: RunningLegato, model: str, **fields: Any) -> str:
    return legato.chat(model, **fields).headers.get("x-legato-versions", "")


def on_each_worker(legato: RunningLegato, model: str, expected: str) -> None:
    for index in range(WORKERS):
        with legato.only_worker(index):
            assert within(SEEN_S, lambda: versions(legato, model) == expected)


def test_what_is_saved_is_called_on_every_worker_and_named(legato: RunningLegato) -> None:
    fast = save(legato, "deployment", "fast", provider="up", model="m1", price=PRICE)
    support = save(legato, "route", "support", deployments=["fast", "small"])
    on_each_worker(legato, "support", f"{support}, {fast}")
    answer = legato.chat("support", "who made this?")
    (entry,) = legato.entries(answer.request_id)
    assert entry["versions"] == f"{support}, {fast}"
    assert (entry["route"], entry["deployment"], entry["model"]) == ("support", "fast", "m1")
    assert entry["cost"] > 0
    assert legato.trace(answer.request_id)["versions"] == f"{support}, {fast}"
    assert versions(legato, "fast") == fast
    assert versions(legato, "support", stream=True) == f"{support}, {fast}"
    assert versions(legato, "chat") == ""
    listed = {one["id"] for one in legato.get("/v1/models").json["data"]}
    assert {"fast", "support", "small", "chat"} <= listed


def test_a_label_moves_and_goes_back(legato: RunningLegato) -> None:
    first = save(legato, "deployment", "moved", provider="up", model="m1", price=PRICE)
    second = save(legato, "deployment", "moved", provider="up", model="m2", price=PRICE)
    on_each_worker(legato, "moved", second)
    back = legato.post(f"{OBJECTS}/deployment/moved/rollback", {"label": "production"}, ADMIN)
    assert back.status == 200, back.body
    on_each_worker(legato, "moved", first)


def test_a_prompt_is_sent_to_a_route_of_the_registry(legato: RunningLegato) -> None:
    deployment = save(legato, "deployment", "behind", provider="up", model="m1", price=PRICE)
    route = save(legato, "route", "ahead", deployments=["behind"])
    messages = [{"role": "user", "content": "hi"}]
    prompt = save(legato, "prompt", "hello", messages=messages, route="ahead")
    expected = f"{prompt}, {route}, {deployment}"
    body = {"model": "prompt:hello", "messages": []}

    def made_by() -> str:
        headers = legato.post("/v1/chat/completions", body).headers
        return headers.get("x-legato-versions", "")

    assert within(SEEN_S, lambda: made_by() == expected), made_by()
    named = legato.command("where-used", "deployment:behind", "--json")
    assert route in named
    assert prompt in named


def test_what_cannot_be_served_is_refused_by_its_field(legato: RunningLegato) -> None:
    status, told = refused(legato, "deployment", "bad", provider="nowhere", model="m")
    assert status == 400
    assert told.startswith("provider: no provider `nowhere`")
    status, told = refused(legato, "deployment", "bad", provider="up", model="m", prise={})
    assert (status, "prise: is unknown; did you mean `price`?" in told) == (400, True)
    status, told = refused(legato, "route", "bad", deployments=["small", "gone"])
    assert told.startswith("deployments[1]: no deployment `gone`")
    status, told = refused(legato, "route", "bad", deployments=["small"], baseline="gone")
    assert told.startswith("baseline: no deployment `gone`")
    status, told = refused(
        legato, "route", "bad", deployments=["small"], require={"regions": ["eu"]}
    )
    assert told.startswith("require: no deployment of `bad` is known to fulfil")
    status, told = refused(legato, "deployment", "small", provider="up", model="m")
    assert told.startswith("name: `small` is declared in legato.yaml")
    status, told = refused(legato, "route", "small", deployments=["small"])
    assert told.startswith("name: `small` is declared in legato.yaml")


def test_what_others_need_is_not_taken_away(legato: RunningLegato) -> None:
    save(legato, "deployment", "needed", provider="up", model="m1", price=PRICE)
    save(legato, "route", "needing", deployments=["needed"])
    labels = f"{OBJECTS}/deployment/needed/labels"
    away = legato.post(labels, {"label": "production", "version": None}, ADMIN)
    assert away.status == 409
    assert "route/needing: deployments[0]" in away.error["message"]
    route = legato.post(
        f"{OBJECTS}/route/needing/labels", {"label": "production", "version": None}, ADMIN
    )
    assert route.status == 200, route.body
    away = legato.post(labels, {"label": "production", "version": None}, ADMIN)
    assert away.status == 200, away.body
    assert within(SEEN_S, lambda: legato.chat("needing").status == 404)
    assert within(SEEN_S, lambda: legato.chat("needed").status == 404)


def test_only_who_may_change_the_instance_changes_it(legato: RunningLegato) -> None:
    made = legato.command(
        "keys", "create", "--json", "--team", "t", "--feature", "f", "--org-admin"
    )
    secret = legato_secret(made)
    body = {"spec": {"provider": "up", "model": "m"}, "labels": ["production"]}
    path = f"{OBJECTS}/deployment/theirs"
    assert within(3, lambda: legato.get("/api/v1/me", secret).status == 200)
    answer = legato.post(f"{path}/versions", body, secret)
    assert (answer.status, "registry:instance:update" in answer.error["message"]) == (403, True)
    assert legato.get(path, secret).status == 403
    assert legato.get("/api/v1/registry/objects?org=", secret).status == 403
    listed = legato.get("/api/v1/registry/objects?org=", ADMIN).json["data"]
    assert {one["kind"] for one in listed} == {"deployment", "route"}


def legato_secret(printed: str) -> str:
    secret: str = json.loads(printed)["secret"]
    return secret


def test_an_unpriced_deployment_is_counted_never_free(legato: RunningLegato) -> None:
    made = save(legato, "deployment", "unpriced", provider="up", model="nobody-knows-this")
    on_each_worker(legato, "unpriced", made)
    (entry,) = legato.entries(legato.chat("unpriced", "again").request_id)
    assert entry["cost"] is None
    shown = legato.get("/api/v1/deployments", ADMIN).json["data"]
    assert [one["priced"] for one in shown if one["name"] == "unpriced"] == [False]


def test_a_killed_worker_comes_back_with_them(legato: RunningLegato) -> None:
    kept = save(legato, "deployment", "kept", provider="up", model="m1", price=PRICE)
    on_each_worker(legato, "kept", kept)
    before = legato.children()
    os.kill(before[1], signal.SIGKILL)
    assert within(5, lambda: len(set(legato.children()) - set(before)) == 1)
    fresh = (set(legato.children()) - set(before)).pop()
    others = [pid for pid in before[2 : WORKERS + 1] if Path(f"/proc/{pid}").exists()]
    try:
        for pid in others:
            os.kill(pid, signal.SIGSTOP)
        assert within(SEEN_S, lambda: versions(legato, "kept") == kept)
    finally:
        for pid in others:
            os.kill(pid, signal.SIGCONT)
    assert fresh in legato.children()


def test_a_directory_of_everything_is_applied_at_once(
    legato: RunningLegato, tmp_path: Path
) -> None:
    texts = {
        "deployments/near.yaml": "kind: deployment\nname: near\nspec: {provider: up, model: m1}\n",
        "routes/help.yaml": "kind: route\nname: help\nspec: {deployments: [near]}\n",
        "prompts/hi.yaml": (
            "kind: prompt\nname: hi\nspec: {messages: [{role: user, content: hi}], route: help}\n"
        ),
    }
    for place, text in texts.items():
        file = tmp_path / "from" / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    where = ("--environment", "elsewhere")
    applied = legato.command("apply", "-f", str(tmp_path / "from"), "--yes", *where)
    assert "+ route/help@production" in applied
    legato.command("export", "-o", str(tmp_path / "to"), *where)
    again = legato.command("diff", "-f", str(tmp_path / "to"), "--exit-code", *where)
    assert "is as the directory says" in again
    assert {str(one.relative_to(tmp_path / "to")) for one in (tmp_path / "to").rglob("*.yaml")} == {
        "deployments/near.yaml",
        "routes/help.yaml",
        "prompts/hi.yaml",
    }


def test_a_file_does_not_declare_what_is_live(tmp_path: Path) -> None:
    document = tmp_path / "document.yaml"
    document.write_text("kind: deployment\nname: twice\nspec: {provider: up, model: m}\n")
    running = RunningLegato(tmp_path, CONFIG)
    running.command("registry", "save", str(document))
    listed = running.command("models")
    assert "twice" in listed
    assert "twice" in running.command("prices", "list")
    assert running.stop() == 0
    running.config.write_text(CONFIG.replace("name: small", "name: twice", 1))
    running.config.write_text(running.config.read_text().replace("[small]", "[twice]"))
    with pytest.raises(AssertionError) as refused:
        running.start()
    assert "declares what is live in the registry: deployment/twice" in str(refused.value)
    away = ("registry", "label", "--remove", "deployment:twice@production", "production")
    running.command(*away, "--reason", "the file has it")
    running.start()
    assert within(3, lambda: running.chat("chat").status == 200)
    assert running.stop() == 0


def test_a_move_that_a_rule_fits_waits_for_another(legato: RunningLegato) -> None:
    save(legato, "route", "watched", "staging", deployments=["small"])
    body = {"label": "guarded", "version": "1"}
    asked = legato.post(f"{OBJECTS}/route/watched/labels", body, ADMIN).json["move"]
    assert asked["state"] == "pending"
    said = legato.command("registry", "approve", asked["id"], "--author", "bob")
    assert "+ route/watched@guarded" in said
