import uuid

from legato.core.clock import ManualClock
from legato.core.ids import IdSource, is_id, span_id, time_ns_of


def test_ids_are_version_7_and_carry_the_time() -> None:
    clock = ManualClock(1_700_000_000_123_000_000)
    made = uuid.UUID(IdSource(clock).new())
    assert made.version == 7
    assert made.variant == uuid.RFC_4122
    assert made.int >> 80 == 1_700_000_000_123


def test_ids_sort_in_the_order_they_were_made_even_when_the_clock_goes_back() -> None:
    clock = ManualClock()
    source = IdSource(clock)
    made = []
    for step in range(3000):
        made.append(source.new())
        clock.advance(-0.005 if step % 7 == 0 else 0.0007)
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_two_sources_at_the_same_moment_differ() -> None:
    clock = ManualClock()
    assert IdSource(clock).new() != IdSource(clock).new()


def test_only_ids_are_taken_for_ids() -> None:
    assert is_id(IdSource(ManualClock()).new())
    assert not is_id("../../etc/passwd")
    assert not is_id("A" * 32)


def test_spans_of_one_request_and_of_its_neighbours_all_differ() -> None:
    source = IdSource(ManualClock())
    ids = [
        span_id(request, position)
        for request in (source.new() for _ in range(50))
        for position in (*range(20), *range(4096, 4116))
    ]
    assert len(set(ids)) == len(ids)
    assert all(len(span) == 16 for span in ids)


def test_an_id_tells_when_it_was_made() -> None:
    clock = ManualClock()
    clock.advance(1.25)
    assert time_ns_of(IdSource(clock).new()) == clock.now_ns()
    assert time_ns_of("r1") is None
    assert time_ns_of("f" * 32) is None


def test_a_text_of_a_time_that_no_column_holds_is_none_of_ours() -> None:
    assert time_ns_of("f" * 12 + "7" + "0" * 19) is None
