"""Statements that can be corrected, their newest correction, and between which movements of their chips they lie."""

from __future__ import annotations

from datetime import datetime

from django.db import connection
from django.db.models import Q

from ledger.models import Statement
from tracking.models import Correction, Movement


def find_original(digest: str) -> Statement | None:
    """The statement that a correction is about."""
    return Statement.objects.filter(digest=bytes.fromhex(digest)).first()


def is_party_to(statement: Statement, *, organisation: int) -> bool:
    """Whether an organisation is a side of what a statement moved, and so knows of it."""
    sides = (
        Q(source__organisation=organisation)
        | Q(target__organisation=organisation)
        | Q(transfer__consignee=organisation)
    )
    return Movement.objects.filter(sides, statement=statement).exists()


def newest_correction(original: Statement) -> Correction | None:
    """The correction that counts; come for its digest to ``statement``."""
    return Correction.objects.filter(original=original).select_related("statement").order_by("-pk").first()


def instant_of(original: Statement) -> datetime | None:
    """When what a statement is about happened, as filed; None where it moved nothing."""
    return Movement.objects.filter(statement=original).values_list("effective_at", flat=True).first()


_NEIGHBOURS = """
WITH moved AS (
    SELECT line.chip_id, line.movement_id FROM tracking_movement movement
    JOIN tracking_movementline line ON line.movement_id = movement.id WHERE movement.statement_id = %s),
beside AS (
    SELECT DISTINCT nearest.side, nearest.movement_id FROM moved CROSS JOIN LATERAL (
        SELECT 'before' AS side, max(line.movement_id) AS movement_id FROM tracking_movementline line
        WHERE line.chip_id = moved.chip_id AND line.movement_id < moved.movement_id
        UNION ALL
        SELECT 'after', min(line.movement_id) FROM tracking_movementline line
        WHERE line.chip_id = moved.chip_id AND line.movement_id > moved.movement_id) nearest),
dated AS (
    SELECT beside.side, coalesce(corrected.effective_at, movement.effective_at) AS at FROM beside
    JOIN tracking_movement movement ON movement.id = beside.movement_id
    LEFT JOIN LATERAL (
        SELECT effective_at FROM tracking_correction WHERE original_id = movement.statement_id
        ORDER BY id DESC LIMIT 1) corrected ON true)
SELECT max(at) FILTER (WHERE side = 'before'), min(at) FILTER (WHERE side = 'after') FROM dated
"""


def neighbours_of(original: Statement) -> tuple[datetime | None, datetime | None]:
    """When the movements just before and just after those of a statement took effect, the nearest over its chips."""
    with connection.cursor() as cursor:
        cursor.execute(_NEIGHBOURS, [original.pk])
        before, after = cursor.fetchone()
    return before, after
