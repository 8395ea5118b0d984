from legato.core.records import EntryKind, Facts, Intent, Settled, Voided, encode_record
from legato.core.usage import NO_USAGE, Usage, UsageSource
from legato.storage.ledger.batch import read_batch

FACTS = Facts("r1", 0, "o", "t", "f", "k", "", {}, "m", "", "d", "p", "m", "", "v", "", "c")
INTENT = encode_record(Intent(FACTS, 5, None, "", Usage(7), None, None))


def settled(seq: int = 0, cost: int = 1) -> bytes:
    return encode_record(
        Settled(
            FACTS, EntryKind.USAGE, 6, NO_USAGE, UsageSource.PROVIDER, cost, None, "m", "ok", 200,
            1, 1, 1, seq=seq,
        )
    )  # fmt: skip


def test_a_record_that_comes_twice_counts_once() -> None:
    batch = read_batch([settled(), settled(cost=9), settled(seq=1)])
    assert [record.cost for record in batch.settled.values()] == [1, 1]


def test_attempts_that_end_are_told_from_those_that_begin() -> None:
    batch = read_batch([INTENT, encode_record(Voided("r2", 1, "refused"))])
    assert batch.ended() == {("r2", 1)}
    assert set(batch.intents) == {("r1", 0)}
    assert sorted(batch.request_ids()) == ["r1", "r2"]


def test_what_is_no_record_is_set_apart() -> None:
    unknown_tag = INTENT.replace(b"\xa1i", b"\xa1z", 1)
    batch = read_batch([b"", b"\xc1", b"\x93\x01", unknown_tag, INTENT[:9], settled()])
    assert len(batch.undecodable) == 5
    assert len(batch.settled) == 1
