"""RFC 9162's trees, by the known values of the certificate transparency reference tests."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.audit.merkle import (
    EMPTY_ROOT,
    Frontier,
    Node,
    consistency_proof,
    frontier_of,
    inclusion_proof,
    leaf_hash,
    node_hash,
    proves_consistency,
    proves_inclusion,
    root_of,
    unpacked,
)

LEAVES = [
    bytes.fromhex(one)
    for one in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
SIZES = st.integers(min_value=1, max_value=70)


def hashes(size: int) -> list[bytes]:
    return [leaf_hash(b"%d" % number) for number in range(size)]


def nodes(leaves: list[bytes]) -> Node:
    """Complete subtrees, by the definition: half and half."""

    def node(height: int, place: int) -> bytes:
        if not height:
            return leaves[place]
        return node_hash(node(height - 1, 2 * place), node(height - 1, 2 * place + 1))

    return node


def plain_root(leaves: list[bytes]) -> bytes:
    """RFC 9162, 2.1.1, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return node_hash(plain_root(leaves[:half]), plain_root(leaves[half:]))


@pytest.mark.parametrize("size", range(9))
def test_known_roots(size: int) -> None:
    known = [leaf_hash(one) for one in LEAVES[:size]]
    assert frontier_of(known).root.hex() == ROOTS[size]
    assert root_of(0, size, nodes(known)).hex() == ROOTS[size]


def test_known_proof_of_inclusion() -> None:
    known = [leaf_hash(one) for one in LEAVES]
    path = inclusion_proof(0, 8, nodes(known))
    assert [one.hex() for one in path] == [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ]


def test_known_proof_of_consistency() -> None:
    known = [leaf_hash(one) for one in LEAVES]
    path = consistency_proof(6, 8, nodes(known))
    assert [one.hex() for one in path] == [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]


@given(SIZES)
def test_appending_makes_the_tree_of_the_definition(size: int) -> None:
    tree, made = Frontier(), {}
    for index, one in enumerate(hashes(size)):
        tree, completed = tree.appended(one)
        for height, found in enumerate(completed):
            made[height, ((index + 1) >> height) - 1] = found
    assert tree.root == plain_root(hashes(size))
    assert unpacked(size, tree.packed()) == tree
    # what appending completes is what proofs are made of
    assert root_of(0, size, lambda height, place: made[height, place]) == tree.root


@given(SIZES, st.data())
def test_a_leaf_is_proven_and_no_other(size: int, data: st.DataObject) -> None:
    leaves = hashes(size)
    index = data.draw(st.integers(0, size - 1))
    root, path = plain_root(leaves), inclusion_proof(index, size, nodes(leaves))
    assert proves_inclusion(leaves[index], (index, size), path, root)
    assert not proves_inclusion(leaf_hash(b"another"), (index, size), path, root)
    assert not proves_inclusion(leaves[index], (index, size), [*path, root], root)
    if size > 1:
        assert not proves_inclusion(leaves[index], ((index + 1) % size, size), path, root)
        assert not proves_inclusion(leaves[index], (index, size), path[:-1], root)
    assert not proves_inclusion(leaves[index], (size, size), path, root)


@given(SIZES, st.data())
def test_growth_is_proven_and_no_rewriting(size: int, data: st.DataObject) -> None:
    leaves = hashes(size)
    old = data.draw(st.integers(1, size))
    before, after = plain_root(leaves[:old]), plain_root(leaves)
    path = consistency_proof(old, size, nodes(leaves))
    assert proves_consistency((old, before), (size, after), path)
    rewritten = plain_root([leaf_hash(b"another"), *leaves[1:]])
    assert not proves_consistency((old, before), (size, rewritten), path)
    assert not proves_consistency((old, rewritten), (size, after), path)
    assert not proves_consistency((old, before), (size, after), [*path, before])
    if path:
        assert not proves_consistency((old, before), (size, after), path[:-1])


def test_what_cannot_be_is_refused() -> None:
    none = nodes([])
    for index, size in ((0, 0), (3, 3), (-1, 3)):
        with pytest.raises(ValueError, match="has no leaf"):
            inclusion_proof(index, size, none)
    for old, new in ((0, 3), (4, 3)):
        with pytest.raises(ValueError, match="no proof"):
            consistency_proof(old, new, none)
        assert not proves_consistency((old, EMPTY_ROOT), (new, EMPTY_ROOT), [])
    with pytest.raises(ValueError, match="2 complete subtrees"):
        unpacked(3, b"\0" * 32)
