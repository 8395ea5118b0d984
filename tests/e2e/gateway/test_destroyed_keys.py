"""An organisation's data key destroyed: what it sealed is unreadable, and what comes is kept."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING

import pytest
from running import ADMIN, LEDGER_S, RunningLegato, within

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
providers: [{name: up, kind: simulated}]
deployments:
  - {name: small, provider: up, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
routes: [{alias: chat, deployments: [small], cache: {enabled: false}}]
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
capture: {rules: [{}]}
"""
V1 = "/api/v1"
SUITE = {"dataset": "few", "models": ["chat"], "scorers": [{"use": "exact"}]}
PROMPT = {"messages": [{"role": "user", "content": "Be brief."}], "route": "chat"}
GONE_S = 2.0


@pytest.fixture(scope="module")
def legato(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    running = RunningLegato(tmp_path_factory.mktemp("destroyed"), CONFIG, workers=2)
    yield running
    assert running.stop() == 0


def captured(legato: RunningLegato, request_id: str) -> None:
    statement = "SELECT count(*) AS n FROM capture WHERE request_id = ?"
    assert within(LEDGER_S, lambda: legato.query(statement, request_id)[0]["n"] == 1)


def test_what_was_sealed_is_gone_and_what_comes_is_kept(
    legato: RunningLegato, tmp_path: Path
) -> None:
    cases = tmp_path / "cases.jsonl"
    cases.write_text('{"input": "Hi"}\n')
    legato.command("datasets", "import", "few", str(cases))
    version = {"spec": PROMPT, "labels": ["production"]}
    path = f"{V1}/registry/objects/prompt/brief"
    assert legato.post(f"{path}/versions", version, ADMIN).status == 201
    assert within(5, lambda: legato.chat("prompt:brief", "x").status == 200)
    run = legato.post(f"{V1}/evaluations", {"suite": SUITE}, ADMIN).json["id"]
    shown = f"{V1}/evaluations/{run}"
    assert within(30, lambda: legato.get(shown, ADMIN).json["status"] == "done")
    kept = legato.post("/v1/responses", {"model": "chat", "input": "keep this"}).json["id"]
    asked = legato.chat("chat", "capture this").request_id
    captured(legato, asked)
    said = {"request_id": asked, "comment": "not for ever", "thumbs": "up"}
    assert legato.post("/v1/feedback", said).status == 200
    assert legato.get(f"/v1/responses/{kept}").status == 200
    wrapped = [row["wrapped"] for row in legato.query(
        "SELECT wrapped FROM data_key WHERE org = 'default'")]  # fmt: skip

    with pytest.raises(AssertionError, match="say --confirm default"):
        legato.command("vault", "destroy", "--org", "default")
    told = legato.command("vault", "destroy", "--org", "default", "--confirm", "default")
    assert "1 data keys of default are destroyed" in told
    assert within(
        GONE_S, lambda: {legato.get(f"/v1/responses/{kept}").status for _ in "12345678"} == {410}
    )
    assert legato.get(f"/v1/responses/{kept}").error["code"] == "erased"
    assert within(GONE_S, lambda: legato.get(shown, ADMIN).status == 410)
    assert legato.get(f"{V1}/evaluations", ADMIN).json["data"][0]["id"] == run
    assert legato.get(f"{path}/versions/1", ADMIN).status == 410
    (one,) = legato.get(f"{V1}/feedback", ADMIN).json["data"]
    assert (one["thumbs"], one["comment"], one["readable"]) == ("up", None, False)
    assert within(GONE_S, lambda: legato.chat("prompt:brief", "x").status == 503)
    assert legato.get(f"{V1}/evaluations", ADMIN).status == 200
    for file in legato.data.glob("legato.db*"):
        assert not [key for key in wrapped if key in file.read_bytes()], file

    after = legato.chat("chat", "a new word").request_id
    captured(legato, after)
    new = json.loads(legato.command("captures", "show", after))
    assert new["request"]["messages"][0]["content"] == "a new word"
    again = legato.post("/v1/responses", {"model": "chat", "input": "and this"}).json["id"]
    assert legato.get(f"/v1/responses/{again}").status == 200
    assert legato.post(f"{path}/versions", {**version, "spec": {**PROMPT, "parameters": {
        "max_tokens": 9}}}, ADMIN).status == 201  # fmt: skip
    assert within(5, lambda: legato.chat("prompt:brief", "x").status == 200)
    legato.command("ledger", "verify")
    with sqlite3.connect(legato.data / "legato.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
