"""A route's quality floor in the running program: proven, given, shared, taken back by itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from running import ADMIN, RunningLegato, within

from legato.providers.simulated.child import SimulatedChild
from legato.providers.simulated.settings import SimulatedSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
cache: {enabled: false}
providers:
  - {name: up, kind: openai_compatible, base_url: "UPSTREAM/v1"}
  - {name: second, kind: openai_compatible, base_url: "SECOND/v1"}
deployments:
  - {name: large, provider: up, model: same-model, price: {input_per_mtok: "10", output_per_mtok: "40"}}
  - {name: small, provider: second, model: same-model, price: {input_per_mtok: "1", output_per_mtok: "4"}}
  - {name: other, provider: up, model: other-model, price: {input_per_mtok: "1", output_per_mtok: "4"}}
routes:
  - alias: chat
    deployments: [large, small]
    baseline: large
    strategy: cheapest_good_enough
    quality: &quality
      expected: {small: {mean: 1.0, deviation: 0.0}}
      guarantee: {margin: 0.04, alpha: 0.2, shadow_share: 1.0, shadow_usd_per_day: "5"}
  - {alias: drifting, deployments: [large, small], baseline: large, strategy: cheapest_good_enough, quality: *quality}
  - alias: judged
    deployments: [large, other]
    baseline: large
    strategy: cheapest_good_enough
    quality:
      expected: {other: {mean: 1.0, deviation: 0.0}}
      guarantee: {margin: 0.01, shadow_share: 1.0, judge: large}
  - alias: ruled
    deployments: [large, small, other]
    baseline: large
    strategy: cheapest_good_enough
    quality: *quality
    rules: [{name: always, when: "hour >= 0", prefer: [other]}]
  - {alias: plain, deployments: [large, small]}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""  # noqa: E501 - one deployment a line
WORKERS = 2
SOURCE = str(Path(__file__).parents[3] / "src")
AT_MOST = 400


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedChild]:
    """Answers as the first upstream does, until it is changed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", SOURCE)
        child = SimulatedChild(tmp_path_factory.mktemp("second"), SimulatedSettings(seed=1))
    yield child
    assert child.stop() == 0


@pytest.fixture(scope="module")
def legato(
    upstream_of_module: SimulatedChild,
    second: SimulatedChild,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningLegato]:
    config = CONFIG.replace("UPSTREAM", upstream_of_module.url).replace("SECOND", second.url)
    running = RunningLegato(tmp_path_factory.mktemp("legato"), config, workers=WORKERS)
    yield running
    assert running.stop() == 0
    assert "Traceback" not in running.log.read_text()


def status(legato: RunningLegato, alias: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(legato.command("route", "status", alias, "--json"))
    return told


def served(legato: RunningLegato, alias: str, question: str, **fields: Any) -> str:
    answer = legato.chat(alias, question, **fields)
    assert answer.status == 200, answer.body
    deployment: str = legato.entries(answer.request_id)[0]["deployment"]
    return deployment


def floor(legato: RunningLegato, alias: str) -> dict[str, Any]:
    rows = legato.query("SELECT floor FROM route_floor WHERE org = 'default' AND route = ?", alias)
    return json.loads(rows[0]["floor"]) if rows else {"share": 0.0, "observed": 0}


def ask_until(legato: RunningLegato, alias: str, reached: Callable[[float], bool]) -> int:
    """Ask until a share is reached; return how many requests it took."""
    for count in range(AT_MOST):
        before = floor(legato, alias)
        if reached(before["share"]):
            return count
        assert legato.chat(alias, f"{alias} {count}").status == 200
        within(1, lambda: floor(legato, alias)["observed"] > before["observed"])  # noqa: B023
    raise AssertionError(status(legato, alias))


def test_freedom_is_given_when_it_is_proven_and_every_worker_knows(
    legato: RunningLegato,
) -> None:
    before = status(legato, "chat")
    assert (before["share"], before["loss_at_most"]) == (0.0, None)
    assert served(legato, "chat", "first") == "large"
    assert ask_until(legato, "chat", lambda share: share == 1.0) > 20
    told = status(legato, "chat")
    assert told["share"] == 1.0
    assert told["worse"] == 0
    assert told["loss_at_most"] < 0.04
    assert {one["move"]["reason"] for one in told["moves"]} == {"proven"}
    for index in range(WORKERS):
        with legato.only_worker(index):
            assert within(3, lambda: served(legato, "chat", "again") == "small")
    assert '"what may leave a route\'s baseline has changed"' in legato.log.read_text()
    assert "100% of default's requests may leave" in legato.command("route", "status", "chat")
    shown = legato.get("/api/v1/routes/chat/floor", ADMIN).json
    assert (shown["org"], shown["share"], shown["worse"]) == ("default", 1.0, 0)
    assert shown["moves"][0]["current"] is True
    least = 'legato_route_freedom{model="chat",of="least"} 1.0'
    assert within(3, lambda: least in legato.get("/metrics", ADMIN).body.decode())


def test_what_one_organisation_proves_is_nothing_to_another(legato: RunningLegato) -> None:
    ask_until(legato, "chat", lambda share: share == 1.0)
    other = legato.create_key("--org", "acme")["secret"]
    answer = legato.chat("chat", "of another organisation", key=other)
    assert legato.entries(answer.request_id)[0]["deployment"] == "large"
    told = json.loads(legato.command("route", "status", "chat", "--org", "acme", "--json"))
    assert told["share"] < 1.0
    paid = "SELECT DISTINCT budget_id FROM ledger_entry WHERE org = 'acme' AND kind = 'shadow'"
    assert within(5, lambda: legato.query(paid)) == [{"budget_id": "floor:acme:chat"}]
    assert within(5, lambda: legato.query("SELECT 1 FROM route_floor WHERE org = 'acme'"))
    least = 'legato_route_freedom{model="chat",of="least"} 0.0'
    assert within(3, lambda: least in legato.get("/metrics", ADMIN).body.decode())
    metrics = legato.get("/metrics", ADMIN).body.decode()
    assert 'legato_route_freedom{model="chat",of="greatest"} 1.0' in metrics


def test_a_floor_is_shown_to_its_organisation_only(legato: RunningLegato) -> None:
    unknown = legato.get("/api/v1/routes/nothing/floor", ADMIN)
    assert (unknown.status, unknown.error["code"]) == (404, "not_found")
    assert legato.get("/api/v1/routes/plain/floor", ADMIN).status == 400
    member = legato.create_key("--org", "acme", "--org-admin")["secret"]
    assert legato.get("/api/v1/routes/chat/floor", member).json["org"] == "acme"
    assert legato.get("/api/v1/routes/chat/floor?org=default", member).status == 404


def test_the_answer_of_whom_a_rule_prefers_proves_nothing_of_the_choice(
    legato: RunningLegato,
) -> None:
    assert served(legato, "ruled", "who answers?") == "other"
    assert not within(2, lambda: floor(legato, "ruled")["observed"])


def test_a_model_that_becomes_worse_is_taken_back(
    legato: RunningLegato, second: SimulatedChild
) -> None:
    ask_until(legato, "drifting", lambda share: share == 1.0)
    second.change(models={"same-model": {"output_tokens": 3}})
    assert ask_until(legato, "drifting", lambda share: share <= 0.1) < 60
    moves = [one["move"] for one in status(legato, "drifting")["moves"]]
    back = next(one for one in moves if one["before"] == 1.0)
    assert back["reason"] in {"weakened", "worse"}
    assert back["pairs"]["worse"] >= 1
    second.reset()
    assert status(legato, "chat")["share"] == 1.0


def test_copies_stand_in_the_ledger_as_what_they_are(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    answer = legato.chat("chat", "priced")
    assert {one.model for one in upstream.calls(1)} == {"same-model"}  # the copy
    live = legato.entries(answer.request_id)[0]
    assert live["kind"] == "usage"
    counted = "SELECT count(*) AS n FROM ledger_entry WHERE kind = 'shadow' AND route = 'chat'"
    assert within(5, lambda: legato.query(counted)[0]["n"] > 5)
    paid = "SELECT DISTINCT budget_id FROM ledger_entry WHERE kind = 'shadow' AND org = 'default'"
    budget = legato.query(paid)
    assert {one["budget_id"] for one in budget} <= {
        f"floor:default:{alias}" for alias in ("chat", "drifting", "judged")
    }
    assert "Every rule holds" in legato.command("ledger", "verify")


def test_a_judge_says_which_answer_is_better(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    upstream.change(models={"other-model": {"output_tokens": 5}})
    for count in range(5):
        assert served(legato, "judged", f"judged {count}") == "large"
    asked = "SELECT count(*) AS n FROM ledger_entry WHERE kind = 'judge'"
    assert within(5, lambda: legato.query(asked)[0]["n"] >= 5)

    def compared() -> int:
        told = status(legato, "judged")
        found: int = told["better"] + told["equal"] + told["worse"]
        return found

    assert within(5, lambda: compared() >= 5)
    assert status(legato, "judged")["share"] == 0.0


@pytest.mark.parametrize("fields", [{"stream": True}, {"tools": []}])
def test_what_cannot_be_compared_is_still_held_to_the_share(
    legato: RunningLegato, fields: dict[str, Any]
) -> None:
    assert served(legato, "chat", "not compared", **fields) == "small"


def test_a_held_back_request_says_so_and_is_replayed(legato: RunningLegato) -> None:
    answer = legato.chat("judged", "why?")
    legato.trace(answer.request_id)
    told = json.loads(legato.command("route", "explain", answer.request_id, "--json"))
    assert told["explanation"]["freedom"] == 0.0
    reasons = {one["deployment"]: one["reason"] for one in told["explanation"]["considered"]}
    assert reasons == {"large": "chosen", "other": "held back: more freedom isn't proven yet"}
    lines = legato.command("replay", "--json").splitlines()
    verdicts = {one["request_id"]: one for one in map(json.loads, lines)}
    assert verdicts[answer.request_id]["verdict"] == "reproduced"
    assert {one["verdict"] for one in verdicts.values()} == {"reproduced"}, verdicts


def test_a_prompt_is_explained_by_the_share_as_it_is_now(legato: RunningLegato) -> None:
    ask_until(legato, "chat", lambda share: share > 0)
    ask = ("route", "explain", "--route", "chat", "--prompt", "why?", "--json")
    assert json.loads(legato.command(*ask))["freedom"] == status(legato, "chat")["share"]


def test_a_route_without_a_guarantee_says_so(legato: RunningLegato) -> None:
    with pytest.raises(AssertionError, match="guarantees nothing"):
        legato.command("route", "status", "plain")
