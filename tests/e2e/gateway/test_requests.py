"""Requests as they went: newest first, narrowed, page by page, and why each went so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from running import ADMIN, within

if TYPE_CHECKING:
    from running import RunningLegato

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
guardrails:
  policies:
    - name: zoo
      rules: [{name: z, detect: {words: {animals: [zebra]}}, action: block}]
providers:
  - {name: vendor, kind: openai_compatible, base_url: "UPSTREAM/v1"}
deployments:
  - {name: small, provider: vendor, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
  - {name: large, provider: vendor, model: l, price: {input_per_mtok: "9", output_per_mtok: "18"}}
routes:
  - {alias: chat, deployments: [small]}
  - {alias: cheaper, baseline: large, deployments: [small]}
keys:
  - {name: ci, org: acme, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""
LIST = "/api/v1/requests"


def listed(legato: RunningLegato, query: str = "", key: str = ADMIN) -> list[dict[str, Any]]:
    """All pages' requests."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = legato.get(f"{LIST}?limit=2{query}{cursor}", key)
        assert page.status == 200, page.body
        assert len(page.json["data"]) <= 2
        found += page.json["data"]
        if page.json["next_cursor"] is None:
            return found
        cursor = f"&cursor={page.json['next_cursor']}"


@pytest.fixture(scope="module")
def asked(legato: RunningLegato) -> list[str]:
    """Ids: three answered calls, one that was blocked, one of another organisation."""
    other = legato.create_key("--org", "other", "--feature", "x")["secret"]
    ids = [legato.chat("chat", f"question {number}").request_id for number in range(3)]
    ids.append(legato.chat("chat", "a zebra").request_id)
    ids.append(legato.chat("chat", "theirs", key=other).request_id)
    assert within(30, lambda: set(ids) <= {one["request_id"] for one in listed(legato)})
    return ids


def test_they_come_newest_first_and_each_once(legato: RunningLegato, asked: list[str]) -> None:
    found = [one["request_id"] for one in listed(legato)]
    assert len(found) == len(set(found))
    assert [one for one in found if one in asked] == asked[::-1]
    times = [one["at"] for one in listed(legato)]
    assert times == sorted(times, reverse=True)


def test_an_answered_call_says_what_it_cost(legato: RunningLegato, asked: list[str]) -> None:
    first = next(one for one in listed(legato) if one["request_id"] == asked[0])
    (entry,) = legato.entries(asked[0])
    assert first["http_status"] == 200
    assert (first["org"], first["team"], first["deployment"]) == ("acme", "platform", "small")
    assert round(float(first["cost_usd"]) * 1e9) == entry["cost"]
    assert first["saved_usd"] is not None
    assert first["guard"] is None
    assert first["total_us"] >= first["upstream_us"] > 0


def test_they_are_narrowed(legato: RunningLegato, asked: list[str]) -> None:
    def ids(query: str) -> set[str]:
        return {one["request_id"] for one in listed(legato, query)} & set(asked)

    assert ids("&status=ok") == {*asked[:3], asked[4]}
    assert ids("&status=400") == ids("&code=input_blocked") == ids("&status=error") == {asked[3]}
    assert ids("&org=other") == {asked[4]}
    assert ids("&team=platform") == set(asked[:4])
    assert ids("&deployment=none") == set()
    at = {one["request_id"]: one["at"] for one in listed(legato)}
    assert ids(f"&since={at[asked[2]]}") == set(asked[2:])
    assert ids(f"&until={at[asked[2]]}") == set(asked[:2])
    wrong = legato.get(f"{LIST}?since=yesterday", ADMIN)
    assert (wrong.status, wrong.json["error"]["field"]) == (400, "since")
    assert legato.get(f"{LIST}?status=fine", ADMIN).status == 400
    assert legato.get(f"{LIST}?cursor=abc", ADMIN).status == 400


def test_they_are_narrowed_by_the_step_that_saved(legato: RunningLegato, asked: list[str]) -> None:
    assert asked
    routed = legato.chat("cheaper", "the same again").request_id
    repeated = legato.chat("cheaper", "the same again").request_id

    def by(step: str) -> set[str]:
        return {one["request_id"] for one in listed(legato, f"&step={step}")} & {routed, repeated}

    assert within(30, lambda: by("cache") == {repeated})
    assert by("routing") == {routed}
    assert by("tier") == by("prompt_cache") == set()
    assert legato.get(f"{LIST}?step=luck", ADMIN).status == 400


def test_one_says_why_it_went_so(legato: RunningLegato, asked: list[str]) -> None:
    one = legato.get(f"{LIST}/{asked[0]}", ADMIN).json
    assert [stage["name"] for stage in one["stages"]][:2] == ["authenticate", "read"]
    assert [step["deployment"] for step in one["decision"]["steps"]] == ["small"]
    assert one["decision"]["steps"][0]["code"] == "ok"
    assert (one["route"]["alias"], one["route"]["deployments"]) == ("chat", ["small"])
    assert one["config"] == one["decision"]["config"] != ""
    assert [entry["deployment"] for entry in one["entries"]] == ["small"]
    blocked = legato.get(f"{LIST}/{asked[3]}", ADMIN).json
    assert blocked["guard"] == blocked["guarded"]["done"] == "block"
    assert blocked["guarded"]["fired"][0]["rule"] == "z"
    assert "zebra" not in str(blocked)
    assert blocked["entries"] == []


def test_another_organisations_do_not_exist(legato: RunningLegato, asked: list[str]) -> None:
    own = legato.create_key("--org", "other", "--feature", "adm", "--org-admin")["secret"]
    assert {one["org"] for one in listed(legato, key=own)} == {"other"}
    assert legato.get(f"{LIST}/{asked[4]}", own).status == 200
    assert legato.get(f"{LIST}/{asked[0]}", own).status == 404
    assert legato.get(f"{LIST}/{asked[4]}", own).json["route"] is None  # routes are the instance's
    assert legato.get(f"{LIST}?org=acme", own).status == 404


def test_one_is_decided_again_as_it_was(legato: RunningLegato, asked: list[str]) -> None:
    again = legato.get(f"{LIST}/{asked[0]}/replay", ADMIN)
    assert again.status == 200, again.body
    assert again.json == {"request_id": asked[0], "verdict": "reproduced", "causes": []}
    blocked = legato.get(f"{LIST}/{asked[3]}/replay?access_now=true", ADMIN).json
    assert blocked["verdict"] == "unreplayable"
    assert blocked["causes"]


def test_todays_rules_are_told_to_who_may_read_them(
    legato: RunningLegato, asked: list[str]
) -> None:
    reader = legato.create_key(
        "--org", "acme", "--feature", "reading", "--permission", "control:ledger:read"
    )["secret"]
    path = f"{LIST}/{asked[0]}/replay"
    assert legato.get(path, reader).json["verdict"] == "reproduced"
    assert legato.get(f"{path}?access_now=true", reader).status == 403
    assert legato.get(f"{LIST}/{asked[4]}/replay", reader).status == 404  # another organisation's
