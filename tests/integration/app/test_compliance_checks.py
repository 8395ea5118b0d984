"""Each live check on a real database: a good instance passes, and each can be made to fail."""

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select, text, update

from legato.app.compliance.checks import CHECKS, looked
from legato.app.compliance.controls import controls, standing
from legato.audit.event import Act, Subject
from legato.core.compliance import Control, Finding, Framework, Result, Status, control_status
from legato.storage.audit.writing import recorded
from legato.storage.database.engine import writing
from legato.storage.tables.accounts import account
from legato.storage.tables.audit import audit_event, audit_head
from legato.storage.tables.captures import capture
from legato.storage.tables.erasures import erasure
from legato.storage.tables.live_scores import drift_alarm
from legato.storage.tables.retention import retention_term
from legato.storage.tables.schema import data_key, journal_alarm

from .compliance_world import DAY_NS, OUTSIDE, World, person

NOT_TO_SEE = {"erasures-carried-out", "duties-separated", "keys-in-use", "stores-by-tls"}
"""Of which the good instance has nothing to look at."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("world"))


@pytest.fixture
def world(made: World, tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, made)
    yield world
    world.engine.dispose()


def look(world: World, check: str) -> Finding:
    scene = world.scene()
    try:
        return looked(CHECKS[check], scene)
    finally:
        scene.close()


def test_a_good_instance_passes_every_check(world: World) -> None:
    found = {name: look(world, name) for name in CHECKS}
    bad = {name: one.told for name, one in found.items() if one.status in {"fail", "warn"}}
    assert not bad
    unseen = {name for name, one in found.items() if one.status is Status.NOT_APPLICABLE}
    assert unseen == NOT_TO_SEE


def test_the_log_is_whole_while_acts_are_appended(world: World) -> None:
    """As the command and the live check look at it; what stands behind the head is a fault."""
    stop, acts = threading.Event(), []

    def append() -> None:
        while not stop.is_set():
            with writing(world.engine) as connection:
                recorded(connection, Act("", "key.create", Subject("key", f"k{len(acts)}")))
            acts.append(1)

    writer = threading.Thread(target=append)
    writer.start()
    try:
        found = [look(world, "audit-log-whole") for _ in range(8)]
    finally:
        stop.set()
        writer.join()
    assert [one.told for one in found if one.status is not Status.PASS] == []
    assert found[0].evidence["events"] < found[-1].evidence["events"]
    with world.engine.begin() as connection:
        connection.execute(update(audit_head).values(size=3))
    assert look(world, "audit-log-whole").status is Status.FAIL


def test_a_row_behind_the_head_is_a_fault(world: World) -> None:
    with world.engine.begin() as connection:
        last = connection.execute(select(func.max(audit_event.c.number))).scalar_one()
        columns = [one for one in audit_event.c if one.name != "number"]
        row = connection.execute(select(*columns).where(audit_event.c.number == last)).one()
        connection.execute(
            insert(audit_event), {**row._mapping, "number": last + 1, "org_number": 99}
        )
    found = look(world, "audit-log-whole")
    assert (found.status, found.evidence["first_bad_event"]) == (Status.FAIL, last + 1)


def spoil_listener(world: World) -> None:
    del world.config["server"]["tls"]


def spoil_provider(world: World) -> None:
    world.config["providers"][0]["base_url"] = "http://one.example/v1"


def spoil_store(world: World) -> None:
    world.config["storage"] = {"url": {"env": "STORE"}}
    world.env["STORE"] = "postgresql://legato@db.example/legato?sslmode=require"


def spoil_log(world: World) -> None:
    with world.engine.begin() as connection:
        connection.execute(update(audit_event).values(action="key.other"))


def spoil_sealing(world: World) -> None:
    with world.engine.begin() as connection:
        columns = {one["name"]: one for one in _columns(connection, "ledger_entry")}
        values = {name: _default(one) for name, one in columns.items() if name != "id"}
        names = ", ".join(values)
        marks = ", ".join(f":{name}" for name in values)
        statement = f"INSERT INTO ledger_entry ({names}) VALUES ({marks})"  # noqa: S608 - our columns
        connection.execute(text(statement), values)


def _columns(connection: Any, table: str) -> list[dict[str, Any]]:
    rows = connection.execute(text(f"PRAGMA table_info({table})"))
    return [dict(one) for one in rows.mappings()]


def _default(column: dict[str, Any]) -> Any:
    if not column["notnull"]:
        return None
    return "" if column["type"] == "TEXT" else 0


def spoil_capture(world: World) -> None:
    world.config["capture"]["rules"][0]["redact"] = False


def spoil_stated(world: World) -> None:
    world.config["feedback"] = {"retention_days": 4000}


def add_capture(world: World, **when_ns: int) -> None:
    values: dict[str, Any] = {one.name: "" for one in capture.columns if one.name != "id"}
    numbers = ("at_ns", "cost", "baseline_cost", "http_status", "input_tokens", "output_tokens",
               "total_us", "point", "content_bytes")  # fmt: skip
    values |= dict.fromkeys(numbers, 0) | {"stream": False, "sealed": b"", "org": "acme"}
    world.add(capture, **values | when_ns)


def spoil_retention(world: World) -> None:
    now_ns = world.clock.now_ns()
    add_capture(world, at_ns=now_ns, expires_at_ns=now_ns - DAY_NS)


def spoil_own_term(world: World) -> None:
    """A capture of five days ago, which says it may stay, where its organisation has three."""
    now_ns = world.clock.now_ns()
    add_capture(world, at_ns=now_ns - 5 * DAY_NS, expires_at_ns=now_ns + DAY_NS)
    assert look(world, "retention-carried-out").status is Status.PASS
    world.config["retention"] = {"organisations": {"acme": {"captures": 3}}}


def spoil_set_term(world: World) -> None:
    now_ns = world.clock.now_ns()
    add_capture(world, at_ns=now_ns - 5 * DAY_NS, expires_at_ns=now_ns + DAY_NS)
    world.add(
        retention_term, org="", kind="captures", days=3, changed_by="ann", changed_at_ns=now_ns
    )


def spoil_masters(world: World) -> None:
    world.add(
        data_key, id="k2", org="z", version=1, master_id="other", wrapped=b"", created_at_ns=1
    )


def spoil_rotation(world: World) -> None:
    world.pass_days(400)


def spoil_files(world: World) -> None:
    world.data.root.chmod(0o755)


def spoil_erasure(world: World) -> None:
    world.add(
        erasure, org="acme", id="e1", author="me", end_user="u", request_id="", counts="{}",
        at_ns=world.clock.now_ns() - 2 * DAY_NS, ended_at_ns=None,
    )  # fmt: skip


def spoil_sign_in(world: World) -> None:
    world.config["accounts"] = {}
    world.add(account, **person("bob", external=None, password="hash"))


def spoil_accounts(world: World) -> None:
    world.pass_days(91)


def spoil_owners(world: World) -> None:
    for n in range(6):
        world.bind(f"owner{n}", "owner")


def spoil_duties(world: World) -> None:
    world.bind("ann", "developer")
    world.bind("ann", "approver")


def spoil_approvals(world: World) -> None:
    world.config["registry"] = {"approvals": [{"environment": "staging"}]}


def spoil_expiry(world: World) -> None:
    world.add_key(expires_at_ns=None)


def spoil_key_age(world: World) -> None:
    world.pass_days(366)


def spoil_key_use(world: World) -> None:
    world.pass_days(91)


def spoil_sessions(world: World) -> None:
    world.config["accounts"] |= {"session_idle_s": 20_000.0, "session_s": 90_000.0}


def spoil_access(world: World) -> None:
    world.config["access"] = {}


def spoil_policy(world: World) -> None:
    world.config["guardrails"]["policies"][0]["attach"] = {"routes": ["chat"]}


def spoil_policy_by_team(world: World) -> None:
    world.config["guardrails"]["policies"][0]["attach"] = {"teams": ["t"]}


def spoil_policy_by_exception(world: World) -> None:
    rules = world.config["guardrails"]["policies"][0]["rules"]
    rules.insert(0, {"name": "but", "detect": {"labels": ["secrets"]}, "action": "allow"})


def spoil_policies(world: World) -> None:
    world.config["guardrails"] = {}


def spoil_regions(world: World) -> None:
    world.config["deployments"][1]["region"] = ""
    del world.config["routes"][0]["require"]


def spoil_terms(world: World) -> None:
    world.config["deployments"][0]["data_use"] = {"training": True, "retention_days": 0}


def spoil_ledger(world: World) -> None:
    spoil_sealing(world)
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE ledger_entry SET kind = 'reversal', reverses_entry = 99"))


def spoil_journal(world: World) -> None:
    world.add(
        journal_alarm, digest="d", segment="s", segment_offset=1, at_ns=1, reason="r", payload=b""
    )


def spoil_budgets(world: World) -> None:
    with world.engine.begin() as connection:
        connection.execute(text("DELETE FROM budget"))
    world.add_budget("theirs", team="another")


def spoil_alarms(world: World) -> None:
    world.add(
        drift_alarm, org="acme", id="a", policy="p", scorer="s", versions="v",
        at_ns=world.clock.now_ns() - 8 * DAY_NS, evidence="{}", acknowledged_by="",
    )  # fmt: skip


def spoil_fallbacks(world: World) -> None:
    world.config["routes"][0]["deployments"] = ["a"]


SPOILS: list[tuple[str, Callable[[World], object]]] = [
    ("listeners-speak-tls", spoil_listener),
    ("certificates-in-date", lambda world: world.certificate(days=-1)),
    ("providers-by-tls", spoil_provider),
    ("stores-by-tls", spoil_store),
    ("audit-log-whole", spoil_log),
    ("audit-log-copied", lambda world: world.pass_days(2)),
    ("audit-log-copied", lambda world: world.copied(world.clock.now_ns(), forked=True)),
    ("records-sealed", spoil_sealing),
    ("restore-drilled", lambda world: world.pass_days(91)),
    ("restore-drilled", lambda world: world.act("backup.drill_failed")),
    ("captures-redacted", spoil_capture),
    ("retention-stated", spoil_stated),
    ("retention-carried-out", spoil_retention),
    ("retention-carried-out", spoil_own_term),
    ("retention-carried-out", spoil_set_term),
    ("master-key-apart", spoil_masters),
    ("master-key-rotated", spoil_rotation),
    ("data-files-private", spoil_files),
    ("erasures-carried-out", spoil_erasure),
    ("sign-in-by-provider", spoil_sign_in),
    ("accounts-in-use", spoil_accounts),
    ("owners-few", spoil_owners),
    ("duties-separated", spoil_duties),
    ("changes-approved", spoil_approvals),
    ("keys-expire", spoil_expiry),
    ("keys-rotated", spoil_key_age),
    ("keys-in-use", spoil_key_use),
    ("sessions-end", spoil_sessions),
    ("access-rules-in-force", spoil_access),
    ("personal-data-held-back", spoil_policy),
    ("personal-data-held-back", spoil_policy_by_team),
    ("secrets-held-back", spoil_policy_by_exception),
    ("policies-enforced", spoil_policies),
    ("answers-checked", spoil_policy),
    ("regions-known", spoil_regions),
    ("rules-on-save", spoil_regions),
    ("rules-on-save", lambda world: world.config.pop("compliance")),
    ("data-use-known", spoil_terms),
    ("ledger-whole", spoil_ledger),
    ("spend-all-recorded", spoil_journal),
    ("budgets-hold", spoil_budgets),
    ("alarms-answered", spoil_alarms),
    ("routes-have-fallbacks", spoil_fallbacks),
]


@pytest.mark.parametrize(("check", "spoil"), SPOILS)
def test_each_check_fails_where_it_should(
    check: str, spoil: Callable[[World], object], world: World
) -> None:
    spoil(world)
    found = look(world, check)
    assert found.status is Status.FAIL, found.told
    assert "can't be looked at" not in found.told


def test_a_shorter_term_mends_what_is_stated(world: World) -> None:
    spoil_stated(world)
    world.config["retention"] = {"days": {"feedback": 30, "live_scores": 30}}
    found = look(world, "retention-stated")
    assert (found.status, found.evidence["days"]["feedback"]) == (Status.PASS, 30)


def test_a_full_disk_fails(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(world.data.root)
    full = usage._replace(free=1023 * 2**20)
    monkeypatch.setattr("legato.app.compliance.spending.shutil.disk_usage", lambda _: full)
    assert look(world, "disk-has-room").status is Status.FAIL


def test_every_check_is_shown_to_fail() -> None:
    assert {name for name, _ in SPOILS} | {"disk-has-room"} == CHECKS.keys()


def test_what_is_rotated_is_young_again(world: World) -> None:
    world.act("key.rotate", world.key)
    world.act("data_key.rewrap")
    world.pass_days(364)
    assert look(world, "keys-rotated").status is Status.PASS
    assert look(world, "master-key-rotated").status is Status.PASS


def test_what_warns(world: World) -> None:
    world.config["server"] = {"host": OUTSIDE, "trusted_proxies": ["10.0.0.0/8"]}
    world.config["vault"] = {}
    world.config["guardrails"]["policies"][0]["mode"] = "shadow"
    for name in ("listeners-speak-tls", "master-key-apart", "policies-enforced"):
        assert look(world, name).status is Status.WARN


def result(check: str, status: Status, last_ns: int = 100) -> Result:
    return Result(
        check=check, node="", status=status, told="", evidence={}, first_ns=1, last_ns=last_ns,
        times=1,
    )  # fmt: skip


def test_a_control_is_never_good_by_default() -> None:
    control = Control(framework=Framework.GDPR, id="x", demands="", beyond="")
    assert control_status(control, (), ()) is Status.NO_LIVE_CHECK
    checked = Control(framework=Framework.GDPR, id="x", demands="", checks=("a", "b"), beyond="")
    good, none = result("a", Status.PASS), result("b", Status.NOT_APPLICABLE)
    assert control_status(checked, (), ("a", "b")) is Status.NO_LIVE_CHECK
    assert control_status(checked, (good,), ("b",)) is Status.WARN
    assert control_status(checked, (good, none), ()) is Status.PASS
    assert control_status(checked, (good, result("b", Status.FAIL)), ()) is Status.FAIL


def test_what_was_not_looked_at_lately_does_not_count() -> None:
    hour_ns = DAY_NS // 24
    every = dict.fromkeys(CHECKS, hour_ns)
    fresh = [result(name, Status.PASS, 0) for name in CHECKS]
    old = [one.status for one in standing(fresh, 3 * hour_ns + 1, every)]
    assert set(old) == {Status.NO_LIVE_CHECK}
    now = {one.status for one in standing(fresh, 3 * hour_ns, every) if one.control.checks}
    assert now == {Status.PASS}
    often = standing(fresh, hour_ns // 6, dict.fromkeys(CHECKS, 1))  # a busy machine is late
    assert {one.status for one in often if one.control.checks} == {Status.PASS}
    assert {one.framework for one in controls()} == set(Framework)
