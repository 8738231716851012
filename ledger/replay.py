"""The book built again from the log alone, into a second schema, and compared with the one in use.

Replay applies effects in log order. It does not judge again: rules and freshness were judged at the door, and the
verdict is kept with the statement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.db import connection, transaction

from chipledger.statements import parse_payload
from chipledger.statements.common import Statement as Body
from chipledger.statements.ledger import LedgerFounded
from ledger import manifests
from ledger.book import BOOK
from ledger.door import follow
from ledger.handlers import HANDLERS, Filing
from ledger.models import Entry, Signer, SignerKind, Statement

SCHEMA = "replay"
SAMPLES = 5


@dataclass(frozen=True)
class TableDifference:
    """How a table of the book differs from its replay; samples are rows as text, at most five a side."""

    table: str
    only_in_book: int
    only_in_replay: int
    samples: tuple[str, ...]


def replay(progress: Callable[[int, int], None] = lambda done, total: None) -> list[TableDifference]:
    """Rebuild the book and report every difference; leaves nothing behind. Statements still pending are left out."""
    with transaction.atomic():
        _create_schema()
        try:
            total = Entry.objects.count()
            for done, statement in enumerate(_in_log_order(), start=1):
                _apply(statement)
                progress(done, total)
            return [
                difference for kept in BOOK if (difference := _compare(kept.table, kept.query)) is not None
            ]
        finally:
            transaction.set_rollback(True)


def _in_log_order() -> Iterator[Statement]:
    entries = Entry.objects.select_related("statement").order_by("position").only("statement")
    for entry in entries.iterator(chunk_size=100):
        yield entry.statement


def _apply(statement: Statement) -> None:
    handler = HANDLERS[statement.kind]
    if not handler.rebuilds:
        return
    body = parse_payload(bytes(statement.payload))
    filing = Filing(
        body,
        bytes(statement.digest),
        _signer_of(body),
        [],
        statement.accepted_at,
        statement=statement,
        replaying=True,
    )
    reference = getattr(body, "manifest", None)
    if reference is not None:
        filing.blob = manifests.find_blob_of(filing.signer.handle, reference.sha256)
    handler.stage(filing)
    handler.apply(filing, statement.verdict)
    follow(filing)


def _signer_of(body: Body) -> Signer:
    if isinstance(body, LedgerFounded):
        return Signer.objects.create(handle=body.regulators[0].handle, kind=SignerKind.REGULATOR)
    return Signer.objects.get(handle=body.signers[0].organisation)


def _create_schema() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
        cursor.execute(f"CREATE SCHEMA {SCHEMA}")
        for kept in BOOK:
            cursor.execute(f"CREATE TABLE {SCHEMA}.{kept.table} (LIKE public.{kept.table} INCLUDING ALL)")
        cursor.execute(f"SET LOCAL search_path = {SCHEMA}, public")


def _compare(table: str, query: str) -> TableDifference | None:
    with connection.cursor() as cursor:
        for side in ("public", f"{SCHEMA}, public"):
            name = "in_replay" if side.startswith(SCHEMA) else "in_book"
            cursor.execute(f"SET LOCAL search_path = {side}")
            cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{name}")
            cursor.execute(f"CREATE TEMP TABLE {name} ON COMMIT DROP AS {query}")
        counts, samples = [], []
        for mine, other in (("in_book", "in_replay"), ("in_replay", "in_book")):
            surplus = f"SELECT * FROM {mine} EXCEPT ALL SELECT * FROM {other}"
            cursor.execute(f"SELECT count(*) FROM ({surplus}) surplus")
            counts.append(cursor.fetchone()[0])
            cursor.execute(f"SELECT surplus::text FROM ({surplus}) surplus LIMIT {SAMPLES}")
            samples += [f"{mine}: {row[0]}" for row in cursor.fetchall()]
    return TableDifference(table, counts[0], counts[1], tuple(samples)) if any(counts) else None
