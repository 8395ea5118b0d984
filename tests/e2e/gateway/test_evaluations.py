"""Suites over versions and models: scored, gated, capped, cancelled, killed; paid to the nano."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from running import ADMIN, RunningLegato, within

from legato.core.money import amount

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONFIG = """\
config_version: 1
providers: [{name: pretend, kind: simulated, settings: {latency_ms: 25}}]
deployments:
  - {name: small, provider: pretend, model: simulated-small, price: {input_per_mtok: "0.15", output_per_mtok: "0.60"}}
  - {name: large, provider: pretend, model: simulated-large, price: {input_per_mtok: "5", output_per_mtok: "15"}}
  - {name: tiny, provider: pretend, model: simulated-small, capabilities: {context_tokens: 2}}
  - {name: embed, provider: pretend, model: simulated-embed, price: {input_per_mtok: "0.02"}}
routes: [{alias: chat, deployments: [small]}]
"""  # noqa: E501 - one deployment a line
CASES = 120
SUITE: dict[str, Any] = {
    "dataset": "capitals",
    "prompts": ["capital@candidate"],
    "models": ["small", "large"],
    "concurrency": 8,
    "scorers": [
        {"use": "regex", "name": "says", "pattern": "[a-z]", "fail_under": 0.9},
        {"use": "semantic", "model": "embed"},
    ],
}


@pytest.fixture(scope="module")
def legato(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    folder = tmp_path_factory.mktemp("evaluations")
    running = RunningLegato(folder, CONFIG)
    for text, label in (("What is {{a}}?", "production"), ("Name {{a}}.", "candidate")):
        spec = {
            "messages": [{"role": "user", "content": text}],
            "variables": {"a": {"type": "string"}},
            "parameters": {"max_tokens": 30},
            "route": "chat",
        }
        path = "/api/v1/registry/objects/prompt/capital/versions"
        saved = running.post(path, {"spec": spec, "labels": [label]}, ADMIN)
        assert saved.status == 201, saved.body
    lines = [{"input": {"variables": {"a": f"place {n}"}}, "expected": "x"} for n in range(CASES)]
    cases = folder / "cases.jsonl"
    cases.write_text("".join(json.dumps(line) + "\n" for line in [*lines, lines[0]]))
    told = running.command("datasets", "import", "capitals", str(cases), "--split", "test=0.2")
    assert f"{CASES} cases, 1 that came twice left out" in told
    yield running
    assert running.stop() == 0


def start(legato: RunningLegato, **changed: Any) -> dict[str, Any]:
    body = {"suite": {**SUITE, **changed.pop("suite", {})}, **changed}
    answer = legato.post("/api/v1/evaluations", body, ADMIN)
    assert answer.status == 201, answer.body
    found: dict[str, Any] = answer.json
    return found


def shown(legato: RunningLegato, run: dict[str, Any], part: str = "") -> dict[str, Any]:
    found: dict[str, Any] = legato.get(f"/api/v1/evaluations/{run['id']}{part}", ADMIN).json
    return found


def ended(legato: RunningLegato, run: dict[str, Any]) -> dict[str, Any]:
    assert within(40, lambda: shown(legato, run)["status"] not in {"waiting", "running"})
    return shown(legato, run)


def begun(legato: RunningLegato, run: dict[str, Any], answers: int) -> None:
    assert within(40, lambda: shown(legato, run)["done"] >= answers)


def entries(legato: RunningLegato, run: dict[str, Any]) -> list[dict[str, Any]]:
    statement = "SELECT request_id, cost FROM ledger_entry WHERE tags LIKE ?"
    return legato.query(statement, f'%"evaluation":"{run["id"]}"%')


def repeated(legato: RunningLegato, run: dict[str, Any]) -> int:
    """What calls cost that no recorded answer or score is of."""
    spent = sum(row["cost"] for row in entries(legato, run))
    return int(spent - amount(shown(legato, run)["cost_usd"]))


def evaluate(legato: RunningLegato, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "legato", "eval", *words, "--key", ADMIN]
    return subprocess.run(
        [*command, "--data", str(legato.data)],
        capture_output=True, text=True, env=legato.environment, timeout=90, check=False,
    )  # fmt: skip


def test_a_suite_is_run_paid_and_gated(legato: RunningLegato, tmp_path: Path) -> None:
    file, report = tmp_path / "suite.yaml", tmp_path / "report.xml"
    file.write_text(json.dumps(SUITE))
    words = ("run", str(file), "--against", "production", "--json", "--junit", str(report))
    done = evaluate(legato, *words)
    assert done.returncode == 0, done.stderr
    assert f"{CASES * 4} answers, about 0." in done.stderr
    found = json.loads(done.stdout)
    run, grid = found["evaluation"], found["grid"]
    assert (run["status"], run["done"], run["failed"]) == ("done", CASES * 4, 0)
    assert [one["baseline"] for one in run["subjects"]] == [2, 3, None, None]
    assert grid["cost_usd"] == grid["ledger"]["cost_usd"] == run["cost_usd"]
    assert grid["ledger"]["requests"] == CASES * 8  # an embedding each
    assert repeated(legato, run) == 0
    assert grid["cells"][0]["ratings"][0]["cases"] == CASES
    assert {one["outcome"] for one in found["verdicts"]} == {"proven"}
    assert 'tests="6" failures="0"' in report.read_text()
    page = shown(legato, run, "/answers?limit=3")
    assert [one["case"] for one in page["data"]] == [page["data"][0]["case"]] * 3
    assert page["data"][0]["text"]
    made_by = legato.query(
        "SELECT DISTINCT deployment, versions FROM ledger_entry WHERE versions <> ''"
    )
    assert len(made_by) == 4


def test_an_account_starts_one_by_the_key_that_it_names(legato: RunningLegato) -> None:
    wanted = {"org": "default", "kind": "service", "name": "nightly"}
    account = legato.post("/api/v1/accounts", wanted, ADMIN).json["account"]["id"]
    bound = {"subject_kind": "account", "subject_id": account, "role": "developer"}
    assert legato.post("/api/v1/role-bindings", {**bound, "org": "default"}, ADMIN).status == 201
    at = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
    wanted = {"name": "ci", "expires_at": at}
    token = legato.post(f"/api/v1/accounts/{account}/tokens", wanted, ADMIN).json["secret"]
    suite = {**SUITE, "split": "test", "scorers": SUITE["scorers"][:1]}
    refused = legato.post("/api/v1/evaluations", {"suite": suite}, token)
    assert (refused.status, refused.error["field"]) == (400, "key_id")
    keys = legato.get("/api/v1/keys", ADMIN).json["data"]
    (key_id,) = [one["id"] for one in keys if "gateway:models:call" in one["scopes"]][:1]
    started = legato.post("/api/v1/evaluations", {"suite": suite, "key_id": key_id}, token)
    assert started.status == 201, started.body
    run = ended(legato, started.json)
    assert (run["status"], run["failed"]) == ("done", 0)
    assert not run["author"].startswith("key:")
    statement = "SELECT DISTINCT key_id FROM ledger_entry WHERE tags LIKE ?"
    of_run = f'%"evaluation":"{run["id"]}"%'
    assert within(10, lambda: legato.query(statement, of_run) == [{"key_id": key_id}])


def test_what_is_not_proven_fails_unless_it_may_pass(legato: RunningLegato, tmp_path: Path) -> None:
    file = tmp_path / "suite.yaml"
    file.write_text(json.dumps({**SUITE, "split": "test", "scorers": SUITE["scorers"][:1]}))
    words = ("run", str(file), "--fail-under", "0.99", "--cost-max", "0.5")
    assert evaluate(legato, *words).returncode == 1
    assert evaluate(legato, *words, "--undecided", "pass").returncode == 0
    wrong = evaluate(legato, "run", str(file), "--against", "gone")
    assert (wrong.returncode, "gone" in wrong.stderr) == (2, True)


def test_a_kill_repeats_only_what_was_under_way(legato: RunningLegato) -> None:
    run = start(legato)
    begun(legato, run, 40)
    os.kill(legato.children()[-1], signal.SIGKILL)
    found = ended(legato, run)
    assert (found["status"], found["done"]) == ("done", CASES * 2)
    rows = legato.query(
        "SELECT DISTINCT case_number, subject FROM evaluation_answer WHERE evaluation_id = ?",
        run["id"],
    )
    assert len(rows) == CASES * 2
    assert within(10, lambda: len(entries(legato, run)) >= CASES * 4)
    assert len(entries(legato, run)) <= CASES * 4 + 2 * SUITE["concurrency"]
    assert repeated(legato, run) >= 0


def test_a_cancelled_one_goes_on_where_it_was(legato: RunningLegato) -> None:
    run = start(legato)
    begun(legato, run, 20)
    path = f"/api/v1/evaluations/{run['id']}"
    assert legato.post(f"{path}/cancel", b"", ADMIN).json["status"] == "cancelled"
    assert legato.post(f"{path}/resume", {}, ADMIN).json["round"] == 2
    assert legato.post(f"{path}/resume", {}, ADMIN).status == 409
    found = ended(legato, run)
    assert (found["status"], found["done"]) == ("done", CASES * 2)


def test_one_that_reaches_its_cap_ends_there(legato: RunningLegato) -> None:
    run = start(legato, cost_max_usd="0.02")
    found = ended(legato, run)
    assert found["status"] == "capped"
    assert 0.018 < float(found["cost_usd"]) <= 0.02
    path = f"/api/v1/evaluations/{run['id']}/resume"
    refused = legato.post(path, {}, ADMIN)
    assert (refused.status, refused.error["field"]) == (400, "cost_max_usd")
    assert legato.post(path, {"cost_max_usd": "1"}, ADMIN).status == 200
    assert ended(legato, run)["status"] == "done"


def test_a_key_whose_budget_is_spent_ends_its_run(legato: RunningLegato) -> None:
    (feature, *_) = legato.query("SELECT id FROM feature")
    body = {
        "feature_id": feature["id"],
        "permissions": ["evaluation:run:create", "evaluation:run:read"],
        "budget": {"usd": "0.02", "window": "total"},
    }
    key = legato.post("/api/v1/keys", body, ADMIN).json["secret"]
    assert within(3, lambda: legato.get("/v1/models", key).status == 200)
    run = legato.post("/api/v1/evaluations", {"suite": {**SUITE, "concurrency": 1}}, key).json
    found = ended(legato, run)
    assert (found["status"], found["failed"]) == ("failed", 0)
    assert found["told"] == "the gateway refuses its calls: budget_exceeded"
    assert 0 < found["done"] < CASES * 2


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"suite": {**SUITE, "dataset": "gone"}}, None),
        ({"suite": {**SUITE, "split": "dev"}}, "split"),
        ({"suite": {**SUITE, "scorers": [{"use": "?"}]}}, "scorers[0].use"),
        ({"suite": SUITE, "against": "candidate"}, "against"),
        ({"suite": SUITE, "cost_max_usd": "-1"}, "cost_max_usd"),
        ({"suite": "gone"}, None),
    ],
)
def test_what_cannot_run_is_refused_by_name(
    legato: RunningLegato, body: dict[str, Any], field: str | None
) -> None:
    answer = legato.post("/api/v1/evaluations", body, ADMIN)
    assert answer.status in {400, 404}
    if field is not None:
        assert answer.error["field"] == field


def test_a_failed_answer_says_why(legato: RunningLegato) -> None:
    suite = {**SUITE, "prompts": [], "models": ["tiny"], "split": "test"}
    suite["dataset"] = "asked"
    file = legato.data.parent / "asked.jsonl"
    file.write_text('{"input": "What is the capital of France, and why?", "split": "test"}\n')
    legato.command("datasets", "import", "asked", str(file))
    run = legato.post("/api/v1/evaluations", {"suite": suite}, ADMIN).json
    assert ended(legato, run)["failed"] == 1
    (answer,) = shown(legato, run, "/answers?amiss=true")["data"]
    assert answer["error"] == "invalid_request"
    assert "tiny" in answer["told"]
    stored = legato.query("SELECT * FROM evaluation_answer WHERE evaluation_id = ?", run["id"])
    assert answer["told"] not in repr(stored)  # it is sealed


def test_a_suite_may_be_kept_in_the_registry(legato: RunningLegato) -> None:
    path = "/api/v1/registry/objects/suite/capitals/versions"
    kept = {**SUITE, "split": "test", "scorers": SUITE["scorers"][:1]}
    assert legato.post(path, {"spec": kept, "labels": ["production"]}, ADMIN).status == 201
    run = legato.post("/api/v1/evaluations", {"suite": "capitals"}, ADMIN).json
    assert run["name"] == "capitals"
    assert ended(legato, run)["status"] == "done"


def test_a_version_whose_cases_are_elsewhere_cannot_be_run(legato: RunningLegato) -> None:
    spec = {"cases": 3, "cases_digest": "0" * 64, "characters": 9}
    path = "/api/v1/registry/objects/dataset/elsewhere/versions"
    assert legato.post(path, {"spec": spec, "labels": ["production"]}, ADMIN).status == 201
    body = {"suite": {**SUITE, "dataset": "elsewhere"}}
    answer = legato.post("/api/v1/evaluations", body, ADMIN)
    assert (answer.status, answer.error["field"]) == (404, "dataset")
    assert "import its file" in answer.error["message"]
