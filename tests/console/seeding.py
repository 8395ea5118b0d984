"""What the journeys find: routes of two prices, a cache, a policy, budgets, people, and calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from running import ADMIN, CALLER, within

from legato.core.clock import SystemClock
from legato.core.ids import IdSource
from legato.core.tenant import EVERY_TENANT
from legato.storage.database.engine import open_engine
from legato.storage.tenants.roles import NewBinding, RoleBindings

if TYPE_CHECKING:
    from running import RunningLegato

EMAIL = "olive@example.com"
PASSWORD = "four horses in a field"
HELPDESK = "lg-the-helpdesk-key-of-these-tests"
VARIABLES = {"HELPDESK_KEY": HELPDESK, "ADMIN_KEY": ADMIN}
SETTLED_S = 60
CALLS, REPEATED, REFUSED = 48, 16, 2
CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
providers:
  - name: pretend
    kind: simulated
    settings: {latency_ms: 20, latency_jitter_ms: 15, models: {large: {latency_ms: 60}}}
deployments:
  - {name: small, provider: pretend, model: small, price: {input_per_mtok: "0.4", output_per_mtok: "1.6"}}
  - {name: large, provider: pretend, model: large, price: {input_per_mtok: "3", output_per_mtok: "15"}}
routes:
  - {alias: chat, baseline: large, deployments: [small, large], cache: {enabled: true, ttl_s: 3600}}
  - {alias: careful, baseline: large, deployments: [large]}
guardrails:
  policies:
    - name: company
      attach: {teams: [service]}
      rules:
        - {name: projects, detect: {words: {project: [Kestrel]}}, action: redact}
        - {name: keys, detect: {patterns: {key: "corp-[a-z0-9]{8}"}}, action: block}
        - {name: cards, detect: {labels: [CREDIT_CARD]}, action: block}
        - {name: places, detect: {words: {place: [Thornbury]}}, action: flag}
notifications:
  channels:
    - {name: hook, webhook: {url: "http://127.0.0.1:9/hook", secret: {env: ADMIN_KEY}}}
capture:
  rules:
    - {routes: [chat, careful], retention_days: 7}
keys:
  - {name: admin, team: ops, feature: admin, admin: true, secret: {env: ADMIN_KEY}}
  - {name: app, team: platform, feature: letters, secret: {env: CALLER_KEY}}
  - {name: helpdesk, team: service, feature: helpdesk, secret: {env: HELPDESK_KEY},
     budget: {usd: "5", window: day}}
"""  # noqa: E501 - a row each
ISSUED = """\
config_version: 1
accounts:
  external_url: "OUTSIDE"
  passwords: false
  oidc:
    - name: op
      title: Staff
      issuer: "ISSUER"
      client_id: legato
      client_secret: {env: CLIENT_SECRET}
      scopes: [openid, profile, email, groups]
      role_mapping:
        - {claim: groups, value: platform, role: admin, instance: true}
keys:
  - {name: admin, team: ops, feature: admin, admin: true, secret: {env: ADMIN_KEY}}
"""
QUESTIONS = (
    "Summarise the letter of the customer",
    "Which form does a refund need",
    "Write a reply that declines politely",
    "Is this claim complete",
)


def seed(legato: RunningLegato) -> None:
    """Make a person, and call the gateway as two applications would."""
    invite(legato)
    for number in range(CALLS):
        key = HELPDESK if number % 3 == 0 else CALLER
        model = "careful" if number % 8 == 5 else "chat"
        question = f"{QUESTIONS[number % 4]}? Case {number % (CALLS - REPEATED)}."
        answer = legato.chat(model, question, key=key, user=f"user-{number % 5}", max_tokens=60)
        assert answer.status == 200, answer.body
    # What a model answers is text, whatever stands in it.
    for question in ("Tell the news of Kestrel", "<script>document.title='owned'</script>"):
        assert legato.chat("chat", question, key=HELPDESK).status == 200
    for _ in range(REFUSED):
        assert legato.chat("chat", "my key is corp-a1b2c3d4", key=HELPDESK).status == 400
    cases = legato.data / "questions.jsonl"
    cases.write_text('{"input": "Where?", "expected": "There"}\n{"input": "Which form is it?"}\n')
    legato.command("datasets", "import", "journey-questions", str(cases), "--label", "draft")
    wanted = CALLS + 2 + REFUSED
    assert within(SETTLED_S, lambda: len(legato.traces()) >= wanted), len(legato.traces())


def invite(legato: RunningLegato) -> None:
    """Make the person who signs in: an owner of everything here."""
    made = ask(legato, "/accounts", {"org": "default", "email": EMAIL})
    clock = SystemClock()
    engine = open_engine(f"sqlite:///{legato.data / 'legato.db'}")
    subject = made["account"]["id"]
    bindings = RoleBindings(engine, clock, IdSource(clock), EVERY_TENANT)
    new = NewBinding(subject_kind="account", subject_id=subject, role="owner", org="*")
    bindings.bind(new, "test")
    engine.dispose()
    token = ask(legato, f"/accounts/{subject}/invite", None)["invitation"]
    ask(legato, "/login/invitation", {"token": token, "password": PASSWORD})


def furnish(legato: RunningLegato) -> None:
    """Make what only pictures need: a workflow with runs that wait and fail, a goal, a budget."""
    nodes = [
        {"id": "draft", "kind": "prompt", "model": "chat", "user": "Answer ${input}"},
        {"id": "ask", "kind": "human", "ask": "approve", "subject": "Send this answer?",
         "body": "${steps.draft.output}", "after": ["draft"]},
        {"id": "send", "kind": "set", "value": "${steps.draft.output}", "after": ["ask:approved"]},
    ]  # fmt: skip
    stored = {"spec": {"nodes": nodes}, "labels": ["production"]}
    ask(legato, "/registry/objects/workflow/answer-letters/versions", stored)
    for letter in ("Where is my parcel?", "I want my money back"):
        ask(legato, "/workflow-runs", {"workflow": "answer-letters", "input": letter})
    refuse = {"id": "refuse", "kind": "raise", "code": "refused", "message": "Not for ${input}"}
    ask(
        legato,
        "/workflow-runs",
        {"workflow": "", "definition": {"nodes": [refuse]}, "input": "Ada"},
    )
    ask(legato, "/objectives", {"name": "answers", "measured": "errors", "target": "99.9"})


def ask(legato: RunningLegato, path: str, body: Any) -> Any:
    """Post to the control API as the administrator, and return what it said."""
    answer = legato.post(f"/api/v1{path}", b"" if body is None else body, ADMIN)
    assert answer.status < 300, answer.body
    return answer.json
