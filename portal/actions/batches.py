"""Keeping chips in canonical manifests before a statement names them."""

from __future__ import annotations

import hashlib
import io
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import IO, Final, cast

from chipledger.manifests import ManifestSummary, Shape, summarise, write_canonical
from chipledger.statements.common import ManifestRef
from ledger import manifests
from ledger.models import Signer

CHUNK: Final = 1 << 20
SPILL: Final = 8 << 20
"""Files up to so many bytes are converted in memory, larger ones on disk."""


def keep_chips(names: Iterable[str], signer: Signer, *, at: datetime) -> ManifestRef:
    """Keep a list of chips as a manifest, for statements about more than fit into them."""
    return keep_rows(((name,) for name in names), Shape.CHIPS, signer, at=at)


def keep_rows(rows: Iterable[Sequence[str]], shape: Shape, signer: Signer, *, at: datetime) -> ManifestRef:
    """Keep rows as a manifest, in bounded memory; the same rows again are the same manifest, with the same root."""
    with tempfile.SpooledTemporaryFile(max_size=SPILL) as canonical:
        out = cast("io.BufferedRandom", canonical)
        write_canonical(rows, out, shape)
        secret = manifests.secret_for(signer, sha256_of(out))
        out.seek(0)
        return keep_file(out, summarise(out, shape, secret), secret, signer, at=at)


def keep_file(
    canonical: io.BufferedRandom, summary: ManifestSummary, secret: bytes, signer: Signer, *, at: datetime
) -> ManifestRef:
    """Keep a canonical file of which this is the summary, made with this secret."""
    manifests.store_blob(signer, pieces_of(canonical), secret=secret, at=at)
    return ManifestRef(
        sha256=summary.sha256, size=summary.size, rows=summary.rows, rows_root=summary.rows_root
    )


def sha256_of(file: io.BufferedRandom) -> str:
    """The hash of a whole file, in hex."""
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()


def pieces_of(file: IO[bytes]) -> Iterator[bytes]:
    """A whole file, a mebibyte at a time."""
    file.seek(0)
    while piece := file.read(CHUNK):
        yield piece
