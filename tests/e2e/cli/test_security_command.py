"""`legato security check` on configurations that hold, and on ones that don't."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import legato as legato_package

if TYPE_CHECKING:
    from conftest import Legato

CONFIG = """\
config_version: 1
egress: {private: refuse}
server: {port: 1, body_bytes_max: 65536, admin: {port: 2}, metrics: {port: 3}}
storage: {url: {env: A_DATABASE_NOT_SET_HERE}}
telemetry: {otlp: {endpoint: "https://traces.example.com/v1/traces"}}
capture: {rules: [{payloads: full}]}
providers:
  - {name: open, kind: openai_compatible, preset: openai, api_key: {env: NOT_SET_HERE}}
  - {name: anthropic, kind: anthropic, api_key: {vault: claude}}
  - {name: g, kind: gemini, api_key: {env: NOT_SET_HERE}}
deployments:
  - {name: small, provider: open, model: gpt-4o-mini, limits: {requests_per_minute: 1}}
  - {name: claude, provider: anthropic, model: claude-sonnet-4-5}
  - {name: gem, provider: g, model: gemini-2.5-flash}
routes:
  - {alias: chat, deployments: [small, claude, gem], drop_unsupported: true}
GUARDRAILS
access:
  rules:
    - {name: some, who: {teams: [elsewhere]}, tools: {deny: [shell]}}
    - {name: others, who: {teams: [there]}, tools: {allow: [search]}}
accounts:
  external_url: https://legato.example.com
  oidc:
    - name: staff
      issuer: https://login.example.com
      client_id: legato
      client_secret: {env: NOT_SET_HERE}
      algorithms: [PS256]
      role_mapping: [{claim: groups, value: a, role: viewer}]
token_issuers:
  - name: staff
    issuer: https://login.example.com
    audience: legato
    jwks_url: https://login.example.com/keys
    algorithms: [ES384]
    keys: [{claim: groups, value: a, key: ours}]
keys:
  - {name: ours, team: a, feature: b, secret: {env: NOT_SET_HERE}}
"""
GUARDRAILS = """\
guardrails:
  detectors:
    - {name: house, url: "https://detector.example.com/scan", labels: [HOUSE_RULE]}
  policies:
    - name: company
      attach: {teams: [support]}
      mode: MODE
      rules:
        - {name: m, detect: {labels: [EMAIL_ADDRESS], patterns: {n: "no-[0-9]{4}"}}, action: redact}
        - {name: keys, detect: {labels: [secrets, HOUSE_RULE]}, action: block}
        - {name: said, on: [output], detect: {words: {w: [Kestrel]}}, action: block}
"""
NOT_BUILT = set() if (Path(legato_package.__file__).parent / "console").is_dir() else {35}
"""Whose console isn't built has no page to look at."""
TOO_LARGE = {15}
"""A megabyte doesn't fit into a body of this configuration."""
MASKING = {1, 2, 3, 4, 5, 7, 8}


def checked(
    legato: Legato, folder: Path, guardrails: str, *options: str
) -> tuple[int, dict[int, dict[str, Any]]]:
    (folder / "legato.yaml").write_text(CONFIG.replace("GUARDRAILS\n", guardrails))
    done = legato("security", "check", "--json", *options)
    assert done.stdout, done.stderr
    assert {path.name for path in folder.iterdir()} == {"legato.yaml"}
    return done.returncode, {one["case"]: one for one in json.loads(done.stdout)["cases"]}


def ended(cases: dict[int, dict[str, Any]], verdict: str) -> set[int]:
    return {number for number, one in cases.items() if one["verdict"] == verdict}


def test_a_configuration_that_redacts_and_blocks_passes(legato: Legato, tmp_path: Path) -> None:
    enforced = GUARDRAILS.replace("MODE", "enforce")
    status, cases = checked(legato, tmp_path, enforced, "--value", "no-1234")
    assert ended(cases, "failed") == set(), cases
    assert status == 0
    assert ended(cases, "not applicable") == set()
    assert ended(cases, "not proven here") == TOO_LARGE | NOT_BUILT
    assert cases.keys() == set(range(1, 41))
    assert cases[6]["evidence"] == "9 requests with a value in every place"
    assert cases[13]["evidence"] == "6 answers with what a rule keeps out"
    assert cases[33]["evidence"].endswith("uploads were kept; Legato unpacks no archives")
    assert "things kept of a user, erased; the ledger was verified" in cases[38]["evidence"]
    assert "10 logs of" in cases[36]["evidence"]
    assert cases[37]["evidence"] == "5 acts and calls refused without room on the disk"
    assert cases[26]["evidence"].endswith("6 of them with an id that exists")
    assert cases[29]["evidence"].startswith("15 tokens refused")
    assert cases[31]["evidence"].startswith("9 requests of another origin")
    assert cases[40]["evidence"].endswith("2 rules of yours are about tools (access.rules)")
    assert "no-1234" not in json.dumps(cases)


def test_a_policy_in_shadow_is_told_to_let_values_through(legato: Legato, tmp_path: Path) -> None:
    status, cases = checked(legato, tmp_path, GUARDRAILS.replace("MODE", "shadow"))
    assert status == 1
    assert ended(cases, "failed") == {6, 9, 11, 13}
    told = "values reached the model as they are: EMAIL_ADDRESS, SECRET (company: in mode shadow)"
    assert cases[6]["evidence"] == told
    assert ended(cases, "not proven here") == TOO_LARGE | MASKING | NOT_BUILT


def test_without_policies_the_rest_is_tried(legato: Legato, tmp_path: Path) -> None:
    status, cases = checked(legato, tmp_path, "")
    assert status == 0, cases
    assert ended(cases, "not applicable") == MASKING | {6, 9, 10, 11, 13, 14, 15}
    others = {12, *range(16, 41)} - NOT_BUILT
    assert ended(cases, "passed") == others, cases


def test_what_cant_be_asked_is_said(legato: Legato, tmp_path: Path) -> None:
    file = tmp_path / "empty.yaml"
    file.write_text("config_version: 1\n")
    done = legato("security", "check", "--config", file)
    assert done.returncode == 1
    assert "names no deployment" in done.stderr
    file.write_text(CONFIG.replace("GUARDRAILS\n", ""))
    done = legato("security", "check", "--config", file, "--route", "nowhere")
    assert done.returncode == 1
    assert "no route or deployment 'nowhere'" in done.stderr
