"""Sample data through the running program: in, looked at, out, and never beside what is real."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from running import ADMIN, CALLER, RunningLegato, within

from legato.app.desks.stored_data import stored_data
from legato.app.sample.opening import sample_instance
from legato.audit.segments import SegmentKind

if TYPE_CHECKING:
    from collections.abc import Iterator

CONFIG = """\
config_version: 1
providers:
  - {name: pretend, kind: simulated}
deployments:
  - {name: small, provider: pretend, model: small, price: {input_per_mtok: "1", output_per_mtok: "2"}}
routes:
  - {alias: chat, deployments: [small]}
keys:
  - {name: app, org: acme, team: platform, feature: letters, secret: {env: CALLER_KEY}}
"""  # noqa: E501 - a row each
OWN, SAMPLE = "/api/v1", "/api/sample/v1"


@pytest.fixture(scope="module")
def legato(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLegato]:
    running = RunningLegato(tmp_path_factory.mktemp("sample"), CONFIG)
    assert running.chat("chat").status == 200
    assert within(10, lambda: running.get(f"{OWN}/requests", ADMIN).json["data"])
    yield running
    log = running.log.read_text()
    assert running.stop() == 0
    assert "a control request failed" not in log


@pytest.fixture
def sample(legato: RunningLegato) -> Iterator[dict[str, Any]]:
    made = legato.post(f"{OWN}/sample", b"", ADMIN)
    assert made.status == 201, made.body
    yield made.json
    if legato.get(f"{OWN}/sample", ADMIN).json["made_at"] is not None:
        assert legato.post(f"{OWN}/sample/delete", b"", ADMIN).status == 200


def spent(legato: RunningLegato, beginning: str) -> Any:
    return legato.get(f"{beginning}/insights/spend?period=90d&by=org", ADMIN).json["rows"]


def test_it_comes_and_goes_and_own_figures_stay_as_they_were(legato: RunningLegato) -> None:
    assert legato.get(f"{SAMPLE}/requests", ADMIN).status == 404
    before = spent(legato, OWN)
    made = legato.post(f"{OWN}/sample", b"", ADMIN).json
    assert made["requests"] > 1_000
    assert legato.post(f"{OWN}/sample", b"", ADMIN).status == 409
    assert {row["group"]["org"] for row in spent(legato, SAMPLE)} == {"sample"}
    assert spent(legato, OWN) == before
    assert {row["group"]["org"] for row in before} == {"acme"}
    places = legato.get(f"{OWN}/organisations", ADMIN).json["data"]
    assert "sample" not in {one["name"] for one in places}

    assert legato.post(f"{OWN}/sample/delete", b"", ADMIN).status == 200
    assert legato.post(f"{OWN}/sample/delete", b"", ADMIN).status == 404
    assert legato.get(f"{SAMPLE}/requests", ADMIN).status == 404
    assert not (legato.data / "sample").exists()
    assert not (legato.data / "sample.part").exists()
    events = legato.get(f"{OWN}/audit/events?action=sample_data.*", ADMIN).json["data"]
    assert [one["action"] for one in events[:2]] == ["sample_data.remove", "sample_data.add"]


def test_its_ledger_keeps_every_rule_and_is_sealed(
    legato: RunningLegato, sample: dict[str, Any]
) -> None:
    (folder,) = [one for one in (legato.data / "sample").iterdir() if one.is_dir()]
    with stored_data(sample_instance(folder)) as stored:
        report = stored.verify()
        assert report.problems == []
        assert report.entries >= sample["requests"] * 0.9
        for kind in SegmentKind:
            assert stored.segments().stored(kind, 0) is not None


def test_it_shows_something_on_every_side(legato: RunningLegato, sample: dict[str, Any]) -> None:
    def rows(path: str) -> Any:
        answer = legato.get(f"{SAMPLE}/{path}", ADMIN)
        assert answer.status == 200, answer.body
        return answer.json.get("rows", answer.json.get("data"))

    for insight in ("spend", "saved", "cache-hit-rate", "policy-triggers", "latency-p95"):
        assert rows(f"insights/{insight}?period=30d"), insight
        assert rows(f"insights/{insight}?period=30d")[0]["value"] is not None, insight
    by_workflow = rows("insights/spend?period=30d&by=workflow")
    assert "claims-triage" in {one["group"]["workflow"] for one in by_workflow}
    kinds = {one["kind"] for one in rows("registry/objects")}
    assert kinds == {"prompt", "workflow"}
    assert legato.get(f"{SAMPLE}/finance/plan", ADMIN).status == 200
    drawn = {"definition": {"nodes": [{"kind": "set", "id": "a", "value": 1}]}}
    assert legato.post(f"{SAMPLE}/workflows/validate", drawn, ADMIN).status == 200
    tried = legato.post(f"{SAMPLE}/guardrails/preview", {"text": "Ask ada@example.com"}, ADMIN)
    assert [one["rule"] for one in tried.json["hits"]] == ["mail"]
    asked = {"strategy": "cheapest", "since": "7d"}
    what_if = legato.post(f"{SAMPLE}/routes/careful/what-if", asked, ADMIN)
    assert what_if.status == 200, what_if.body
    assert what_if.json["requests"] > 20
    assert float(what_if.json["changed"]["cost_usd"]) < float(what_if.json["as_is"]["cost_usd"])
    (one, *_) = rows("requests?limit=1&cache=miss&status=ok")
    assert one["saved_usd"] is not None
    told = legato.get(f"{SAMPLE}/requests/{one['request_id']}", ADMIN)
    assert told.status == 200, told.body


def test_nobody_changes_it_and_who_is_unknown_sees_nothing(
    legato: RunningLegato, sample: dict[str, Any]
) -> None:
    assert sample["requests"]
    refused = legato.post(f"{SAMPLE}/sample/delete", b"", ADMIN)
    assert (refused.status, refused.error["code"]) == (405, "method_not_allowed")
    assert legato.get(f"{SAMPLE}/requests", "lg-nobody").status == 401
    assert legato.get(f"{SAMPLE}/requests", CALLER).status == 403
    own = legato.create_key("--org", "acme", "--org-admin")["secret"]
    assert legato.get(f"{SAMPLE}/requests", own).json["data"]
    assert legato.post(f"{OWN}/sample/delete", b"", own).status == 403


def test_the_commands_do_the_same(legato: RunningLegato) -> None:
    assert "no sample data" in legato.command("sample", "show")
    made = json.loads(legato.command("sample", "add", "--json"))
    there = legato.get(f"{OWN}/sample", ADMIN).json
    assert there["requests"] == made["requests"]
    assert legato.get(f"{SAMPLE}/requests", ADMIN).json["data"]
    first = legato.get(f"{SAMPLE}/keys", ADMIN).json["data"][0]["id"]
    legato.command("sample", "remove")
    assert legato.get(f"{SAMPLE}/requests", ADMIN).status == 404
    legato.command("sample", "add")
    assert legato.get(f"{SAMPLE}/keys", ADMIN).json["data"][0]["id"] != first
    legato.command("sample", "remove")
