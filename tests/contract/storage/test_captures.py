"""Captured requests, on both databases: kept, read on from a cursor, sampled, forgotten."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from legato.core.captured import POINTS, CapturedHead, sample_point
from legato.core.clock import ManualClock
from legato.core.erasure import Subject
from legato.core.ids import IdSource
from legato.core.tenant import EVERY_TENANT, Tenant
from legato.storage.erasing import ContentEraser, Meant
from legato.storage.erasures import ErasureStore
from legato.storage.kept.capture_spool import CaptureSpool, CaptureSpoolFull
from legato.storage.kept.captures import (
    CaptureFilter,
    CaptureReader,
    CaptureStore,
    SealedCapture,
    prune_captures,
)

ACME, OTHER = Tenant("acme"), Tenant("other")
DAY_NS = 86_400_000_000_000
Make = Callable[..., SealedCapture]


@pytest.fixture
def make(clock: ManualClock, ids: IdSource) -> Make:
    """Makes a capture of a request that has just come."""

    def make(**changed: Any) -> SealedCapture:
        clock.advance(1)
        head: dict[str, Any] = {
            "request_id": ids.new(),
            "at_ns": clock.now_ns(),
            "expires_at_ns": clock.now_ns() + DAY_NS,
            "org": "acme",
            "team": "t",
            "feature": "f",
            "key_id": "k",
            "end_user": "",
            "tags": {},
            "surface": "chat_completions",
            "model_requested": "chat",
            "route": "chat",
            "deployment": "small",
            "model_served": "m",
            "versions": "",
            "arm": "",
            "http_status": 200,
            "error_code": "",
            "stream": False,
            "cache": "bypass",
            "cost": 12,
            "baseline_cost": None,
            "input_tokens": 3,
            "output_tokens": 4,
            "total_us": 1_000,
        }
        return SealedCapture(CapturedHead(**head | changed), 5, b"sealed")

    return make


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of its own: the database may lie beside it."""
    made = tmp_path / "spool"
    made.mkdir()
    return made


def ids_of(captures: Any) -> list[str]:
    return [one.head.request_id for one in captures]


def test_they_are_read_on_from_a_cursor_as_they_came(engine: Engine, make: Make) -> None:
    store, reader = CaptureStore(engine), CaptureReader(engine, ACME)
    first, second = make(tags={"consent": "yes"}), make(cost=None, stream=True)
    store.put([first, make(org="other")])
    read = reader.after(0, 10)
    assert [one.head for one in read] == [first.head]
    assert (read[0].content_bytes, read[0].sealed) == (5, b"sealed")
    assert reader.last_cursor() == read[-1].id
    store.put([second])
    assert [one.head for one in reader.after(read[-1].id, 10)] == [second.head]
    assert [one.head for one in reader.newest(1)] == [second.head]
    assert ids_of(reader.all()) == ids_of([first, second])
    assert reader.count() == (2, 10)
    assert reader.get(first.head.request_id) == read[0]


def test_nobody_reads_what_is_anothers(engine: Engine, make: Make) -> None:
    own, foreign = make(), make(org="other")
    CaptureStore(engine).put([own, foreign])
    reader = CaptureReader(engine, OTHER)
    assert ids_of(reader.after(0, 10)) == ids_of([foreign])
    assert reader.get(own.head.request_id) is None
    assert not ContentEraser(engine, OTHER).captures(Meant({own.head.request_id}))
    assert ids_of(CaptureReader(engine, EVERY_TENANT).all()) == ids_of([own, foreign])


def test_taking_in_again_changes_nothing(engine: Engine, make: Make) -> None:
    store, one = CaptureStore(engine), make()
    store.put([one])
    store.put([one])
    assert CaptureReader(engine, ACME).count()[0] == 1


def test_filters_narrow_and_a_share_is_the_same_each_time(engine: Engine, make: Make) -> None:
    made = [make(feature="a" if at % 2 else "b", tags={"n": str(at % 3)}) for at in range(300)]
    CaptureStore(engine).put(made)
    reader = CaptureReader(engine, ACME)
    wanted = CaptureFilter(feature="a", tags={"n": "1"})
    chosen = [one for at, one in enumerate(made) if at % 2 and at % 3 == 1]
    assert ids_of(reader.after(0, 1_000, wanted)) == ids_of(chosen)
    assert ids_of(reader.newest(7, None, wanted)) == ids_of(chosen[::-1][:7])
    tenth = [one for one in made if sample_point(one.head.request_id) < POINTS // 10]
    assert ids_of(reader.after(0, 1_000, CaptureFilter(share=0.1))) == ids_of(tenth)
    assert 5 < len(tenth) < 70
    late = CaptureFilter(since_ns=made[100].head.at_ns, until_ns=made[110].head.at_ns)
    assert ids_of(reader.after(0, 1_000, late)) == ids_of(made[100:110])


def test_a_user_is_forgotten_even_where_the_disk_still_has_something(
    engine: Engine, make: Make, *, clock: ManualClock, ids: IdSource, folder: Path
) -> None:
    store, spool = CaptureStore(engine), CaptureSpool(folder, "w", bytes_max=10_000)
    stays, same_name = make(end_user="u2"), make(end_user="u1", org="other")
    store.put([make(end_user="u1"), stays, same_name])
    spool.write([make(end_user="u1")], clock.now_ns())
    ErasureStore(engine, clock, ids, ACME).begin(Subject("u1"), "operator:me")
    assert ContentEraser(engine, ACME, dry_run=True).captures(Meant(set(), "u1")) == 1
    assert ContentEraser(engine, ACME).captures(Meant(set(), "u1")) == 1
    assert spool.drain(store) == 1
    clock.advance(1)
    back = make(end_user="u1")
    store.put([back])
    assert ids_of(CaptureReader(engine, ACME).all()) == ids_of([stays, back])
    assert ids_of(CaptureReader(engine, OTHER).all()) == ids_of([same_name])


def test_each_is_kept_as_long_as_it_says(engine: Engine, make: Make, clock: ManualClock) -> None:
    short, long = make(), make(expires_at_ns=clock.now_ns() + 9 * DAY_NS)
    CaptureStore(engine).put([short, long])
    assert prune_captures(engine, clock.now_ns() + 2 * DAY_NS) == 1
    reader = CaptureReader(engine, ACME)
    assert ids_of(reader.all()) == ids_of([long])
    last = reader.last_cursor()
    assert prune_captures(engine, clock.now_ns() + 20 * DAY_NS) == 1
    CaptureStore(engine).put([make()])
    assert reader.after(last, 1)  # no cursor is given twice


def test_the_spool_is_bounded_and_steps_over_damage(
    engine: Engine, make: Make, clock: ManualClock, folder: Path
) -> None:
    spool = CaptureSpool(folder, "w", bytes_max=600)
    one = make()
    spool.write([one], clock.now_ns())
    with pytest.raises(CaptureSpoolFull):
        spool.write([make() for _ in range(9)], clock.now_ns())
    (folder / "0-w.captures").write_bytes(b"no captures")
    left = folder / "0-gone.part"
    left.write_bytes(b"half")
    os.utime(left, (0, 0))
    store = CaptureStore(engine)
    assert spool.drain(store) == 2
    assert one.head.request_id in ids_of(CaptureReader(engine, ACME).all())
    assert [file.suffix for file in folder.iterdir()] == [".damaged"]
