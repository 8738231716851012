"""Turning an uploaded file of new chips into a canonical manifest and a paper to be signed."""

from __future__ import annotations

import io
import secrets
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import IO, BinaryIO, Final, cast

from chipledger.manifests import (
    MAX_BYTES,
    Fault,
    FaultLog,
    Shape,
    read_csv,
    read_json_lines,
    summarise,
    write_canonical,
)
from chipledger.refusals import Refused
from chipledger.statements.common import ManifestRef
from jobs.actions import record_refusal
from jobs.models import Job
from jobs.runners import Rejections
from ledger import manifests
from ledger.models import Key, Signer
from portal.actions.drafts import prepare_draft
from portal.models import Draft
from registry.access import Reader, check_role
from registry.models import Role

CHUNK: Final = 1 << 20
SPILL: Final = 8 << 20
"""Files up to so many bytes are converted in memory, larger ones on disk."""


@dataclass(frozen=True)
class Converted:
    """A canonical manifest that is stored, and what it counts by model."""

    reference: ManifestRef
    counts: Counter[str]


def prepare_batch(file: BinaryIO, *, name: str, site: str, key: Key, by: Reader, at: datetime) -> Draft | Job:
    """The paper that registers the chips of a file; or, when rows are at fault, the job that shows every one of them.

    Raises Refused when the file cannot be read at all.
    """
    check_role(by, Role.PREPARER)
    rejections = Rejections()
    try:
        converted = convert(file, Shape.COMMISSION, by.organisation.signer, rejections, at=at)
        if converted is None:
            found = "1 fault was" if rejections.total == 1 else f"{rejections.total:,} faults were"
            return record_refusal(
                "portal.read-file",
                scope=by.handle,
                rejections=rejections,
                problem=Refused(
                    "rows_refused", f"{found} found in the file; nothing was prepared."
                ).as_problem(),
            )
    finally:
        rejections.close()
    models = ", ".join(f"{number:,} × {model}" for model, number in sorted(converted.counts.items()))
    return prepare_draft(
        "chips.commissioned",
        {"site": site, "manifest": converted.reference.model_dump(mode="json")},
        keys=[key],
        by=by,
        at=at,
        notes={"Uploaded file": name[:120], "Models": models[:400]},
    )


def convert(
    file: BinaryIO, shape: Shape, signer: Signer, rejections: Rejections, *, at: datetime
) -> Converted | None:
    """Read a file as it came, and keep it as a canonical manifest; None when a row is at fault, each in ``rejections``.

    Whether it is CSV or JSON Lines is told by its first character, never by its name or declared type.
    """
    counts: Counter[str] = Counter()
    faults = FaultLog(lambda fault: _note(rejections, fault))
    secret = secrets.token_bytes(manifests.SECRET_BYTES)
    with tempfile.SpooledTemporaryFile(max_size=SPILL) as canonical:
        out = cast("BinaryIO", canonical)
        write_canonical(_counted(_rows(file, shape, faults), counts), out, shape)
        if canonical.tell() > MAX_BYTES:
            raise Refused("manifest_too_large", f"A manifest has at most {MAX_BYTES} bytes.", status=413)
        if rejections.total:
            return None
        canonical.seek(0)
        try:
            summary = summarise(out, shape, secret, on_fault=lambda fault: _note(rejections, fault))
        except Refused:
            if rejections.total:
                return None
            raise
        canonical.seek(0)
        manifests.store_blob(signer, _chunks(out), secret=secret, at=at)
    reference = ManifestRef(
        sha256=summary.sha256, size=summary.size, rows=summary.rows, rows_root=summary.rows_root
    )
    return Converted(reference, counts)


def keep_chips(names: Iterable[str], signer: Signer, *, at: datetime) -> ManifestRef:
    """Keep a list of chips as a manifest, for statements about more than fit into them."""
    out = io.BytesIO()
    write_canonical(((name,) for name in names), out, Shape.CHIPS)
    secret = secrets.token_bytes(manifests.SECRET_BYTES)
    manifests.store_blob(signer, [out.getvalue()], secret=secret, at=at)
    out.seek(0)
    summary = summarise(out, Shape.CHIPS, secret)
    return ManifestRef(
        sha256=summary.sha256, size=summary.size, rows=summary.rows, rows_root=summary.rows_root
    )


def _rows(file: BinaryIO, shape: Shape, faults: FaultLog) -> Iterator[tuple[str, ...]]:
    start = file.read(64)
    file.seek(0)
    if start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{":
        return read_json_lines(file, shape, faults)
    return read_csv(file, shape, faults)


def _counted(rows: Iterable[tuple[str, ...]], counts: Counter[str]) -> Iterator[tuple[str, ...]]:
    for row in rows:
        counts[row[0]] += 1
        yield row


def _note(rejections: Rejections, fault: Fault) -> None:
    rejections.add(fault.as_refusal())


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        yield chunk
