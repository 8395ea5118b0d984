"""From captured traffic to a data set, and from there to a training file, by the commands."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from running import CHAT, LEDGER_S, within

if TYPE_CHECKING:
    from pathlib import Path

    from running import Answer, RunningLegato

    from legato.providers.simulated.child import SimulatedChild

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
providers:
  - {name: open, kind: openai_compatible, base_url: "UPSTREAM/v1"}
deployments:
  - {name: small, provider: open, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
  - {name: premium, provider: open, model: l, price: {input_per_mtok: "1", output_per_mtok: "2"}}
routes:
  - {alias: chat, deployments: [premium], cache: {enabled: false}}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
capture: {rules: [{features: [tests]}]}
"""


def run(legato: RunningLegato, *words: object, status: int = 0) -> tuple[str, str]:
    place = ("--config", legato.config, "--data", legato.data)
    done = subprocess.run(
        [sys.executable, "-m", "legato", "datasets", *map(str, (*words, *place))],
        env=legato.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == status, done.stderr
    return done.stdout, done.stderr


def ask(legato: RunningLegato, surface: str, text: str, *, stream: bool = False) -> Answer:
    said = {"role": "user", "content": text}
    bodies: dict[str, dict[str, Any]] = {
        CHAT: {"model": "chat", "messages": [said]},
        "/v1/messages": {"model": "chat", "max_tokens": 50, "messages": [said], "system": "Brief."},
        "/v1/responses": {"model": "chat", "input": text, "store": False},
    }
    answer = legato.post(surface, bodies[surface] | {"stream": stream})
    assert answer.status == 200
    return answer


def judge(legato: RunningLegato, answer: Answer, **said: Any) -> None:
    told = legato.post("/v1/feedback", {"request_id": answer.request_id, **said})
    assert told.status == 200


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_answers_that_people_liked_become_a_training_file(
    legato: RunningLegato, upstream: SimulatedChild, tmp_path: Path
) -> None:
    surfaces = (CHAT, "/v1/messages", "/v1/responses")
    liked = [ask(legato, one, f"whole {one}") for one in surfaces]
    liked += [ask(legato, one, f"in pieces {one}", stream=True) for one in surfaces]
    for answer in liked:
        judge(legato, answer, thumbs="up")
    corrected = ask(legato, CHAT, "mend this")
    judge(legato, corrected, outcome="rework", correction="Mended.")
    disliked = ask(legato, CHAT, "not this one")
    judge(legato, disliked, thumbs="up", user="ann")
    judge(legato, disliked, thumbs="down", user="bob")
    ask(legato, CHAT, "nobody said anything")
    elsewhere = legato.post(
        CHAT, {"model": "small", "messages": [{"role": "user", "content": "x"}]}
    )
    assert elsewhere.status == 200
    assert within(LEDGER_S, lambda: legato.query("SELECT count(*) AS n FROM capture")[0]["n"] == 10)

    out, err = run(
        legato, "collect", "replies", "--deployment", "premium", "--thumbs-up", "--corrections",
        "--reason", "why",
    )  # fmt: skip
    assert "is version 1: 7 cases" in out
    assert err.strip() == "2 left out: nobody was content with it"
    exported, trained = tmp_path / "cases.jsonl", tmp_path / "train.jsonl"
    run(legato, "export", "replies", "-o", exported)
    cases = {one["id"]: one for one in lines(exported)}
    assert set(cases) == {one.request_id for one in (*liked, corrected)}
    assert cases[corrected.request_id]["expected"] == "Mended."
    first = liked[0]
    assert cases[first.request_id]["expected"] == first.json["choices"][0]["message"]["content"]

    out, _ = run(legato, "tune", "replies", "--format", "openai", "-o", trained)
    assert [one.stat().st_mode & 0o777 for one in (exported, trained)] == [0o600, 0o600]
    assert "7 cases" in out
    written = [one["messages"] for one in lines(trained)]
    assert all(said[-1]["role"] == "assistant" and said[-1]["content"] for said in written)
    by_question = {said[-2]["content"]: said for said in written}
    assert by_question["whole /v1/messages"][0] == {"role": "system", "content": "Brief."}
    assert by_question["mend this"][-1]["content"] == "Mended."
    assert len(by_question) == 7
    _, err = run(legato, "tune", "replies", "--format", "openai", "-o", trained, status=1)
    assert "is there already" in err


def test_where_nothing_fits_nothing_is_kept(legato: RunningLegato) -> None:
    _, err = run(legato, "collect", "nothing", "--feature", "elsewhere", status=1)
    assert "no captured request is a case" in err
    _, err = run(legato, "show", "nothing", status=1)
    assert "there is no dataset named nothing" in err
