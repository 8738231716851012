"""The one integrator: it gives pending statements their place in the log, and signs what the log then is."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import connection, transaction

from chipledger import clock, merkle
from chipledger.merkle import CompactRange
from chipledger.notes import Checkpoint as CheckpointBody
from chipledger.notes import sign_checkpoint, verify_checkpoint
from ledger import log
from ledger.log_key import log_key, note_key
from ledger.models import Checkpoint, Entry, PendingEntry, Tile

BATCH: Final = 4096
LOCK: Final = 0x636869706C6F67


class Forked(Exception):
    """The database holds another log than the one that was published: it must not be signed."""


class NotAlone(Exception):
    """Another integrator has the lock."""


def integrate() -> int:
    """Give up to 4,096 pending statements contiguous positions, and sign; returns how many. Before genesis, none.

    Everything happens in one transaction; the checkpoint is published, in the copy outside the database, after it.
    """
    with transaction.atomic():
        _lock()
        newest = log.latest_checkpoint()
        check_not_forked(newest)
        pending = list(PendingEntry.objects.order_by("id")[:BATCH])
        if not pending:
            if newest is not None:
                # Whoever signed it may have died before publishing it, and outsiders have seen it already.
                publish(newest)
            return 0
        size = newest.size if newest else 0
        edge = CompactRange(size, _edge(size))
        entries = [
            Entry(
                position=size + place,
                statement_id=row.statement_id,
                data=row.data,
                leaf_hash=merkle.leaf_hash(bytes(row.data)),
            )
            for place, row in enumerate(pending)
        ]
        Entry.objects.bulk_create(entries)
        edge.extend(bytes(entry.leaf_hash) for entry in entries)
        _write_full_tiles(size, edge.size)
        deleted, _ = PendingEntry.objects.filter(pk__in=[row.pk for row in pending]).delete()
        if deleted != len(pending):
            raise RuntimeError("pending statements vanished while they were integrated")
        checkpoint = _sign(edge)
    publish(checkpoint)
    return len(pending)


def check_not_forked(newest: Checkpoint | None) -> None:
    """Refuse to go on when the database is not the log that the copy outside it remembers.

    A database restored from an old backup is smaller than the copy, or has another root at its size.
    """
    copy = Path(settings.CHECKPOINT_COPY)
    if not copy.exists():
        return
    published = verify_checkpoint(copy.read_text(encoding="utf-8"), [note_key()])
    if newest is None or newest.size < published.size:
        raise Forked(
            f"The database ends at {newest.size if newest else 0} entries, but {published.size} were published. "
            "It was restored from an old backup; do not sign with it."
        )
    if published.size and merkle.range_root(log.nodes(newest.size), 0, published.size) != published.root:
        raise Forked(
            f"The database holds another log: its root at {published.size} entries is not the one published."
        )


def publish(checkpoint: Checkpoint) -> None:
    """Keep a copy of the checkpoint outside the database, old or new and never half."""
    copy = Path(settings.CHECKPOINT_COPY)
    if copy.exists() and copy.read_text(encoding="utf-8") == checkpoint.note:
        return
    copy.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=copy.parent, prefix=f".{copy.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(checkpoint.note)
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(copy)


def _lock() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        row = cursor.fetchone()
    if row is None or not row[0]:
        raise NotAlone


def _edge(size: int) -> list[bytes]:
    """The roots of the complete subtrees that the log at ``size`` is made of, largest first."""
    node, start, edge = log.nodes(size), 0, []
    for level in reversed(range(size.bit_length())):
        if size >> level & 1:
            edge.append(node(level, start >> level))
            start += 1 << level
    return edge


def _write_full_tiles(old: int, new: int) -> None:
    level = 0
    while new >> (8 * (level + 1)):
        first, last = old >> (8 * (level + 1)), new >> (8 * (level + 1))
        Tile.objects.bulk_create(
            [
                Tile(level=level, index=index, hashes=log.tile_hashes(level, index, new))
                for index in range(first, last)
            ]
        )
        level += 1


def _sign(edge: CompactRange) -> Checkpoint:
    body = CheckpointBody(settings.LOG_ORIGIN, edge.size, edge.root())
    note = sign_checkpoint(body, settings.LOG_ORIGIN, log_key())
    return Checkpoint.objects.create(size=body.size, root=body.root, note=note, signed_at=clock.now())
