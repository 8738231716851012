"""The Merkle tree against published roots, an independent implementation, and every small size."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from chipledger import merkle
from chipledger.merkle import CompactRange, MemoryTree
from chipledger.refusals import Refused

# The eight leaves and the roots of the trees over the first n of them, from the certificate-transparency reference
# tests (merkletree/merkle_tree_test, also used by transparency-dev/merkle).
INPUTS = [
    bytes.fromhex(text)
    for text in (
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
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = [merkle.leaf_hash(b"%d" % number) for number in range(300)]


@pytest.mark.parametrize("size", range(1, 9))
def test_published_roots(size: int) -> None:
    assert merkle.root_of(map(merkle.leaf_hash, INPUTS[:size])).hex() == ROOTS[size - 1]


def test_published_empty_root() -> None:
    assert merkle.EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert merkle.root_of([]) == merkle.EMPTY_ROOT


def test_published_inclusion_path() -> None:
    """Reference proof of the sixth of eight leaves, same source as the roots."""
    tree = MemoryTree([merkle.leaf_hash(entry) for entry in INPUTS])
    assert [part.hex() for part in tree.inclusion_proof(5)] == [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]


def test_roots_and_inclusion_agree_with_an_independent_tree() -> None:
    oracle = InmemoryTree(algorithm="sha256")
    ours = CompactRange()
    for size in range(1, 70):
        entry = b"entry %d" % size
        oracle.append_entry(entry)
        ours.append(merkle.leaf_hash(entry))
        assert ours.root() == oracle.get_root()
    leaves = [oracle.get_leaf(index) for index in range(1, 70)]
    tree = MemoryTree(leaves)
    for index in range(69):
        oracle_path = {bytes.fromhex(text) for text in oracle.prove_inclusion(index + 1).serialize()["path"]}
        assert set(tree.inclusion_proof(index)) == oracle_path - {leaves[index]}


def test_every_proof_of_every_small_tree_verifies_only_where_it_belongs() -> None:
    for size in range(1, 34):
        tree = MemoryTree(LEAVES[:size])
        for index in range(size):
            proof = tree.inclusion_proof(index)
            merkle.verify_inclusion(LEAVES[index], index, size, proof, tree.root())
            for wrong in range(size):
                if wrong != index:
                    with pytest.raises(Refused, match="inclusion_invalid"):
                        merkle.verify_inclusion(LEAVES[index], wrong, size, proof, tree.root())
        for old in range(size + 1):
            proof = merkle.consistency_proof(tree.node, old, size)
            old_root = merkle.root_of(LEAVES[:old])
            merkle.verify_consistency(old, size, old_root, tree.root(), proof)
            if 0 < old < size:
                with pytest.raises(Refused, match="consistency_invalid"):
                    merkle.verify_consistency(
                        old, size, merkle.root_of(LEAVES[1 : old + 1]), tree.root(), proof
                    )


@given(st.integers(1, 300), st.data())
def test_a_bent_proof_is_refused(size: int, data: st.DataObject) -> None:
    tree = MemoryTree(LEAVES[:size])
    index = data.draw(st.integers(0, size - 1))
    proof = tree.inclusion_proof(index)
    bent = list(proof)
    what = data.draw(st.sampled_from(["longer", "shorter", "flipped"]))
    if what == "longer" or not proof:
        bent.append(LEAVES[0])
    elif what == "shorter":
        bent.pop(data.draw(st.integers(0, len(proof) - 1)))
    else:
        place = data.draw(st.integers(0, len(proof) - 1))
        bent[place] = bytes([bent[place][0] ^ 1]) + bent[place][1:]
    with pytest.raises(Refused, match="inclusion_invalid"):
        merkle.verify_inclusion(LEAVES[index], index, size, bent, tree.root())
    with pytest.raises(Refused, match="consistency_invalid"):
        merkle.verify_consistency(size, size, tree.root(), tree.root(), [LEAVES[0]])


def test_hashes_of_another_length_are_refused() -> None:
    tree = MemoryTree(LEAVES[:5])
    proof = tree.inclusion_proof(2)
    for bent in ([proof[0][:31], *proof[1:]], [proof[0] + b"\0", *proof[1:]]):
        with pytest.raises(Refused, match="hash_malformed"):
            merkle.verify_inclusion(LEAVES[2], 2, 5, bent, tree.root())
    with pytest.raises(Refused, match="hash_malformed"):
        merkle.verify_inclusion(b"", 0, 1, [], tree.root())
    with pytest.raises(Refused, match="hash_malformed"):
        merkle.verify_consistency(1, 5, b"", tree.root(), proof)


@given(st.lists(st.integers(0, 9000), max_size=4))
def test_extending_is_appending_one_by_one(portions: list[int]) -> None:
    fast, slow = CompactRange(), CompactRange()
    for portion in portions:
        leaves = [LEAVES[number % 300] for number in range(portion)]
        fast.extend(leaves)
        for leaf in leaves:
            slow.append(leaf)
    assert (fast.size, fast.root(), fast.hashes) == (slow.size, slow.root(), slow.hashes)
    assert CompactRange(fast.size, fast.hashes).root() == fast.root()


def test_a_range_whose_hashes_do_not_fit_its_size_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        CompactRange(3, [LEAVES[0]])


def test_proofs_outside_the_tree_are_refused() -> None:
    tree = MemoryTree(LEAVES[:5])
    for index in (-1, 5):
        with pytest.raises(Refused, match="proof_out_of_range"):
            tree.inclusion_proof(index)
    with pytest.raises(Refused, match="proof_out_of_range"):
        merkle.consistency_proof(tree.node, 6, 5)


def test_numbers_out_of_a_receipt_that_do_not_fit_are_fetched_anew() -> None:
    tree = MemoryTree(LEAVES[:5])
    with pytest.raises(Refused, match=r"inclusion_invalid: .*; fetch the proof anew"):
        merkle.verify_inclusion(LEAVES[0], 5, 5, [], tree.root())
    with pytest.raises(Refused, match=r"consistency_invalid: .*; fetch them anew"):
        merkle.verify_consistency(6, 5, tree.root(), tree.root(), [])
