"""What policies would do with a text that nobody sends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from running import ADMIN

if TYPE_CHECKING:
    from running import Answer, RunningLegato

CONFIG = """\
config_version: 1
guardrails:
  policies:
    - name: house
      rules:
        - {name: cards, detect: {labels: [CREDIT_CARD]}, action: block}
        - {name: projects, detect: {words: {project: [Kestrel]}}, action: redact}
    - name: theirs
      attach: {orgs: [acme]}
      rules: [{name: z, detect: {words: {animals: [zebra]}}, action: flag}]
providers:
  - {name: vendor, kind: openai_compatible, base_url: "UPSTREAM/v1"}
deployments:
  - {name: small, provider: vendor, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
routes:
  - {alias: chat, deployments: [small]}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""
PREVIEW = "/api/v1/guardrails/preview"
DRAFT = {
    "rules": [
        {"name": "people", "detect": {"labels": ["PERSON"]}, "action": "redact"},
        {"name": "codes", "detect": {"patterns": {"code": "corp-[a-z0-9]{8}"}}, "action": "block"},
    ]
}
TEXT = "Kestrel is paid with 4111 1111 1111 1111, and a zebra"


def preview(legato: RunningLegato, key: str = ADMIN, query: str = "", **body: Any) -> Answer:
    """Ask."""
    return legato.post(PREVIEW + query, {"text": TEXT, **body}, key)


def test_policies_of_the_file_are_asked_as_requests_are(legato: RunningLegato) -> None:
    told = preview(legato).json
    assert [one.partition("@")[0] for one in told["policies"]] == ["guardrail/house"]
    assert told["action"] == "block"
    found = {one["rule"]: TEXT[one["start"] : one["end"]] for one in told["hits"]}
    assert found == {"cards": "4111 1111 1111 1111", "projects": "Kestrel"}
    assert told["unasked"] == []
    assert legato.chat("chat", TEXT).status == 400  # as it says


def test_a_policy_for_others_is_not_asked_for_an_organisation(legato: RunningLegato) -> None:
    legato.create_key("--org", "acme", "--feature", "x")
    told = preview(legato, query="?org=acme").json
    assert {one["rule"] for one in told["hits"]} == {"cards", "projects", "z"}


def test_a_draft_is_tried_before_it_is_a_version(legato: RunningLegato) -> None:
    text = "Ask Angela Merkel about corp-a1b2c3d4"
    told = preview(legato, text=text, spec=DRAFT).json
    found = {one["rule"]: text[one["start"] : one["end"]] for one in told["hits"]}
    assert found == {"people": "Angela Merkel", "codes": "corp-a1b2c3d4"}
    assert (told["policies"], told["action"]) == (["draft"], "block")
    watched = preview(legato, text=text, spec={**DRAFT, "mode": "shadow"}).json
    assert watched["action"] == ""
    assert not any(one["enforced"] for one in watched["hits"])


def test_a_draft_with_a_mistake_says_where(legato: RunningLegato) -> None:
    wrong = preview(legato, spec={"rules": [{"name": "r", "detect": {"labels": ["NO_SUCH"]},
                                             "action": "block"}]})  # fmt: skip
    assert wrong.status == 400
    assert "NO_SUCH" in wrong.body.decode()
    assert preview(legato, spec=DRAFT, policy="house").status == 400
    assert preview(legato, text="").status == 400


def test_a_version_of_the_registry_is_asked_in_its_own_organisation(legato: RunningLegato) -> None:
    place = "/api/v1/registry/objects/guardrail/codes/versions"
    made = legato.post(place, {"spec": DRAFT, "labels": ["production"]}, ADMIN)
    assert made.status == 201, made.body
    told = preview(legato, text="corp-a1b2c3d4", policy="codes").json
    assert [one["rule"] for one in told["hits"]] == ["codes"]
    assert told["policies"][0].startswith("guardrail/codes@")
    legato.create_key("--org", "other", "--feature", "x")
    assert preview(legato, query="?org=other", policy="codes").status == 404


def test_only_who_may_read_the_registry_asks(legato: RunningLegato) -> None:
    reader = legato.create_key("--feature", "r", "--permission", "control:ledger:read")["secret"]
    assert preview(legato, key=reader).status == 403
