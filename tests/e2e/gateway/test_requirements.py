"""Where data may go and what may become of it: routes and keys that require it, and what happens
where a deployment doesn't fulfil it, or where nobody knows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from running import ADMIN

if TYPE_CHECKING:
    from running import Answer, RunningLegato

    from legato.providers.simulated.child import SimulatedChild

EUROPEAN = "lg-a-key-whose-data-stay-in-europe"
VARIABLES = {"EU_KEY": EUROPEAN}
CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
retry: {attempts_max: 1}
providers:
  - {name: up, kind: openai_compatible, base_url: "UPSTREAM/v1"}
  - {name: a, kind: anthropic, base_url: "UPSTREAM"}
  - {name: down, kind: openai_compatible, base_url: "http://127.0.0.1:9/v1"}
deployments:
  - {name: us, provider: up, model: us-model, region: us}
  - {name: nowhere, provider: up, model: quiet-model}
  - name: eu
    provider: up
    model: eu-model
    region: eu-west
    data_use: {training: false, retention_days: 10, certifications: [ISO 27001, SOC 2]}
  - {name: eu-down, provider: down, model: m, region: eu-central}
  - name: trains
    provider: up
    model: training-model
    region: eu-west
    data_use: {training: true, retention_days: 90, certifications: [SOC 2]}
  - name: allowed
    provider: up
    model: allowed-model
    region: eu-central
    data_use: {training: false, retention_days: 0, certifications: [ISO 27001]}
  - {name: claude, provider: a, model: claude-model, region: us}
routes:
  - {alias: plain, deployments: [us, nowhere, eu]}
  - {alias: in-europe, deployments: [us, nowhere, eu], require: {regions: [eu-west, eu-central]}}
  - {alias: broken, deployments: [eu-down, us]}
  - {alias: broken-in-europe, deployments: [eu-down, us], require: {regions: [eu-central]}}
  - {alias: no-training, deployments: [nowhere, trains, eu], require: {no_training: true}}
  - {alias: forgets, deployments: [nowhere, trains, eu], require: {retention_days_max: 10}}
  - {alias: certified, deployments: [nowhere, trains, eu], require: {certifications: [SOC 2, ISO 27001]}}
  - alias: nothing-left
    deployments: [us, nowhere, trains, allowed]
    require: {regions: [eu-central], no_training: true, retention_days_max: 30, certifications: [ISO 27001]}
  - {alias: tokens, deployments: [claude, eu], require: {regions: [eu-west]}}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
  - {name: european, team: platform, feature: tests, secret: {env: EU_KEY}, require: {regions: [eu-west]}}
"""  # noqa: E501 - one route a line


def served_by(legato: RunningLegato, answer: Answer) -> str:
    assert answer.status == 200, answer.body
    deployment: str = legato.entries(answer.request_id)[-1]["deployment"]
    return deployment


@pytest.mark.parametrize("alias", ["in-europe", "no-training", "forgets", "certified"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_route_calls_only_what_is_known_to_fulfil_it(
    legato: RunningLegato, upstream: SimulatedChild, alias: str, *, stream: bool
) -> None:
    answer = legato.chat(alias, f"{alias} {stream}", stream=stream)
    assert served_by(legato, answer) == "eu"
    assert {one.model for one in upstream.calls(1)} == {"eu-model"}


def test_the_fallback_is_held_to_it_too(legato: RunningLegato, upstream: SimulatedChild) -> None:
    assert served_by(legato, legato.chat("broken", "one")) == "us"
    answer = legato.chat("broken-in-europe", "two")
    assert answer.status == 503
    assert "eu-down" in answer.error["message"]
    assert len(upstream.calls(1)) == 1


def test_where_nothing_is_left_each_says_which_term_it_fails(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    answer = legato.chat("nothing-left", key=EUROPEAN)
    assert answer.status == 403
    assert answer.error["code"] == "forbidden"
    assert answer.error["param"] == "model"
    assert answer.error["message"] == (
        "no deployment of 'nothing-left' is known to fulfil what its route requires (region "
        "eu-central; no training; kept at most 30 days; certified ISO 27001) and what this key "
        "requires (region eu-west): "
        "us: region us, training unknown, retention unknown, certifications unknown; "
        "nowhere: region unknown, training unknown, retention unknown, certifications unknown; "
        "trains: region eu-west, trains on the data, kept 90 days, not certified ISO 27001; "
        "allowed: region eu-central"
    )
    assert upstream.calls(0) == []


def test_a_key_that_requires_it_is_held_to_it_at_every_name_and_surface(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    assert served_by(legato, legato.chat("plain", "from anywhere")) == "us"
    assert served_by(legato, legato.chat("plain", "from europe", key=EUROPEAN)) == "eu"
    message = [{"role": "user", "content": "hi"}]
    bodies: dict[str, dict[str, Any]] = {
        "/v1/chat/completions": {"messages": message},
        "/v1/messages": {"messages": message, "max_tokens": 9},
        "/v1/responses": {"input": "hi"},
        "/v1/embeddings": {"input": "hi"},
        "/v1/images/generations": {"prompt": "hi"},
    }
    before = len(upstream.calls(0))
    for path, body in bodies.items():
        answer = legato.post(path, body | {"model": "us"}, EUROPEAN)
        assert answer.status == 403, (path, answer.body)
        said = "no deployment of 'us' is known to fulfil what this key requires (region eu-west)"
        assert answer.error["message"] == f"{said}: us: region us", path
    assert len(upstream.calls(0)) == before


def test_what_was_answered_elsewhere_is_not_served_from_the_cache(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    assert served_by(legato, legato.chat("plain", "cached")) == "us"
    assert legato.chat("plain", "cached").headers["x-legato-cache"] == "hit"
    answer = legato.chat("plain", "cached", key=EUROPEAN)
    assert answer.headers["x-legato-cache"] == "miss"
    assert served_by(legato, answer) == "eu"


def test_the_control_api_shows_which_deployments_a_route_leaves_out(
    legato: RunningLegato,
) -> None:
    routes = {one["alias"]: one for one in legato.get("/api/v1/routes", ADMIN).json["data"]}
    plain, forgets = routes["plain"], routes["forgets"]
    assert (plain["require"], plain["unfit"], plain["healthy"]) == (None, {}, True)
    assert forgets["require"]["retention_days_max"] == 10
    assert forgets["unfit"] == {"nowhere": ["retention unknown"], "trains": ["kept 90 days"]}
    assert forgets["healthy"] is True
    assert routes["nothing-left"]["unfit"].keys() == {"us", "nowhere", "trains"}


def test_tokens_are_not_counted_where_the_data_may_not_go(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    body = {"model": "tokens", "messages": [{"role": "user", "content": "hi"}]}
    answer = legato.post("/v1/messages/count_tokens", body)
    assert answer.status == 200
    assert answer.json["estimated"] is True
    counted = legato.post("/v1/messages/count_tokens", body | {"model": "claude"})
    assert "estimated" not in counted.json
    european = legato.post("/v1/messages/count_tokens", body | {"model": "claude"}, EUROPEAN)
    assert european.json["estimated"] is True


def test_a_key_made_by_command_or_over_the_control_api_requires_it_too(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    wanted = {
        "regions": ["eu-west"],
        "no_training": True,
        "retention_days_max": 30,
        "certifications": ["SOC 2"],
    }
    options = ("--require-region", "eu-west", "--require-no-training")
    options += ("--require-retention-days", "30", "--require-certification", "SOC 2")
    made = legato.create_key("--name", "held", *options)
    assert json.loads(legato.command("keys", "show", "held", "--json"))["require"] == wanted
    assert served_by(legato, legato.chat("plain", "a", key=made["secret"])) == "eu"

    [org] = legato.get("/api/v1/organisations", ADMIN).json["data"]
    teams = legato.get(f"/api/v1/organisations/{org['id']}/teams", ADMIN).json["data"]
    [team] = [one for one in teams if one["name"] == "platform"]
    [feature] = legato.get(f"/api/v1/teams/{team['id']}/features", ADMIN).json["data"]
    new = {"feature_id": feature["id"], "require": wanted}
    created = legato.post("/api/v1/keys", new, ADMIN)
    assert created.status == 201, created.body
    assert created.json["key"]["require"] == wanted
    refused = legato.post("/api/v1/keys", new | {"require": {"region": "eu"}}, ADMIN)
    assert refused.status == 400
    secret = created.json["secret"]
    assert legato.chat("trains", "b", key=secret).status == 403

    bound = legato.post("/api/v1/keys", new | {"role": "org-admin"}, ADMIN).json["secret"]
    for looser in (None, wanted | {"regions": ["eu-west", "us"]}, wanted | {"no_training": False}):
        made_by_it = legato.post("/api/v1/keys", new | {"require": looser}, bound)
        assert made_by_it.status == 403, looser
    stricter = wanted | {"retention_days_max": 0}
    assert legato.post("/api/v1/keys", new | {"require": stricter}, bound).status == 201
