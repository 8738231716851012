"""Canonical manifests: the files that statements about many chips name, read, written and proved row by row."""

from chipledger.manifests.faults import MAX_FAULTS, Fault, FaultLog
from chipledger.manifests.inputs import read_csv, read_json_lines, read_rows
from chipledger.manifests.proofs import RowProof, prove_row, verify_row
from chipledger.manifests.reader import (
    MAX_BYTES,
    MAX_LINE,
    MAX_ROWS,
    ManifestReader,
    ManifestSummary,
    row_leaf,
    summarise,
    write_canonical,
)
from chipledger.manifests.shapes import Shape

__all__ = [
    "MAX_BYTES",
    "MAX_FAULTS",
    "MAX_LINE",
    "MAX_ROWS",
    "Fault",
    "FaultLog",
    "ManifestReader",
    "ManifestSummary",
    "RowProof",
    "Shape",
    "prove_row",
    "read_csv",
    "read_json_lines",
    "read_rows",
    "row_leaf",
    "summarise",
    "verify_row",
    "write_canonical",
]
