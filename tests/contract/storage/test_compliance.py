"""What checks of compliance came to, on both databases: rows for likes, gaps, changes audited."""

from sqlalchemy import Engine

from legato.core.compliance import Finding, Status
from legato.core.tenant import EVERY_TENANT
from legato.storage.audit.log import AuditLog
from legato.storage.compliance.facts import SAYS_UNTIL, ComplianceFacts
from legato.storage.compliance.results import ComplianceResults, prune_results

GOOD, BAD = Finding(Status.PASS, "good", {"n": 1}), Finding(Status.FAIL, "bad", {"n": 2})


def actions(engine: Engine) -> list[tuple[str, str]]:
    events = [one.event for one in AuditLog(engine, EVERY_TENANT).all()]
    return [(one.action, one.subject.id) for one in events]


def test_likes_are_one_row_and_changes_are_audited(engine: Engine) -> None:
    results = ComplianceResults(engine)
    assert results.record("c", "", GOOD, 10, gap_ns=30)
    assert not results.record("c", "", Finding(Status.PASS, "still", {"n": 3}), 20, gap_ns=30)
    assert results.record("c", "", BAD, 30, gap_ns=30)
    assert not results.record("c", "", BAD, 61, gap_ns=30)  # nobody looked for too long
    rows = results.between(0, 100)
    assert [(one.status, one.first_ns, one.last_ns, one.times) for one in rows] == [
        (Status.PASS, 10, 20, 2), (Status.FAIL, 30, 30, 1), (Status.FAIL, 61, 61, 1),
    ]  # fmt: skip
    assert (rows[0].told, rows[0].evidence) == ("still", {"n": 3})
    assert actions(engine) == [("compliance.change", "c")] * 2
    assert [one.first_ns for one in results.newest()] == [61]
    assert [one.first_ns for one in results.newest(at_ns=31)] == [30]


def test_machines_are_told_apart(engine: Engine) -> None:
    results = ComplianceResults(engine)
    results.record("c", "one", GOOD, 10, gap_ns=30)
    results.record("c", "two", BAD, 10, gap_ns=30)
    assert [(one.node, one.status) for one in results.newest()] == [
        ("one", Status.PASS), ("two", Status.FAIL),
    ]  # fmt: skip


def test_history_is_read_by_period_and_check_and_forgotten(engine: Engine) -> None:
    results = ComplianceResults(engine)
    for check, at_ns in (("a", 10), ("b", 20), ("c", 30)):
        results.record(check, "", GOOD, at_ns, gap_ns=30)
    assert [one.check for one in results.between(10, 30)] == ["a", "b"]
    assert [one.check for one in results.between(0, 99, "c")] == ["c"]
    assert prune_results(engine, 30) == 2
    assert [one.check for one in results.between(0, 99)] == ["c"]


def test_a_reports_digest_is_in_the_log(engine: Engine) -> None:
    index = ComplianceResults(engine).record_report("compliance gdpr", "ab" * 32, {"form": "pdf"})
    event = AuditLog(engine, EVERY_TENANT).get(index).event
    assert (event.action, event.subject.digest) == ("compliance.report", "ab" * 32)


def test_every_fact_can_be_asked_of_an_empty_database(engine: Engine) -> None:
    facts = ComplianceFacts(engine)
    assert {facts.overdue(kind, 10).overdue for kind in SAYS_UNTIL} == {0}
    assert (facts.people(), facts.roles(), facts.keys_in_force(1)) == ([], [], [])
    assert facts.keys_used_since(0) == frozenset()
    assert (facts.data_keys().count, facts.erasures().asked) == (0, 0)
    assert (facts.alarms_open(), facts.journal_alarms(), facts.events("x")) == ([], 0, 0)
    assert facts.newest_event(["x"]) is None
