"""Manifest files: stored before the statement that names them, checked against it, staged as rows for its handler."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from io import BytesIO
from typing import Final

from django.db import connection, transaction

from chipledger.manifests import MAX_BYTES, Fault, ManifestReader, ManifestSummary, Shape
from chipledger.manifests.reader import SECRET_SIZE, check_secret, empty, too_large
from chipledger.refusals import Refused
from chipledger.statements.common import ManifestRef
from chipledger.statements.common import Statement as Body
from ledger.handlers import Filing
from ledger.models import Blob, BlobPart, Signer

PART: Final = 1 << 20
TABLES: Final = {
    Shape.CHIPS: ("staged_chips", 'row bigint, chip text COLLATE "C"'),
    Shape.COMMISSION: (
        "staged_commission",
        'row bigint, model text, serial text COLLATE "C", device_key text',
    ),
}
NEW_CHIPS: Final = frozenset({"chips.commissioned", "stock.opened"})


@transaction.atomic
def store_blob(signer: Signer, chunks: Iterable[bytes], *, secret: bytes, at: datetime) -> Blob:
    """Keep an uploaded file for its organisation, durably, in bounded memory; the same file again is the same blob.

    What is in it is checked when a statement that names it is booked, so that every fault can be reported then.
    """
    check_secret(secret, field="Manifest-Secret")
    blob = Blob(signer=signer, secret=secret, uploaded_at=at, size=0, sha256="")
    blob.pk = _next_blob_id()
    sha256 = hashlib.sha256()
    for number, content in enumerate(in_parts(chunks)):
        blob.size += len(content)
        if blob.size > MAX_BYTES:
            raise too_large()
        sha256.update(content)
        BlobPart.objects.create(blob=blob, part=number, content=content)
    if not blob.size:
        raise empty()
    blob.sha256 = sha256.hexdigest()
    known = Blob.objects.filter(signer=signer, sha256=blob.sha256, secret=secret).first()
    if known is not None:
        transaction.set_rollback(True)
        return known
    blob.save(force_insert=True)
    return blob


def find_blob(signer: Signer, reference: ManifestRef) -> Blob:
    """The organisation's own upload that a statement names; nobody can ask for another organisation's."""
    blob = Blob.objects.filter(signer=signer, sha256=reference.sha256).order_by("-pk").first()
    if blob is None:
        raise Refused(
            "manifest_missing",
            "Upload the manifest before the statement that names it.",
            field="manifest.sha256",
            value=reference.sha256,
            status=409,
        )
    if blob.size != reference.size:
        raise Refused(
            "manifest_size",
            f"The manifest has {blob.size} bytes; sign a statement that says so.",
            field="manifest.size",
            value=str(reference.size),
        )
    return blob


def secret_for(signer: Signer, sha256: str) -> bytes:
    """The secret that a file of this content is kept with: the organisation's own earlier one, so that a paper that
    was prepared from it before stays good, or a fresh one."""
    known = Blob.objects.filter(signer=signer, sha256=sha256).order_by("-pk").values_list("secret", flat=True)
    found = known.first()
    return secrets.token_bytes(SECRET_SIZE) if found is None else bytes(found)


def find_blob_of(handle: str, sha256: str) -> Blob:
    """The content that a booked statement named, for replay."""
    blob = Blob.objects.filter(sha256=sha256, signer__pk__in=_ids_of(handle)).order_by("-pk").first()
    if blob is None:
        raise RuntimeError(f"the manifest {sha256} of {handle} is gone, although a statement names it")
    return blob


def stage(filing: Filing[Body]) -> None:
    """Load the rows that a statement names into a temporary table, and check that the manifest is what it says.

    ``staged_chips(row, chip)`` or ``staged_commission(row, model, serial, device_key)``. Rows at fault are rejected
    one by one and left out; what makes the whole file unreadable is refused at once.
    """
    shape = Shape.COMMISSION if filing.body.kind in NEW_CHIPS else Shape.CHIPS
    reference: ManifestRef | None = getattr(filing.body, "manifest", None)
    if reference is None:
        stage_names(list(getattr(filing.body, "chips", None) or []))
        return
    if filing.blob is None:
        raise RuntimeError("a statement that names a manifest came without it")
    with closing(
        read_blob(filing.blob)
    ) as chunks:  # its cursor ends before a refusal rolls the transaction back
        loaded = load_rows(
            shape,
            chunks,
            bytes(filing.blob.secret),
            on_fault=lambda fault: filing.reject(fault.as_refusal()),
            progress=lambda rows: filing.progress(rows, reference.rows),
            check_keys=not filing.replaying,
        )
    summary = loaded.summary
    if filing.replaying or loaded.faults:
        return
    for field in ("rows", "rows_root"):
        found, said = getattr(summary, field), getattr(reference, field)
        if found != said:
            raise Refused(
                f"manifest_{field}",
                f"The manifest's {field.replace('_', ' ')} is {found}; sign a statement that says so.",
                field=f"manifest.{field}",
                value=str(said),
            )


@dataclass(frozen=True)
class Loaded:
    """What was staged: the summary, which is meaningful when there are no ``faults``."""

    summary: ManifestSummary
    faults: int


def load_rows(
    shape: Shape,
    chunks: Iterable[bytes],
    secret: bytes,
    *,
    on_fault: Callable[[Fault], None],
    progress: Callable[[int], None],
    check_keys: bool = True,
    numbers: Sequence[int] | None = None,
) -> Loaded:
    """Load the rows of a canonical manifest into its temporary table; rows at fault are passed on and left out.

    ``numbers`` are the rows' places in another file that this one was made from; faults and rows then name those.
    """
    table = _empty_table(shape)
    batches: list[bytes] = []

    def place(row: int) -> int:
        return numbers[row - 1] if numbers is not None else row

    def collect(rows: list[int], lines: list[bytes]) -> None:
        batches.extend(b"%d,%b\n" % (place(row), line) for row, line in zip(rows, lines, strict=True))

    def refuse(fault: Fault) -> None:
        on_fault(replace(fault, row=place(fault.row)))

    reader = ManifestReader(shape, secret, on_fault=refuse, on_rows=collect, check_keys=check_keys)
    for content in chunks:
        reader.feed(content)
        with connection.cursor() as cursor:
            cursor.copy_expert(f"COPY {table} FROM STDIN WITH (FORMAT csv)", BytesIO(b"".join(batches)))
        batches.clear()
        progress(reader.rows)
    summary = reader.close()
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {table}")
    return Loaded(summary, len(reader.faults))


def stage_names(chips: list[str]) -> None:
    """Stage chips that a statement names in itself."""
    table = _empty_table(Shape.CHIPS)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} SELECT place, chip FROM unnest(%s::text[]) WITH ORDINALITY AS named(chip, place)",
            [chips],
        )


def read_blob(blob: Blob) -> Generator[bytes]:
    """The content of a blob, piece by piece."""
    for content in (
        BlobPart.objects.filter(blob=blob).order_by("part").values_list("content", flat=True).iterator(4)
    ):
        yield bytes(content)


def _empty_table(shape: Shape) -> str:
    name, columns = TABLES[shape]
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE IF NOT EXISTS {name} ({columns}) ON COMMIT DELETE ROWS")
        cursor.execute(f"TRUNCATE {name}")
    return name


def in_parts(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of one size, as they are kept."""
    buffer = bytearray()
    for chunk in chunks:
        buffer += chunk
        while len(buffer) >= PART:
            yield bytes(buffer[:PART])
            del buffer[:PART]
    if buffer:
        yield bytes(buffer)


def _ids_of(handle: str) -> list[int]:
    """The signer's number in the book in use, also while replay shadows its table."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM public.ledger_signer WHERE handle = %s", [handle])
        return [row[0] for row in cursor.fetchall()]


def _next_blob_id() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('ledger_blob', 'id'))")
        row = cursor.fetchone()
    return int(row[0])
