"""The registry keeps what was, and lets nobody change it but on purpose; on both databases."""

import threading
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine

from legato.core.clock import ManualClock
from legato.core.errors import Conflict, Forbidden, InvalidRequest, NotFound, PreconditionFailed
from legato.core.ids import IdSource
from legato.core.registry import Kind, MoveState, ObjectName, Selector, Truth, digest_of
from legato.core.tenant import Tenant
from legato.registry.documents import Document
from legato.registry.registry import Act, Registry
from legato.storage.registry.changes import RegistryChanges
from legato.storage.registry.reader import RegistryReader
from legato.storage.registry.records import Changes, Details, Move, NewVersion
from legato.storage.registry.snapshot import RegistrySnapshots

ACME, OTHER = Tenant("acme"), Tenant("other")
GREETING = ObjectName(Kind.PROMPT, "greeting")


class Desk:
    """One person who changes one organisation's registry."""

    def __init__(self, engine: Engine, clock: ManualClock, ids: IdSource, tenant: Tenant) -> None:
        self.changes = RegistryChanges(engine, clock, ids, tenant)
        self.read = RegistryReader(engine, tenant)

    def save(self, text: str, *moves: Move, author: str = "ada", **options: object) -> str:
        digest = digest_of(Kind.PROMPT, text)
        version = NewVersion(GREETING, digest, text.encode(), **options)  # type: ignore[arg-type]
        self.make(Changes(author, "why", "production", Truth.DATABASE, (version,), moves))
        return digest

    def make(self, changes: Changes) -> list[str]:
        return [one.id for one in self.changes.make(changes)]

    def point(self, digest: str, author: str = "ada", **options: object) -> list[str]:
        move = Move(GREETING, "production", digest, **options)  # type: ignore[arg-type]
        return self.make(Changes(author, "", "production", Truth.DATABASE, moves=(move,)))

    def pointed(self, label: str = "production") -> str:
        return self.read.version(GREETING, Selector(label=label), "production").digest


@pytest.fixture
def desk(engine: Engine, clock: ManualClock, ids: IdSource) -> Desk:
    return Desk(engine, clock, ids, ACME)


@pytest.fixture
def other(engine: Engine, clock: ManualClock, ids: IdSource) -> Desk:
    return Desk(engine, clock, ids, OTHER)


def test_the_same_content_is_the_same_version(desk: Desk) -> None:
    first, second = desk.save("hello"), desk.save("good day")
    assert desk.save("hello") == first
    kept = desk.read.versions(GREETING, 10)
    assert [(one.number, one.digest, one.sealed) for one in kept] == [
        (2, second, b"good day"),
        (1, first, b"hello"),
    ]
    assert {one.author for one in kept} == {"ada"}


class Plainly:
    """Seals nothing: the tests look at what is kept."""

    def seal(self, org: str, data: bytes, context: bytes) -> bytes:
        del org, context
        return data

    def open(self, org: str, sealed: bytes, context: bytes) -> bytes:
        del org, context
        return sealed


def test_documents_saved_together_are_kept_all_or_none(desk: Desk) -> None:
    def check(content: object) -> list[tuple[str, str]]:
        if content == "wrong":
            raise InvalidRequest("spec: wrong", param="spec")
        return []

    checks: Any = {Kind.PROMPT: check}
    registry = Registry("acme", (desk.read, desk.changes), Plainly(), checks=checks, approvals=())
    good, bad = (Document(Kind.PROMPT, name, name) for name in ("good", "wrong"))
    with pytest.raises(InvalidRequest, match="spec: wrong"):
        registry.save_together((good, bad), Act("ada"))
    with pytest.raises(NotFound):
        desk.read.object(good.object)
    other = Document(Kind.PROMPT, "other", "other", labels=("draft",))
    moves = registry.save_together((good, other), Act("ada"))
    assert {(str(one.name), one.label) for one in moves} == {
        ("prompt/good", "production"),
        ("prompt/other", "draft"),
    }


def test_a_version_is_named_by_label_number_or_digits(desk: Desk) -> None:
    first = desk.save("hello")
    second = desk.save("good day")
    desk.point(second)

    def digest(**wanted: object) -> str:
        return desk.read.version(GREETING, Selector(**wanted), "production").digest  # type: ignore[arg-type]

    assert digest(label="production") == second
    assert digest(number=1) == first
    assert digest(digest_prefix=first[:8]) == first
    for missing in (
        Selector(number=3),
        Selector(label="staging"),
        Selector(digest_prefix="0" * 64),
    ):
        with pytest.raises(NotFound):
            desk.read.version(GREETING, missing, "production")
    with pytest.raises(NotFound, match="in staging"):
        desk.read.version(GREETING, Selector(label="production"), "staging")


def test_digits_of_two_versions_are_refused(desk: Desk) -> None:
    for digest in ("ab" * 32, "ab" * 31 + "cd"):
        version = NewVersion(GREETING, digest, b"")
        desk.make(Changes("ada", "", "production", Truth.DATABASE, (version,)))
    with pytest.raises(InvalidRequest, match="several"):
        desk.read.version(GREETING, Selector(digest_prefix="abababab"), "production")


def test_moves_tell_what_a_label_pointed_to(desk: Desk) -> None:
    first, second = desk.save("hello"), desk.save("good day")
    desk.point(first)
    desk.point(second)
    desk.point(second)  # says nothing new
    desk.point("")
    told = [(one.from_digest, one.to_digest, one.state) for one in desk.read.moves(10)]
    applied = MoveState.APPLIED
    assert told == [(second, "", applied), (first, second, applied), ("", first, applied)]
    assert desk.read.labels("production") == []
    with pytest.raises(NotFound):
        desk.pointed()


def test_moves_of_one_label_are_found_among_many(desk: Desk) -> None:
    first, second = (desk.save(text) for text in ("hello", "good day"))
    desk.point(first)
    staged = Move(GREETING, "staging", second)
    desk.make(Changes("ada", "", "production", Truth.DATABASE, moves=(staged,)))
    (last,) = desk.read.moves(1, name=GREETING, label="production")
    assert last.to_digest == first
    assert len(desk.read.moves()) == 2


def test_all_digests_of_an_object_are_told(desk: Desk) -> None:
    kept = {desk.save(text) for text in ("hello", "good day", "good night")}
    assert desk.read.digests(GREETING) == kept
    assert desk.read.digests(ObjectName(Kind.PROMPT, "other")) == frozenset()


def test_an_object_that_is_missing_is_told_apart_from_a_version(desk: Desk) -> None:
    desk.save("hello")
    with pytest.raises(NotFound, match="has no version 7"):
        desk.read.version(GREETING, Selector(number=7), "production")
    with pytest.raises(NotFound, match="there is no prompt named greetin"):
        desk.read.version(ObjectName(Kind.PROMPT, "greetin"), Selector(number=1), "production")


def test_a_label_never_points_to_nothing(desk: Desk) -> None:
    desk.save("hello")
    with pytest.raises(NotFound, match="no version"):
        desk.point("0" * 64)


def test_a_move_names_what_it_saw(desk: Desk) -> None:
    first, second = desk.save("hello"), desk.save("good day")
    desk.point(first, expected="")
    with pytest.raises(PreconditionFailed, match="moved since"):
        desk.point(second, expected="")
    desk.point(second, expected=first)
    assert desk.pointed() == second


def test_a_change_is_made_whole_or_not_at_all(desk: Desk) -> None:
    digest = digest_of(Kind.PROMPT, "new")
    version = NewVersion(GREETING, digest, b"new")
    good = Move(GREETING, "staging", digest)
    bad = Move(GREETING, "production", "0" * 64)
    with pytest.raises(NotFound):
        desk.make(Changes("ada", "", "production", Truth.DATABASE, (version,), (good, bad)))
    assert desk.read.objects(10) == []
    assert desk.read.moves(10) == []


def test_a_move_waits_for_others_to_approve(desk: Desk) -> None:
    first = desk.save("hello")
    (move_id,) = desk.point(first, approvals=2)
    with pytest.raises(NotFound):
        desk.pointed()
    with pytest.raises(Forbidden):
        desk.changes.decide(move_id, "ada", approved=True)
    assert desk.changes.decide(move_id, "ben", approved=True).state is MoveState.PENDING
    with pytest.raises(Conflict, match="said"):
        desk.changes.decide(move_id, "ben", approved=True)
    assert desk.changes.decide(move_id, "cyd", approved=True).state is MoveState.APPLIED
    assert desk.pointed() == first
    _, verdicts = desk.read.move(move_id)
    assert [(one.approver, one.approved) for one in verdicts] == [("ben", True), ("cyd", True)]
    with pytest.raises(Conflict, match="applied already"):
        desk.changes.decide(move_id, "dan", approved=True)


def test_a_rejected_move_is_never_made(desk: Desk) -> None:
    (move_id,) = desk.point(desk.save("hello"), approvals=1)
    rejected = desk.changes.decide(move_id, "ben", approved=False, reason="too brisk")
    assert rejected.state is MoveState.REJECTED
    assert desk.read.labels("production") == []
    assert desk.read.move(move_id)[1][0].reason == "too brisk"


def test_an_approval_of_what_was_overtaken_makes_nothing(desk: Desk) -> None:
    first, second = desk.save("hello"), desk.save("good day")
    (move_id,) = desk.point(first, approvals=1)
    desk.point(second)
    with pytest.raises(Conflict, match="moved since"):
        desk.changes.decide(move_id, "ben", approved=True)
    assert desk.pointed() == second
    assert desk.read.move(move_id)[0].state is MoveState.OVERTAKEN


def test_an_environment_has_one_truth(desk: Desk) -> None:
    first = desk.save("hello", Move(GREETING, "draft", digest_of(Kind.PROMPT, "hello")))
    move = (Move(GREETING, "production", first),)
    from_files = Changes("ada", "", "production", Truth.DIRECTORY, moves=move)
    with pytest.raises(Conflict, match="kept in the database"):
        desk.make(from_files)
    desk.changes.set_truth("production", Truth.DIRECTORY, "ada")
    with pytest.raises(Conflict, match="kept in a directory"):
        desk.point(first)
    desk.make(from_files)
    assert desk.pointed() == first
    assert desk.save("good day")  # versions move nothing
    (environment,) = desk.read.environments()
    assert (environment.truth, environment.changed_by) == (Truth.DIRECTORY, "ada")


def test_an_approval_moves_nothing_in_an_environment_that_a_directory_has(desk: Desk) -> None:
    first, second = desk.save("hello"), desk.save("good day")
    desk.point(first)
    (waiting,) = desk.point(second, approvals=1)
    desk.changes.set_truth("production", Truth.DIRECTORY, "ada")
    with pytest.raises(Conflict, match="kept in a directory"):
        desk.changes.decide(waiting, "ben", approved=True)
    assert desk.pointed() == first
    assert desk.changes.decide(waiting, "ben", approved=False).state is MoveState.REJECTED


def test_a_directory_may_have_an_environment_that_nothing_was_changed_in(desk: Desk) -> None:
    first = desk.save("hello")
    move = (Move(GREETING, "production", first),)
    with pytest.raises(NotFound):
        desk.make(
            Changes(
                "ada", "", "production", Truth.DIRECTORY, moves=(*move, Move(GREETING, "x", "0"))
            )
        )
    assert desk.read.environments() == []
    desk.make(Changes("ada", "", "production", Truth.DIRECTORY, moves=move))
    with pytest.raises(Conflict, match="kept in a directory"):
        desk.point("")


def test_data_sets_are_imported_whatever_keeps_the_environment(desk: Desk) -> None:
    name, digest = ObjectName(Kind.DATASET, "capitals"), digest_of(Kind.DATASET, "cases")
    imported = Changes(
        "ada",
        "",
        "production",
        Truth.DATABASE,
        (NewVersion(name, digest, b"cases"),),
        (Move(name, "production", digest),),
    )
    desk.make(imported)
    first = desk.save("hello")
    move = (Move(GREETING, "production", first),)
    desk.make(Changes("ada", "", "production", Truth.DIRECTORY, moves=move))
    gone = msgspec.structs.replace(imported, moves=(Move(name, "production", ""),))
    assert desk.make(gone)
    assert desk.make(imported)
    with pytest.raises(Conflict, match="kept in a directory"):
        desk.make(msgspec.structs.replace(imported, moves=(*gone.moves, *move)))


def test_who_answers_changes_without_a_version(desk: Desk) -> None:
    desk.save("hello", details=Details("support", "oncall@example.com", ""))
    record = desk.read.object(GREETING)
    assert record.details.owner == "support"
    desk.save("hello")  # says nothing of it
    desk.changes.describe(GREETING, Details("sales"), record.version)
    with pytest.raises(PreconditionFailed):
        desk.changes.describe(GREETING, Details("legal"), record.version)
    record = desk.read.object(GREETING)
    assert (record.details.owner, record.newest) == ("sales", 1)
    desk.save("hello", details=Details("legal"))
    assert desk.read.object(GREETING).details.owner == "legal"


def test_what_names_something_is_found(desk: Desk) -> None:
    desk.save("hello", references=frozenset({("route", "chat")}))
    second = desk.save("good day", references=frozenset({("route", "chat"), ("prompt", "tone")}))
    desk.point(second)
    uses = desk.read.uses("route", "chat")
    assert [(one.number, one.labels) for one in uses] == [
        (2, (("production", "production"),)),
        (1, ()),
    ]
    assert [one.number for one in desk.read.uses("prompt", "tone")] == [2]
    assert desk.read.uses("route", "mail") == []


def test_nobody_meets_what_is_anothers(desk: Desk, other: Desk) -> None:
    first = desk.save("hello", references=frozenset({("route", "chat")}))
    (move_id,) = desk.point(first, approvals=1)
    desk.changes.set_truth("staging", Truth.DIRECTORY, "ada")
    assert other.read.objects(10) == []
    assert other.read.versions(GREETING, 10) == []
    assert other.read.moves(10) == []
    assert other.read.environments() == []
    assert other.read.uses("route", "chat") == []
    for refused in (
        lambda: other.read.object(GREETING),
        lambda: other.read.move(move_id),
        lambda: other.changes.decide(move_id, "ben", approved=True),
        lambda: other.changes.describe(GREETING, Details("ben"), 1),
        lambda: other.point(first),
    ):
        with pytest.raises(NotFound):
            refused()


def test_objects_come_in_pages(desk: Desk) -> None:
    for name in ("b", "a", "c"):
        version = NewVersion(ObjectName(Kind.PROMPT, name), digest_of(Kind.PROMPT, name), b"")
        desk.make(Changes("ada", "", "production", Truth.DATABASE, (version,)))
    first = desk.read.objects(2)
    assert [one.name.name for one in first] == ["a", "b"]
    assert [one.name.name for one in desk.read.objects(2, first[-1].name)] == ["c"]


def test_workers_see_every_tenants_labels(engine: Engine, desk: Desk, other: Desk) -> None:
    snapshots = RegistrySnapshots(engine, "production")
    before, nothing = snapshots.read()
    assert nothing == []
    desk.point(desk.save("hello"))
    other.point(other.save("good day"))
    number, labelled = snapshots.read()
    assert number > before
    assert number == snapshots.version()
    assert {(one.org, one.label, one.version.sealed) for one in labelled} == {
        ("acme", "production", b"hello"),
        ("other", "production", b"good day"),
    }
    assert RegistrySnapshots(engine, "staging").read()[1] == []


def test_many_at_once_lose_nothing(engine: Engine, clock: ManualClock, ids: IdSource) -> None:
    desks = [Desk(engine, clock, ids, ACME) for _ in range(4)]

    def work(number: int) -> None:
        for turn in range(5):
            desks[number].save(f"text {number} {turn}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = desks[0].read.versions(GREETING, 100)
    assert sorted(one.number for one in kept) == list(range(1, 21))
