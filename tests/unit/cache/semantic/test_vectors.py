import pytest
from hypothesis import given
from hypothesis import strategies as st

np = pytest.importorskip("numpy")

from legato.cache.semantic.vectors import (  # noqa: E402 - it needs numpy
    BLOCK,
    COMPARED_MAX,
    SCANNED_FROM,
    Vectors,
)

DIMENSIONS = 70
POOL = np.random.default_rng(7).normal(size=(400, DIMENSIONS)).astype(np.float32)
POOL /= np.linalg.norm(POOL, axis=1, keepdims=True)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 60)), max_size=200), st.integers(0, 399))
def test_it_finds_what_brute_force_finds_whatever_came_and_went(
    steps: list[tuple[bool, int]], asked: int
) -> None:
    vectors, there = Vectors(DIMENSIONS), dict[str, int]()
    for adds, n in steps:
        if adds:
            vectors.add(str(n), POOL[n])
            there[str(n)] = n
        elif str(n) in there:
            vectors.remove(str(n))
            del there[str(n)]
    wanted = sorted((float(POOL[n] @ POOL[asked]) for n in there.values()), reverse=True)[:8]
    found = vectors.nearest(POOL[asked], 8)
    assert len(vectors) == len(there)
    assert [similarity for _, similarity in found] == pytest.approx(wanted, abs=1e-3)
    for name, similarity in found:
        assert similarity == pytest.approx(float(POOL[there[name]] @ POOL[asked]), abs=1e-3)


@pytest.mark.parametrize("dimensions", [64, 256, 384])
def test_among_many_the_near_ones_are_found_by_their_signs(dimensions: int) -> None:
    random = np.random.default_rng(3)
    many = random.normal(size=(20_000, dimensions)).astype(np.float32)
    many /= np.linalg.norm(many, axis=1, keepdims=True)
    vectors = Vectors(dimensions)
    for n, row in enumerate(many):
        vectors.add(str(n), row)
    for n in random.integers(0, len(many), 50):
        near = many[n] + random.normal(size=dimensions).astype(np.float32) * 0.5 / dimensions**0.5
        near /= np.linalg.norm(near)
        (name, similarity), *_ = vectors.nearest(near, 8)
        assert name == str(n)
        assert similarity == pytest.approx(float(near @ many[n]), abs=1e-3)


def test_among_some_hundred_none_of_the_nearest_is_missed() -> None:
    random = np.random.default_rng(5)
    rows = random.normal(size=(SCANNED_FROM, DIMENSIONS)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    vectors = Vectors(DIMENSIONS)
    for n, row in enumerate(rows):
        vectors.add(str(n), row)
    for asked in POOL[:100]:
        wanted = np.sort(rows @ asked)[::-1][:8].tolist()
        found = [similarity for _, similarity in vectors.nearest(asked, 8)]
        assert found == pytest.approx(wanted, abs=1e-4)


def test_of_more_equals_than_are_compared_some_are_found() -> None:
    vectors = Vectors(DIMENSIONS)
    for n in range(5 * COMPARED_MAX):
        vectors.add(str(n), POOL[0])
    found = vectors.nearest(POOL[0], 8)
    assert len(found) == 8
    assert found[0][1] == pytest.approx(1.0, abs=1e-3)


def test_a_row_of_zeros_is_near_to_nothing() -> None:
    vectors = Vectors(DIMENSIONS)
    vectors.add("zeros", np.zeros(DIMENSIONS, np.float32))
    assert vectors.nearest(POOL[0], 8) == [("zeros", 0.0)]


def test_blocks_come_and_go_and_nothing_is_lost() -> None:
    random = np.random.default_rng(5)
    many = random.normal(size=(3 * BLOCK, 64)).astype(np.float32)
    many /= np.linalg.norm(many, axis=1, keepdims=True)
    vectors = Vectors(64)
    for n in range(3 * BLOCK):
        vectors.add(str(n), many[n])
    left = set(range(3 * BLOCK))
    for n in random.permutation(3 * BLOCK)[: 3 * BLOCK - 100].tolist():
        vectors.remove(str(n))
        left.remove(n)
        if len(left) in {2 * BLOCK, BLOCK, 5_000, 300}:
            some = sorted(left)[:: len(left) // 20]
            assert all(vectors.nearest(many[m], 1)[0][0] == str(m) for m in some)
    assert len(vectors) == 100
    assert {name for name, _ in vectors.nearest(many[0], 100)} == {str(n) for n in left}
