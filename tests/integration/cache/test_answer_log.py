import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from legato.cache.answer_log import AnswerLog

KEYS = [bytes([n]) * 16 for n in range(10)]
FUTURE_NS = 10**18


def _row(n: int, expires_ns: int = FUTURE_NS) -> tuple[bytes, int, bytes]:
    return KEYS[n], expires_ns, b"sealed %d" % n


@contextmanager
def limited_memory(more_bytes: int) -> Iterator[None]:
    """Let this process take only so much more address space."""
    now_bytes = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (now_bytes + more_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def test_every_worker_reads_what_any_has_written(tmp_path: Path) -> None:
    one, other = AnswerLog(tmp_path, "one", 10**9), AnswerLog(tmp_path, "other", 10**9)
    one.append([_row(0), _row(1)])
    other.append([_row(2)])
    for log in (one, other):
        places = {key: place for key, _, place in log.news()}
        assert set(places) == {KEYS[0], KEYS[1], KEYS[2]}
        assert [log.read(KEYS[n], places[KEYS[n]]) for n in range(3)] == [
            b"sealed 0",
            b"sealed 1",
            b"sealed 2",
        ]
        assert log.news() == []
    one.append([_row(3)])
    assert [key for key, _, _ in other.news()] == [KEYS[3]]


def test_a_torn_end_is_waited_for_and_never_believed(tmp_path: Path) -> None:
    writer = AnswerLog(tmp_path, "w", 10**9)
    writer.append([_row(0), _row(1)])
    [path] = tmp_path.glob("*.answers")
    whole = path.read_bytes()
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        found = AnswerLog(tmp_path, f"r{cut}", 10**9).news()
        assert [key for key, _, _ in found] == [KEYS[0]] * (cut >= len(whole) // 2)


def test_a_stale_place_is_a_miss(tmp_path: Path) -> None:
    writer = AnswerLog(tmp_path, "w", 10**9)
    writer.append([_row(0)])
    [(_, _, place)] = writer.news()
    assert writer.read(KEYS[1], place) is None
    writer.close()
    next(tmp_path.glob("*.answers")).unlink()
    assert writer.read(KEYS[0], place) is None


def test_a_damaged_length_is_a_miss_not_an_allocation(tmp_path: Path) -> None:
    writer = AnswerLog(tmp_path, "w", 10**9)
    writer.append([_row(0)])
    [(key, _, place)] = writer.news()
    [path] = tmp_path.glob("*.answers")
    data = bytearray(path.read_bytes())
    data[24:28] = b"\xff\xff\xff\xff"
    path.write_bytes(data)
    with limited_memory(256 * 1024 * 1024):
        assert writer.read(key, place) is None


def test_an_answer_past_the_entry_limit_is_a_miss(tmp_path: Path) -> None:
    writer = AnswerLog(tmp_path, "w", 10**9)
    writer.append([(KEYS[0], FUTURE_NS, b"x" * 10_000)])
    [(key, _, place)] = writer.news()
    strict = AnswerLog(tmp_path, "r", 10**9, answer_bytes_max=1_000)
    strict.news()
    assert writer.read(key, place) == b"x" * 10_000
    assert strict.read(key, place) is None


def test_expired_logs_and_the_oldest_past_the_bound_are_deleted(tmp_path: Path) -> None:
    for n in range(4):
        log = AnswerLog(tmp_path, f"w{n}", 10**9)
        log.append([_row(n, expires_ns=100 if n == 3 else FUTURE_NS)])
        log.close()
    pruner = AnswerLog(tmp_path, "p", 80)
    pruner.news()
    pruner.prune(now_ns=101)
    assert len(list(tmp_path.glob("*.answers"))) == 2
    assert not (tmp_path / "w3-000001.answers").exists()
    assert not (tmp_path / "w0-000001.answers").exists()
