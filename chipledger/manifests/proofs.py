"""Proof of a single row of a manifest, for somebody who must not see its neighbours."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import BinaryIO

from chipledger.manifests.reader import MAX_LINE, row_leaf
from chipledger.manifests.shapes import Shape
from chipledger.merkle import MemoryTree, verify_inclusion
from chipledger.refusals import Refused


@dataclass(frozen=True)
class RowProof:
    """One row, its salt and the path to the rows root. ``index`` is 0-based, ``rows`` the manifest's row count."""

    row: str
    index: int
    rows: int
    salt: bytes
    path: tuple[bytes, ...]


def prove_row(stream: BinaryIO, shape: Shape, secret: bytes, *, index: int) -> RowProof:
    """Proof of row ``index`` of a canonical manifest that was already checked."""
    if stream.readline(MAX_LINE) != shape.header:
        raise Refused(
            "manifest_header",
            "The manifest has another header; name the file that was filed.",
            field="header",
        )
    leaves: list[bytes] = []
    found: tuple[bytes, bytes] | None = None
    for number, line in enumerate(stream):
        row = line.removesuffix(b"\n")
        salt, leaf = row_leaf(secret, row)
        leaves.append(leaf)
        if number == index:
            found = row, salt
    if found is None:
        raise Refused(
            "proof_out_of_range",
            f"The manifest has no row {index + 1}; name one from 1 to {len(leaves)}.",
            status=404,
        )
    path = MemoryTree(leaves).inclusion_proof(index)
    return RowProof(found[0].decode(), index, len(leaves), found[1], tuple(path))


def verify_row(proof: RowProof, *, rows_root: str, rows: int) -> None:
    """Refuse unless the row is in the manifest that a statement names by this root and row count."""
    if proof.rows != rows or len(proof.salt) != 32:
        raise Refused(
            "row_proof_invalid",
            "The row proof is about another manifest; take one of the manifest that the statement names.",
        )
    leaf = hashlib.sha256(b"\x00" + proof.salt + proof.row.encode()).digest()
    verify_inclusion(leaf, proof.index, rows, proof.path, bytes.fromhex(rows_root))
