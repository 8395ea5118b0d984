"""What an organisation has that the control API names by an id."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from running import ADMIN, within

from legato.core.clock import SystemClock
from legato.core.guard_samples import Sample
from legato.core.ids import IdSource
from legato.core.kept_maps import MapHead
from legato.core.notification import Notification, Severity
from legato.core.report_schedule import ReportRun, ReportSchedule
from legato.core.tenant import Tenant
from legato.storage.anomalies.found import Anomalies, Anomaly
from legato.storage.database.engine import open_engine, writing
from legato.storage.evaluation.live_scores import Alarm, LiveScore, LiveScores, Watched
from legato.storage.kept.guard_samples import GuardSampleIntake, SealedSample
from legato.storage.kept.kept_maps import Asking, KeptMapIntake, KeptMaps, SealedMap
from legato.storage.notifications.outbox import Addressed, Outbox
from legato.storage.registry.holdouts import HoldoutStore
from legato.storage.registry.proposals import NewProposal, ProposalStore
from legato.storage.schedules.schedules import Schedules
from legato.storage.tasks.records import NewTask
from legato.storage.tasks.tasks import TaskStore

if TYPE_CHECKING:
    from running import RunningLegato

V1 = "/api/v1"


def made(legato: RunningLegato, path: str, body: Any, key: str = ADMIN, **headers: str) -> Any:
    answer = legato.post(V1 + path, body, key, headers)
    assert answer.status in {200, 201}, answer.body
    return answer.json


def roles(legato: RunningLegato, org: str, feature_id: str, key: str) -> dict[str, str]:
    """A role of its own, and a key that has it."""
    role = {"name": f"role-of-{org}", "permissions": ["control:ledger:read"]}
    made(legato, "/roles", role, key)
    subject = made(legato, "/keys", {"feature_id": feature_id}, key)["key"]["id"]
    wish = {"subject_kind": "key", "subject_id": subject, "role": role["name"], "org": org}
    rule = {"name": f"rule-of-{org}", "who": {"teams": ["nobody"]}, "models": ["chat"]}
    return {
        "role": role["name"],
        "binding_id": made(legato, "/role-bindings", wish, key)["id"],
        "rule_id": made(legato, "/access-rules", rule, key)["id"],
    }


def spending(legato: RunningLegato, org: str, key: str) -> dict[str, str]:
    """What it may spend, what it spent elsewhere, and what it earned."""
    entry = {"period": "2026-08", "amount": "100", "external_id": "invoice"}
    made(legato, "/finance/revenue", {"org": org, "entries": [entry]}, key)
    listed = legato.get(f"{V1}/finance/entries?kind=revenue&org={org}", key)
    return {
        **corrected(legato, key),
        "insight_id": "requests",
        "kpi": "requests",
        "baseline_id": made(legato, "/savings/baselines", {"name": f"of-{org}"}, key)["id"],
        "budget_id": budget(legato, org, key),
        "import_id": usage_import(legato, org),
        "entry_id": listed.json["data"][0]["id"],
        **told(legato, org),
        **serving(legato, org, key),
        "task_id": task(legato, org),
        **scheduled(legato, org),
    }


def task(legato: RunningLegato, org: str) -> str:
    """Put beside the program: who asks is a run."""
    engine, clock = open_engine(f"sqlite:///{legato.data / 'legato.db'}"), SystemClock()
    ids = IdSource(clock)
    new = NewTask(
        org=org, id=ids.new(), team="", feature="", workflow="refund", run_id=ids.new(),
        path="ok", ask="approve", approvals_needed=1, sealed=b"",
    )  # fmt: skip
    with writing(engine) as connection:
        return TaskStore(engine, clock, ids, Tenant(org)).add(connection, new)


def account(legato: RunningLegato, org: str, secret: str) -> dict[str, str]:
    wanted = {"org": org, "kind": "service", "name": "deploy"}
    own = made(legato, "/accounts", wanted, secret)["account"]["id"]
    at = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
    token = made(legato, f"/accounts/{own}/tokens", {"name": "ci", "expires_at": at}, secret)
    found = {"account_id": own, "session_id": own, "token_id": token["token"]["id"]}
    return {**found, "provider": "x"}


def told(legato: RunningLegato, org: str) -> dict[str, str]:
    """Put beside the program: an anomaly takes weeks of traffic, a notification a channel."""
    engine, ids = open_engine(f"sqlite:///{legato.data / 'legato.db'}"), IdSource(SystemClock())
    unusual = Anomaly(
        id=ids.new(), org=org, team="support", feature="bot", first_hour=1, last_hour=2,
        found_at_ns=SystemClock.now_ns(), cost=2, expected=1, z=9.0, reference_hour=0,
        reference_cost=1, parts={"volume": 1}, model="m",
    )  # fmt: skip
    Anomalies(engine, Tenant(org)).keep(unusual)
    said = Notification(
        id=ids.new(), kind="anomaly.spend", severity=Severity.WARNING, title=org, text="",
        at_ns=SystemClock.now_ns(), once=org, org=org,
    )  # fmt: skip
    Outbox(engine, Tenant(org)).add([Addressed(said, ["nowhere"])])
    engine.dispose()
    return {"anomaly_id": unusual.id, "notification_id": said.id}


def serving(legato: RunningLegato, org: str, key: str) -> dict[str, str]:
    """An objective and an incident of its own."""
    wish = {"name": f"of-{org}", "measured": "errors", "target": "99"}
    named = made(legato, f"/objectives?org={org}", wish, key)["name"]
    incident = made(legato, f"/incidents?org={org}", {"title": org}, key)
    return {"objective": named, "incident_id": incident["id"]}


def scheduled(legato: RunningLegato, org: str) -> dict[str, str]:
    """Put beside the program: a schedule takes a channel, and a report the time that it is due."""
    engine = open_engine(f"sqlite:///{legato.data / 'legato.db'}")
    clock = SystemClock()
    ids, schedules = IdSource(clock), Schedules(engine, clock, Tenant(org))
    wanted = ReportSchedule(
        id=ids.new(), org=org, name=f"of-{org}", kind="savings", form="json", cron="@yearly",
        time_zone="UTC", span="last-month", channels=("nowhere",),
    )  # fmt: skip
    one = schedules.add(wanted, frozenset({"nowhere"}))
    run = ReportRun(
        id=ids.new(), org=org, schedule_id=one.id, due_ns=1, period="2026-01",
        made_ns=clock.now_ns(), digest="0" * 64, event=None, size=2,
    )  # fmt: skip
    said = Notification(
        id=ids.new(), kind="report.made", severity=Severity.INFO, title=org, text="",
        at_ns=SystemClock.now_ns(), once=f"report {org}", org=org,
    )  # fmt: skip
    schedules.made(one, run, b"{}", told=Addressed(said, []))
    engine.dispose()
    return {"schedule_id": one.id, "report_run_id": run.id}


def budget(legato: RunningLegato, org: str, key: str) -> str:
    made_one = made(legato, "/budgets", {"name": f"of-{org}", "org": org, "usd": "1000"}, key)
    found: str = made_one["id"]
    return found


def usage_import(legato: RunningLegato, org: str) -> str:
    report = legato.data / f"{org}.csv"
    report.write_text(
        f"start_time,amount_value,amount_currency,line_item\n1730419200,1,usd,{org}\n"
    )
    done = legato.command("baseline", "import", str(report), "--org", org, "--json")
    found: str = json.loads(done)[0]["id"]
    return found


def corrected(legato: RunningLegato, key: str) -> dict[str, Any]:
    """An entry of its own, and a correction of it."""
    path = f"{V1}/ledger/entries"
    assert within(10, lambda: legato.get(path, key).json["data"])
    entry = legato.get(path, key).json["data"][0]["id"]
    wish = {"cost_usd": "0.01", "reason": "a contract"}
    correction = made(legato, f"/ledger/entries/{entry}/correct", wish, key)
    line = {"start": "2026-10-01", "end": "2026-10-02", "cost": "1", "vendor": key[:8]}
    invoice = made(legato, "/invoices", {"name": "x", "lines": [line]}, key)
    period = f"{datetime.now(UTC):%Y-%m}"
    return {"entry_id": entry, "correction_id": correction["id"], "period": period} | {
        "invoice_id": invoice["id"]
    }


def evaluation(legato: RunningLegato, org: str, key: str) -> dict[str, str]:
    """An evaluation, and a run of a workflow."""
    cases = legato.data / f"{org}.jsonl"
    cases.write_text('{"input": "Hi"}\n')
    legato.command("datasets", "import", "few", str(cases), "--org", org, "--label", "draft")
    suite = {"dataset": "few@draft", "models": ["chat"], "scorers": [{"use": "exact"}]}
    found: str = made(legato, "/evaluations", {"suite": suite}, key)["id"]
    return {"evaluation_id": found, "run_id": workflow_run(legato, key)}


def page(legato: RunningLegato, org: str, feature_id: str, key: str) -> str:
    """A workflow that is published."""
    spec = {
        "input": {"properties": {"name": {"type": "string"}}},
        "nodes": [{"kind": "set", "id": "a", "value": 1}],
    }
    version = {"spec": spec, "labels": ["production"]}
    made(legato, "/registry/objects/workflow/greeting/versions", version, key)
    wish = {"name": f"of-{org}", "kind": "form", "workflow": "greeting", "feature_id": feature_id,
            "budget": {"usd": "1"}}  # fmt: skip
    found: str = made(legato, "/workflow-pages", wish, key)["id"]
    return found


def workflow_run(legato: RunningLegato, key: str) -> str:
    """One that waits longer than any test."""
    resting = {"nodes": [{"kind": "wait", "id": "rest", "for_s": 86_400}]}
    found: str = made(legato, "/workflow-runs", {"definition": resting}, key)["id"]
    return found


def review(legato: RunningLegato, key: str) -> str:
    levels = [{"value": 1, "meaning": "wrong"}, {"value": 5, "meaning": "right"}]
    rubric = {"criteria": [{"name": "right", "question": "Is it right?", "levels": levels}]}
    version = {"spec": {"model": "small", "rubric": rubric}, "labels": ["production"]}
    made(legato, "/registry/objects/judge/grader/versions", version, key)
    wish = {"judge": "grader", "items": [{"answer": "Hello"}]}
    found: str = made(legato, "/reviews", wish, key)["ids"][0]
    return found


def alarm(legato: RunningLegato, org: str) -> str:
    """Raised by a score that is put beside the program: drift takes many answers."""
    ids = IdSource(SystemClock())
    raised = Alarm(ids.new(), "p", "judge", "v", 1, "{}")
    engine = open_engine(f"sqlite:///{legato.data / 'legato.db'}")
    LiveScores(engine, Tenant(org)).put(
        LiveScore(
            id=ids.new(), policy="p", scorer="judge", request_id=ids.new(), versions="v",
            deployment="small", at_ns=1, value=0.0, sealed=b"", cost=None, scored_at_ns=1,
        ),
        lambda _: Watched("alarmed", raised),
    )  # fmt: skip
    engine.dispose()
    return raised.id


def holdout(legato: RunningLegato, org: str) -> str:
    """Begun beside the program: the API wants traffic that tells what it will cost."""
    engine = open_engine(f"sqlite:///{legato.data / 'legato.db'}")
    clock = SystemClock()
    begun = HoldoutStore(engine, clock, IdSource(clock), Tenant(org)).start("chat", 1, "ann", "")
    engine.dispose()
    return begun.id


def guard_sample(legato: RunningLegato, org: str) -> str:
    """Found beside the program: it takes a policy and traffic."""
    engine = open_engine(f"sqlite:///{legato.data / 'legato.db'}")
    found = Sample(
        id=IdSource(SystemClock()).new(), at_ns=1, expires_at_ns=2**62, text_until_ns=0, org=org,
        request_id="r", end_user="", policy="p", version="v", rule="r", label="PERSON",
        detector="names", action="flag", mode="enforce", place="input", pointer="/input", first=0,
        last=1, score=0.9, at_least=0.5, point=1,
    )  # fmt: skip
    GuardSampleIntake(engine, 9).put([SealedSample(found, b"")])
    engine.dispose()
    return found.id


def kept_map(legato: RunningLegato, org: str, request_id: str) -> None:
    """Kept and read beside the program: it takes a policy that says so."""
    engine = open_engine(f"sqlite:///{legato.data / 'legato.db'}")
    head = MapHead(
        org=org, request_id=request_id, end_user="", at_ns=1, expires_at_ns=2**62, policies=("v",),
        who=None, count=1,
    )  # fmt: skip
    KeptMapIntake(engine).put([SealedMap(head, b"")])
    clock = SystemClock()
    KeptMaps(engine, clock, IdSource(clock), Tenant(org)).read(request_id, Asking("a", None, b""))
    engine.dispose()


def proposal(legato: RunningLegato, org: str) -> str:
    """Made beside the program: it follows from a vendor's change."""
    engine = open_engine(f"sqlite:///{legato.data / 'legato.db'}")
    clock = SystemClock()
    store = ProposalStore(engine, clock, IdSource(clock), Tenant(org))
    offered = store.offer(NewProposal("d", "price", "small", "{}", "[]", None, "less"), "ann")
    engine.dispose()
    return offered.id
