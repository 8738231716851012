"""The Merkle tree of RFC 9162 §2.1: roots and proofs. Where hashes are kept is not its business."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Final

from chipledger.refusals import Refused

HASH_SIZE: Final = 32
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()
MAX_SIZE: Final = 2**63 - 1

# Subtrees of this many levels are hashed level by level in one comprehension each, which is twice as fast.
_BLOCK_LEVEL: Final = 12

Node = Callable[[int, int], bytes]
"""``node(level, index)``: hash of the complete subtree over leaves ``index·2^level`` to ``(index+1)·2^level - 1``."""


def leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class CompactRange:
    """The right edge of a growing tree: enough to append leaves and to know the root, in O(log n) space.

    ``hashes`` are the roots of the complete subtrees that ``size`` decomposes into, largest first; together with
    ``size`` they restore the range.
    """

    def __init__(self, size: int = 0, hashes: Sequence[bytes] = ()) -> None:
        if size.bit_count() != len(hashes) or any(len(found) != HASH_SIZE for found in hashes):
            raise ValueError("the hashes do not fit the size")
        self.size = size
        self._hashes = list(hashes)

    @property
    def hashes(self) -> tuple[bytes, ...]:
        return tuple(self._hashes)

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash."""
        self._push(0, leaf)

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add leaf hashes in order, fast for many."""
        waiting = iter(leaves)
        block = 1 << _BLOCK_LEVEL
        for leaf in islice(waiting, -self.size % block):
            self._push(0, leaf)
        while chunk := list(islice(waiting, block)):
            if len(chunk) == block:
                self._push(_BLOCK_LEVEL, _complete_root(chunk))
            else:
                for leaf in chunk:
                    self._push(0, leaf)

    def root(self) -> bytes:
        if not self._hashes:
            return EMPTY_ROOT
        found = self._hashes[-1]
        for left in reversed(self._hashes[:-1]):
            found = node_hash(left, found)
        return found

    def _push(self, level: int, digest: bytes) -> None:
        count = self.size >> level
        while count & 1:
            digest = node_hash(self._hashes.pop(), digest)
            count >>= 1
        self._hashes.append(digest)
        self.size += 1 << level


class MemoryTree:
    """A whole tree in memory, for proofs over a list that is at hand."""

    def __init__(self, leaf_hashes: Sequence[bytes]) -> None:
        self.size = len(leaf_hashes)
        self._levels: list[Sequence[bytes]] = [leaf_hashes]
        while len(self._levels[-1]) > 1:
            self._levels.append(_level_above(self._levels[-1]))

    def node(self, level: int, index: int) -> bytes:
        return self._levels[level][index]

    def root(self) -> bytes:
        return range_root(self.node, 0, self.size)

    def inclusion_proof(self, index: int) -> list[bytes]:
        return inclusion_proof(self.node, index, self.size)


def root_of(leaf_hashes: Iterable[bytes]) -> bytes:
    """Root of the tree over these leaf hashes."""
    tree = CompactRange()
    tree.extend(leaf_hashes)
    return tree.root()


def range_root(node: Node, start: int, end: int) -> bytes:
    """Root over leaves ``start`` to ``end - 1``, a range that the tree splits off whole (RFC 9162 §2.1.1)."""
    if start == end:
        return EMPTY_ROOT
    parts = []
    while start < end:
        level = (end - start).bit_length() - 1
        if start:
            level = min(level, (start & -start).bit_length() - 1)
        parts.append(node(level, start >> level))
        start += 1 << level
    found = parts.pop()
    while parts:
        found = node_hash(parts.pop(), found)
    return found


def inclusion_proof(node: Node, index: int, size: int) -> list[bytes]:
    """PATH(index, D[size]) of RFC 9162 §2.1.3.1, from the leaf's sibling up."""
    if not 0 <= index < size:
        raise Refused(
            "proof_out_of_range", f"Leaf {index} is not in a tree of {size}; name one that is.", status=404
        )
    start, end = 0, size
    siblings: list[tuple[int, int]] = []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            siblings.append((middle, end))
            end = middle
        else:
            siblings.append((start, middle))
            start = middle
    return [range_root(node, first, last) for first, last in reversed(siblings)]


def consistency_proof(node: Node, old: int, new: int) -> list[bytes]:
    """PROOF(old, D[new]) of RFC 9162 §2.1.4.1; empty when ``old`` is 0 or equals ``new``."""
    if not 0 <= old <= new:
        raise Refused(
            "proof_out_of_range",
            f"A tree of {new} does not extend one of {old}; name the smaller size first.",
            status=404,
        )
    if old in (0, new):
        return []
    start, end, whole = 0, new, True
    siblings: list[tuple[int, int]] = []
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            siblings.append((middle, end))
            end = middle
        else:
            siblings.append((start, middle))
            start, whole = middle, False
    if not whole:
        siblings.append((start, end))
    return [range_root(node, first, last) for first, last in reversed(siblings)]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Refuse unless ``proof`` shows that ``leaf`` is number ``index`` under this root (RFC 9162 §2.1.3.2)."""
    _check_hashes((leaf, root, *proof))
    if not 0 <= index < size <= MAX_SIZE:
        raise Refused(
            "inclusion_invalid",
            f"Leaf {index} is not in a tree of {size}; fetch the proof anew before you rely on it.",
        )
    first, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise Refused("inclusion_invalid", "The inclusion proof is too long; fetch it anew.")
        if first & 1 or first == last:
            found = node_hash(sibling, found)
            while first and not first & 1:
                first, last = first >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        first, last = first >> 1, last >> 1
    if last != 0:
        raise Refused("inclusion_invalid", "The inclusion proof is too short; fetch it anew.")
    if found != root:
        raise Refused(
            "inclusion_invalid",
            "The inclusion proof does not lead to the root; fetch it anew before you rely on it.",
        )


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Refuse unless ``proof`` shows that the new tree only appended to the old one (RFC 9162 §2.1.4.2)."""
    _check_hashes((old_root, new_root, *proof))
    if not 0 <= old <= new <= MAX_SIZE:
        raise Refused(
            "consistency_invalid",
            f"A tree of {new} does not extend one of {old}; fetch them anew before you rely on them.",
        )
    if old in (0, new):
        expected = EMPTY_ROOT if old == 0 else new_root
        if proof or old_root != expected:
            raise Refused(
                "consistency_invalid",
                "The roots or the proof do not fit the sizes; fetch them anew before you rely on them.",
            )
        return
    path = list(proof)
    if old & (old - 1) == 0:
        path.insert(0, old_root)
    if not path:
        raise Refused("consistency_invalid", "The consistency proof is too short; fetch it anew.")
    first, last = old - 1, new - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    old_found = new_found = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise Refused("consistency_invalid", "The consistency proof is too long; fetch it anew.")
        if first & 1 or first == last:
            old_found = node_hash(sibling, old_found)
            new_found = node_hash(sibling, new_found)
            while first and not first & 1:
                first, last = first >> 1, last >> 1
        else:
            new_found = node_hash(new_found, sibling)
        first, last = first >> 1, last >> 1
    if last != 0:
        raise Refused("consistency_invalid", "The consistency proof is too short; fetch it anew.")
    if old_found != old_root or new_found != new_root:
        raise Refused(
            "consistency_invalid",
            "The consistency proof does not lead to both roots; fetch it anew before you rely on it.",
        )


def _split(width: int) -> int:
    """The largest power of two smaller than ``width``."""
    return 1 << (width - 1).bit_length() - 1


def _level_above(hashes: Sequence[bytes]) -> list[bytes]:
    sha256 = hashlib.sha256
    pairs = iter(hashes)
    # A last hash without a sibling is not part of a complete subtree, and zip leaves it out.
    return [sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=False)]


def _complete_root(hashes: list[bytes]) -> bytes:
    while len(hashes) > 1:
        hashes = _level_above(hashes)
    return hashes[0]


def _check_hashes(hashes: Iterable[bytes]) -> None:
    if any(len(found) != HASH_SIZE for found in hashes):
        raise Refused("hash_malformed", "Every hash of a proof has 32 bytes; fetch it anew.")
