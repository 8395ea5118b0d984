"""What workflows ask people: over the control API and at a terminal, one inbox."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from running import ADMIN, RunningLegato, within

from legato.app.checks.instance import find_instance
from legato.app.desks.stored_data import stored_data
from legato.core.clock import SystemClock
from legato.core.ids import IdSource
from legato.flow.definition import Assignees
from legato.flow.rulings import Question
from legato.storage.database.engine import open_engine, writing
from legato.workflows.nodes.contract import RunFacts
from legato.workflows.people.tasks import Terms

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """\
config_version: 1
providers: [{name: up, kind: simulated}]
deployments:
  - {name: small, provider: up, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
"""
TASKS = "/api/v1/tasks"
SECRET = "Refund 40 euros to Erika Mustermann"


@pytest.fixture(scope="module")
def legato(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    running = RunningLegato(tmp_path_factory.mktemp("tasks"), CONFIG)
    yield running
    assert running.stop() == 0


def key(legato: RunningLegato, name: str, *permissions: str, team: str = "t") -> str:
    options = [part for one in permissions for part in ("--permission", one)]
    made = legato.command(
        "keys", "create", "--json", "--team", team, "--feature", "f", "--name", name, *options
    )
    secret: str = json.loads(made)["secret"]
    assert within(3, lambda: legato.get("/api/v1/me", secret).status == 200)
    return secret


def ask(legato: RunningLegato, terms: Terms | None = None, **question: Any) -> str:
    """Ask as a run does, beside the program."""
    instance = find_instance(legato.data, legato.config)
    run = RunFacts(
        id=IdSource(SystemClock()).new(), org="default", team="t", feature="f",
        workflow="refund", digest="d", key_id="k",
    )  # fmt: skip
    wanted = Question(**{"ask": "approve", "subject": SECRET} | question)
    engine = open_engine(instance.database_url)
    with stored_data(instance) as stored:
        tasks = stored.tasks(instance, "default")
        task = tasks.prepared(run, "ok", wanted, terms or Terms())
        with writing(engine) as connection:
            return tasks.store.add(connection, task)


def test_an_inbox_is_read_counted_and_answered(legato: RunningLegato) -> None:
    task_id = ask(legato, body="Policy allows 50.")
    mine = legato.get(f"{TASKS}?mine=true&state=open", ADMIN).json["data"]
    assert [one["subject"] for one in mine if one["id"] == task_id] == [SECRET]
    before = legato.get(f"{TASKS}/counts", ADMIN).json["counts"]
    shown = legato.get(f"{TASKS}/{task_id}", ADMIN).json
    assert shown["question"]["body"] == "Policy allows 50."
    assert shown["may_decide"]
    said = legato.post(f"{TASKS}/{task_id}/comment", {"comment": "looks right"}, ADMIN)
    assert [one["comment"] for one in said.json["events"]] == ["looks right"]
    wish = {"verdict": "approve", "comment": "ok"}
    headers = {"idempotency-key": "decide-1"}
    for _ in range(2):
        decided = legato.post(f"{TASKS}/{task_id}/decide", wish, ADMIN, headers)
        assert (decided.status, decided.json["state"]) == (200, "decided"), decided.body
    again = legato.post(f"{TASKS}/{task_id}/decide", wish, ADMIN)
    assert again.status == 409
    after = legato.get(f"{TASKS}/counts", ADMIN).json["counts"]
    assert after["decided"] == before["decided"] + 1
    events = legato.get("/api/v1/audit/events?action=task.decide", ADMIN).json["data"]
    assert SECRET not in json.dumps(events)


def test_content_is_masked_for_those_who_are_not_asked(legato: RunningLegato) -> None:
    task_id = ask(legato, Terms(assignees=Assignees(accounts=("decider",))))
    reader = key(legato, "reader", "workflow:task:read")
    decider = key(legato, "decider", "workflow:task:read", "workflow:task:decide")
    shown = legato.get(f"{TASKS}/{task_id}", reader)
    assert shown.status == 200
    assert shown.json["question"] == "[masked]"
    assert SECRET not in shown.body.decode()
    assert SECRET not in legato.get(TASKS, reader).body.decode()
    assert legato.get(f"{TASKS}/{task_id}", decider).json["question"]["subject"] == SECRET
    refused = legato.post(f"{TASKS}/{task_id}/decide", {"verdict": "approve"}, reader)
    assert refused.status == 403
    other = key(legato, "other", "workflow:task:decide")
    assert legato.post(f"{TASKS}/{task_id}/decide", {"verdict": "approve"}, other).status == 403
    assert legato.post(f"{TASKS}/{task_id}/delegate", {"to": "other"}, decider).status == 200
    assert legato.post(f"{TASKS}/{task_id}/decide", {"verdict": "reject"}, other).status == 200


def test_a_form_is_checked_and_the_terminal_fills_it_in(legato: RunningLegato) -> None:
    form = {"type": "object", "properties": {"iban": {"type": "string", "minLength": 15}},
            "required": ["iban"]}  # fmt: skip
    task_id = ask(legato, ask="form", form=form)
    wrong = legato.post(
        f"{TASKS}/{task_id}/decide", {"verdict": "fill", "data": {"iban": "x"}}, ADMIN
    )
    assert wrong.status == 400
    assert "data.iban" in wrong.body.decode()
    content = json.dumps({"iban": "DE02120300000000202051"})
    told = legato.command("tasks", "edit", task_id, "--content", content, "--comment", "by phone")
    assert "is decided: done" in told
    shown = json.loads(legato.command("tasks", "show", task_id, "--json"))
    assert shown["said"][0]["data"] == json.loads(content)
    assert shown["said"][0]["via"] == "cli"


def test_four_eyes_at_a_terminal(legato: RunningLegato) -> None:
    task_id = ask(legato, Terms(approvals_needed=2))
    first = legato.command("tasks", "approve", task_id, "--author", "ann")
    assert "stays open: 1 of 2" in first
    assert task_id in legato.command("tasks", "list")
    assert "stays open: 1 of 2" in legato.command("tasks", "approve", task_id, "--author", "ann")
    assert "is decided: approved" in legato.command("tasks", "approve", task_id, "--author", "ben")
    assert task_id not in legato.command("tasks", "list")
