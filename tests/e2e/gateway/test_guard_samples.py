"""Samples of what rules find that only watch: kept by the capture policy, judged, tuned by."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from belongings import V1, made
from running import ADMIN, LEDGER_S, RunningLegato, within

from legato.core.clock import SystemClock
from legato.core.guard_samples import Judgement
from legato.core.ids import IdSource
from legato.core.tenant import Tenant
from legato.storage.database.engine import open_engine
from legato.storage.kept.guard_samples import (
    GuardSampleIntake,
    GuardSampleStore,
    SampleFilter,
    SealedSample,
)

if TYPE_CHECKING:
    from running import Answer

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
providers:
  - {name: open, kind: openai_compatible, base_url: "UPSTREAM/v1"}
deployments:
  - {name: small, provider: open, model: m}
routes:
  - {alias: kept, deployments: [small], cache: {enabled: false}}
  - {alias: labelled, deployments: [small], cache: {enabled: false}}
  - {alias: bare, deployments: [small], cache: {enabled: false}}
capture:
  rules:
    - {routes: [kept]}
    - {routes: [labelled], redact: true}
guardrails:
  samples: {per_rule: 400}
  policies:
    - name: watched
      mode: shadow
      rules:
        - {name: mail, detect: {labels: [EMAIL_ADDRESS]}, action: block}
        - {name: projects, detect: {patterns: {project: "Kestrel-[0-9]+"}}, action: redact}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""
MAIL = "quaint.canary@mail.test"
ASKED = f"write of Kestrel-77 to {MAIL} today"


def sampled(legato: RunningLegato, answer: Answer) -> dict[str, dict[str, Any]]:
    """Return the samples of a request by their rule, once they are there."""
    assert answer.status == 200, answer.body
    statement = "SELECT count(*) AS n FROM guard_sample WHERE request_id = ?"
    assert within(LEDGER_S, lambda: legato.query(statement, answer.request_id)[0]["n"] == 2)
    rows = legato.get(f"{V1}/guardrails/samples?limit=500", ADMIN).json["data"]
    return {one["rule"]: one for one in rows if one["request_id"] == answer.request_id}


def test_text_is_kept_where_capture_keeps_it_and_nowhere_else(legato: RunningLegato) -> None:
    kept = sampled(legato, legato.chat("kept", ASKED))
    assert kept["mail"]["excerpt"] == ["write of Kestrel-77 to ", MAIL, " today"]
    assert (kept["mail"]["label"], kept["mail"]["mode"]) == ("EMAIL_ADDRESS", "shadow")
    assert kept["projects"]["label"] == "CUSTOM:project"
    labelled = sampled(legato, legato.chat("labelled", ASKED))
    assert labelled["mail"]["excerpt"][1] == "[EMAIL_ADDRESS]"
    assert labelled["projects"]["excerpt"][1:] == ["Kestrel-77", " to [EMAIL_ADDRESS] today"]
    bare = sampled(legato, legato.chat("bare", ASKED))
    assert {one["excerpt"] for one in bare.values()} == {None}
    assert (bare["mail"]["start"], bare["mail"]["end"]) == (23, 23 + len(MAIL))
    shown = legato.command("guard", "samples", "--rule", "mail", "--open")
    assert f"«{MAIL}»" in shown
    assert "(no text is kept)" in shown
    # sealed: nothing in the data directory or the log has the text
    assert [path for path, content in legato.stored() if MAIL.encode() in content] == []
    assert MAIL not in legato.log.read_text()


def test_people_judge_and_the_report_tells_how_often_a_rule_was_right(
    legato: RunningLegato,
) -> None:
    one, two = (sampled(legato, legato.chat("kept", ASKED))["mail"]["id"] for _ in range(2))
    path = f"{V1}/guardrails/samples/{one}"
    assert legato.post(f"{path}/reject", {}, ADMIN).error["field"] == "reason"
    assert made(legato, f"/guardrails/samples/{one}/confirm", {})["state"] == "confirmed"
    assert legato.post(f"{path}/confirm", {}, ADMIN).status == 409
    told = legato.command("guard", "reject", two, "--reason", f"not {MAIL}", "--by", "ann")
    assert told.strip() == f"sample {two} is rejected"
    said = legato.get(f"{V1}/guardrails/samples/{two}", ADMIN).json["judgements"]
    assert [(each["actor"], each["reason"]) for each in said] == [("operator:ann", f"not {MAIL}")]
    opened = legato.get(f"{V1}/guardrails/samples?state=open&limit=500", ADMIN).json["data"]
    assert {one, two}.isdisjoint(each["id"] for each in opened)

    rules = legato.get(f"{V1}/guardrails/report", ADMIN).json["rules"]
    (mail,) = [each for each in rules if each["rule"] == "mail"]
    assert (mail["confirmed"], mail["rejected"], mail["precision"]) == (1, 1, 0.5)
    assert 0 < mail["precision_low"] < 0.1
    assert 0.9 < mail["precision_high"] < 1
    assert [each["precision"] for each in rules if each["rule"] == "projects"] == [None]
    assert "0.50 of 2 (0.09-0.91)" in legato.command("guard", "report", "--policy", "watched")

    legato.command("privacy", "erase", "--request", opened[0]["request_id"])
    gone = legato.get(f"{V1}/guardrails/samples/{opened[0]['id']}", ADMIN).json["sample"]
    assert gone["excerpt"] is None


NAMES = {
    "mode": "shadow",
    "attach": {"routes": ["bare"]},
    "rules": [{"name": "people", "detect": {"labels": ["names"]}, "action": "flag"}],
}


def judged(legato: RunningLegato, score: float, right: int, wrong: int) -> None:
    """Put judged finds of a rule beside the program: it would take hundreds of requests."""
    engine = open_engine(f"sqlite:///{legato.data / 'legato.db'}")
    clock = SystemClock()
    ids = IdSource(clock)
    store = GuardSampleStore(engine, clock, ids, Tenant("default"))
    pattern = store.page(1, None, SampleFilter(rule="mail"))[0].sample
    for number in range(right + wrong):
        found = type(pattern)(
            **{name: getattr(pattern, name) for name in pattern.__struct_fields__}
            | {"id": ids.new(), "policy": "people", "rule": "people", "label": "PERSON",
               "score": score, "point": number, "text_until_ns": 0}
        )  # fmt: skip
        GuardSampleIntake(engine, 1000).put([SealedSample(found, b"")])
        verdict = Judgement.CONFIRMED if number < right else Judgement.REJECTED
        store.judge(found.id, verdict, "ann", b"")
    engine.dispose()


def test_a_threshold_is_proposed_with_its_evidence_and_moves_once_accepted(
    legato: RunningLegato,
) -> None:
    sampled(legato, legato.chat("bare", ASKED))
    path = "/registry/objects/guardrail/people/versions"
    made(legato, path, {"spec": NAMES, "labels": ["production"]})
    tune = "/guardrails/policies/people/tune"
    wanted = {"rule": "people", "precision": 0.9}
    few = made(legato, tune, wanted)
    assert few["proposal_id"] is None
    assert "Too few samples: 0 are judged" in few["told"]
    judged(legato, 0.55, 5, 15)
    judged(legato, 0.85, 120, 0)
    found = made(legato, tune, wanted)
    assert (found["now"], found["proposed"], found["judged"]) == (0.5, 0.6, 140)
    proposal = legato.get(f"{V1}/proposals/{found['proposal_id']}", ADMIN).json
    assert proposal["proposal"]["kind"] == "threshold"
    assert proposal["figures"]["steps"][0]["rejected"] == 15
    shown = legato.command("guard", "tune", "people", "--rule", "people", "--precision", "0.9")
    assert "legato proposals accept it" in shown
    live = legato.get(f"{V1}/registry/objects/guardrail/people/versions/production", ADMIN).json
    assert "at_least" not in live["spec"]["rules"][0]  # nothing changes by itself

    done = made(legato, f"/proposals/{found['proposal_id']}/accept", {"reason": "reviewed"})
    assert done["applied"] == ["guardrail:people has moved in the registry"]
    live = legato.get(f"{V1}/registry/objects/guardrail/people/versions/production", ADMIN).json
    assert live["spec"]["rules"][0]["at_least"] == 0.6
    made(legato, f"/proposals/{found['proposal_id']}/revert", {})
    live = legato.get(f"{V1}/registry/objects/guardrail/people/versions/production", ADMIN).json
    assert "at_least" not in live["spec"]["rules"][0]


def test_a_rule_of_the_file_is_told_to_its_keeper(legato: RunningLegato) -> None:
    with pytest.raises(AssertionError):  # it ends with 1: too little was judged
        legato.command("guard", "tune", "watched", "--rule", "mail", "--precision", "0.95")
    none = legato.post(
        f"{V1}/guardrails/policies/watched/tune", {"rule": "x", "precision": 0.9}, ADMIN
    )
    assert none.status == 404
    assert "mail, projects" in none.error["message"]
    assert json.dumps(none.json).count(MAIL) == 0
