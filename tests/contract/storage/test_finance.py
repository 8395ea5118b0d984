"""Assumptions and entries of the books, on either database."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine

from legato.core.clock import ManualClock
from legato.core.errors import Conflict, InvalidRequest, LegatoError, NotFound
from legato.core.ids import IdSource
from legato.core.tenant import EVERY_TENANT, Area, Areas, Reach, Tenant
from legato.economics.finance.assumptions import Said, checked
from legato.economics.finance.entries import EntryKind, LabourSaid, RevenueSaid
from legato.finance.books import FinanceBooks, FinanceStores
from legato.storage.audit.log import AuditFilter, AuditLog
from legato.storage.finance.assumptions import AssumptionStore
from legato.storage.finance.entries import (
    EntryFilter,
    FinanceEntryStore,
    prune_finance,
)

ACME, OTHER = Tenant("acme"), Tenant("other")
NS = 1_000_000_000


@pytest.fixture
def books(engine: Engine, clock: ManualClock, ids: IdSource) -> FinanceBooks:
    stores = FinanceStores(
        lambda tenant: AssumptionStore(engine, clock, tenant),
        lambda kind, reach: FinanceEntryStore(engine, (clock, ids), kind, reach),
    )
    return FinanceBooks(stores, clock)


@pytest.fixture
def rows(books: FinanceBooks) -> Callable[[Reach], list[str]]:
    def of(reach: Reach) -> list[str]:
        store = books.stores.entries(EntryKind.REVENUE, reach)
        return [row.entry.external_id for row in store.every(EntryFilter())]

    return of


def said(value: str, **more: Any) -> Said:
    return Said(name="initial.usd", value=value, source="offer", **more)


def earned(name: str, amount: str = "100", **more: str) -> RevenueSaid:
    return RevenueSaid(period="2026-08", amount=amount, external_id=name, **more)


def test_versions_follow_each_other_and_each_stays_to_be_read(books: FinanceBooks) -> None:
    books.say(ACME, [said("10"), said("20")], "ann")
    (same,) = books.say(ACME, [said("20")], "bob")
    assert (same.version, same.author) == (2, "ann"), "what is so already adds nothing"
    books.say(OTHER, [said("99")], "eve")
    assert [one.value for one in books.history(ACME, "initial.usd")] == ["10", "20"]
    assert books.held(ACME)["initial.usd"].value == "20"
    assert books.held(ACME)["discount.rate_year"].version == 0
    books.withdraw(ACME, "initial.usd", "was a guess", "ann")
    assert "initial.usd" not in books.held(ACME)
    assert len(books.history(ACME, "initial.usd")) == 3
    with pytest.raises(InvalidRequest, match="nobody has set"):
        books.withdraw(ACME, "discount.rate_year", "", "ann")


def test_several_are_kept_together_or_not_at_all(books: FinanceBooks) -> None:
    with pytest.raises(InvalidRequest, match="entry 2: value"):
        books.say(ACME, [said("1"), said("x")], "ann")
    assert books.history(ACME, "initial.usd") == []


def test_who_sets_a_name_at_the_same_moment_gets_a_version_of_his_own(
    books: FinanceBooks, engine: Engine, clock: ManualClock
) -> None:
    refused = []

    def set_some(who: str) -> None:
        for number in range(5):
            one = checked(said(f"{len(who)}{number}"), today="2026-01-01")
            try:
                AssumptionStore(engine, clock, ACME).add([one], who)
            except LegatoError as error:
                refused.append(error)

    people = [threading.Thread(target=set_some, args=("x" * n,)) for n in range(1, 4)]
    for one in people:
        one.start()
    for one in people:
        one.join()
    assert refused == []
    versions = [one.version for one in books.history(ACME, "initial.usd")]
    assert versions == list(range(1, 16))


def test_an_external_id_counts_once(
    books: FinanceBooks, rows: Callable[[Reach], list[str]]
) -> None:
    place = (ACME, "acme")
    first = books.add(place, [earned("a"), earned("b")], "ann")
    again = books.add(place, [earned("b"), earned("c")], "ann")
    assert (first.added, again.added, again.unchanged) == (2, 1, 1)
    with pytest.raises(Conflict, match="'a'"):
        books.add(place, [earned("d"), earned("a", "7")], "ann")
    assert rows(ACME) == ["a", "b", "c"], "all or none"
    changed = books.add(place, [earned("a", "7")], "ann", replace=True)
    assert changed.replaced == 1
    (total,) = books.stores.entries(EntryKind.REVENUE, ACME).sums(EntryFilter())
    assert (total.usd, total.rows, total.what) == (207 * NS, 3, "USD")
    with pytest.raises(InvalidRequest, match="entry 2: external_id: 'x' is there twice"):
        books.add(place, [earned("x"), earned("x")], "ann")


def test_a_lasting_rate_of_the_month_is_taken(books: FinanceBooks) -> None:
    euro = Said(name="fx.eur", value="1.1", source="ECB", valid_from="2026-08-15")
    with pytest.raises(InvalidRequest, match=r"fx\.eur"):
        books.add((ACME, "acme"), [earned("a", currency="EUR")], "ann")
    books.say(ACME, [euro], "ann")
    books.add((ACME, "acme"), [earned("a", currency="EUR")], "ann")
    (row,) = books.stores.entries(EntryKind.REVENUE, ACME).every(EntryFilter())
    assert row.entry.usd == 110 * NS
    assert row.entry.details["rate_source"] == "fx.eur v1: ECB"


def test_what_is_anothers_does_not_exist(
    books: FinanceBooks, rows: Callable[[Reach], list[str]]
) -> None:
    books.add((EVERY_TENANT, "other"), [earned("theirs")], "ann")
    books.add((EVERY_TENANT, "acme"), [earned("own", team="t", feature="f")], "ann")
    books.add((EVERY_TENANT, "acme"), [earned("beside", team="t", feature="g")], "ann")
    part = Areas((Area("acme", "t", "f"),))
    assert (rows(ACME), rows(OTHER), rows(part)) == (["own", "beside"], ["theirs"], ["own"])
    theirs = next(books.stores.entries(EntryKind.REVENUE, OTHER).every(EntryFilter())).id
    for reach in (ACME, part):
        with pytest.raises(NotFound):
            books.delete(reach, theirs)
        with pytest.raises(NotFound):
            books.add((reach, "other"), [earned("x")], "ann")
    with pytest.raises(NotFound):
        books.add((part, "acme"), [earned("x", team="t", feature="g")], "ann")
    with pytest.raises(Conflict):
        books.add((part, "acme"), [earned("beside", "1", team="t", feature="f")], "a", replace=True)
    books.delete(OTHER, theirs)
    assert rows(OTHER) == []


def test_every_act_is_in_the_audit_log(books: FinanceBooks, engine: Engine) -> None:
    books.say(ACME, [said("10")], "ann")
    hours = LabourSaid(period="2026-08", role="agent", hours="2", usd_per_hour="50")
    books.add((ACME, "acme"), [hours], "ann")
    (row,) = books.stores.entries(EntryKind.LABOUR, ACME).every(EntryFilter())
    books.delete(ACME, row.id)
    events = [one.event for one in AuditLog(engine, ACME).page(9, AuditFilter())]
    assert [event.action for event in events][::-1] == [
        "assumption.set",
        "labour.add",
        "labour.delete",
    ]
    assert events[0].details["usd"] == 100 * NS


def test_entries_go_when_their_month_has_had_its_time(
    books: FinanceBooks, engine: Engine, rows: Callable[[Reach], list[str]]
) -> None:
    old = RevenueSaid(period="2025-07", amount="1", external_id="old")
    books.add((ACME, "acme"), [old, earned("young")], "ann")
    august_2026_ns = 1_785_600_000 * NS
    assert prune_finance(engine, august_2026_ns) == 1
    assert rows(ACME) == ["young"]
