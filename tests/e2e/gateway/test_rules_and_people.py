"""Rules of access and people with accounts: what binds the keys that they make and name."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

import pytest
from belongings import made
from browsers import GOOD, V1, Browser, post
from running import ADMIN, within

if TYPE_CHECKING:
    from running import RunningLegato

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
cache: {enabled: false}
providers:
  - {name: up, kind: openai_compatible, base_url: "UPSTREAM/v1"}
deployments:
  - {name: small, provider: up, model: m, price: &p {input_per_mtok: "1"}}
  - {name: big, provider: up, model: m, price: *p}
access:
  rules:
    - {name: of-a-team, who: {teams: [health]}, models: [small]}
    - {name: of-a-feature, who: {features: [strict]}, models: [small]}
    - {name: of-a-tag, who: {tags: {group: interns}}, models: [small]}
    - {name: of-a-name, who: {keys: ["intern-*"]}, models: [small]}
"""


@pytest.fixture(scope="module")
def features(legato: RunningLegato) -> dict[str, str]:
    org = made(legato, "/organisations", {"name": "acme"})
    found = {}
    for team, names in (("health", ["bot"]), ("ops", ["bot", "strict"])):
        team_id = made(legato, f"/organisations/{org['id']}/teams", {"name": team})["id"]
        for name in names:
            feature = made(legato, f"/teams/{team_id}/features", {"name": name})
            found[f"{team}/{name}"] = feature["id"]
    return found


def signed_in(legato: RunningLegato, *options: str) -> Browser:
    email = f"{secrets.token_hex(4)}@example.com"
    create = ("accounts", "create", email, "--org", "acme", "--role", "developer", *options)
    body = {"token": json.loads(legato.command(*create, "--json"))["invitation"]}
    assert post(legato, "/login/invitation", body | {"password": GOOD}).status == 200
    browser = Browser(legato)
    assert browser.sign_in(email).status == 200
    return browser


def key_of(legato: RunningLegato, by: Browser, feature_id: str, **fields: Any) -> dict[str, Any]:
    answer = by.post("/keys", {"feature_id": feature_id, **fields})
    assert answer.status == 201, answer.body
    told: dict[str, Any] = answer.json
    assert within(3, lambda: legato.get(f"{V1}/me", told["secret"]).status == 200)
    return told


def test_a_person_calls_by_a_key_and_rules_of_places_hold_for_it(
    legato: RunningLegato, features: dict[str, str]
) -> None:
    ann = signed_in(legato)
    question = {"model": "big", "messages": [{"role": "user", "content": "x"}]}
    headers = {"content-type": "application/json", "cookie": ann.cookie}
    body = json.dumps(question).encode()
    assert legato.send("POST", "/v1/chat/completions", body, headers).status == 401
    for feature, rule in (("health/bot", "of-a-team"), ("ops/strict", "of-a-feature")):
        key = key_of(legato, ann, features[feature], name=f"free-{rule}", tags={"group": "staff"})
        refused = legato.chat("big", key=key["secret"])
        assert refused.status == 403, feature
        assert f"'{rule}'" in refused.error["message"]
        assert legato.chat("small", key=key["secret"]).status == 200


def test_a_person_names_and_tags_keys_as_they_like(
    legato: RunningLegato, features: dict[str, str]
) -> None:
    """So rules by names and tags order calls; they hold nobody who makes keys."""
    ann = signed_in(legato, "--team", "ops")
    for number, fields in enumerate(({"tags": {"group": "interns"}}, {"name": "intern-1"})):
        key = key_of(legato, ann, features["ops/bot"], **fields)
        assert legato.chat("big", key=key["secret"]).status == 403, fields
        other = key_of(legato, ann, features["ops/bot"], name=f"another-{number}")
        assert legato.chat("big", key=other["secret"]).status == 200
    assert ann.post("/keys", {"feature_id": features["health/bot"]}).status == 404


def test_what_is_explained_of_a_made_key_is_what_happens_to_it(
    legato: RunningLegato, features: dict[str, str]
) -> None:
    tagged = {"feature_id": features["ops/bot"], "tags": {"group": "interns"}}
    maker = made(legato, "/keys", {**tagged, "role": "org-admin"})
    assert within(3, lambda: legato.get(f"{V1}/me", maker["secret"]).status == 200)
    plain = {"feature_id": features["ops/bot"], "name": "made-by-an-intern"}
    child = made(legato, "/keys", plain, maker["secret"])
    assert within(3, lambda: legato.get(f"{V1}/me", child["secret"]).status == 200)
    assert legato.chat("big", key=child["secret"]).status == 403
    asked = f"{V1}/can?subject=key:{child['key']['id']}&action=call:"
    assert legato.get(f"{asked}small", ADMIN).json["allowed"] is True
    told = legato.get(f"{asked}big", ADMIN).json
    assert (told["allowed"], "'of-a-tag'" in told["reason"]) == (False, True), told
    for command in (("can", "made-by-an-intern", "call:big"),
                    ("access", "explain", "made-by-an-intern", "--model", "big")):  # fmt: skip
        with pytest.raises(AssertionError):
            legato.command(*command)
