"""Writing corrections down. Movements are never changed: their effective time is asked for through the newest one."""

from __future__ import annotations

from datetime import datetime

from ledger.models import Statement
from tracking.models import Correction


def correct_statement(
    original: Statement,
    *,
    previous: Statement | None,
    effective_at: datetime,
    reason: str,
    by: Statement,
    at: datetime,
) -> None:
    """Keep when what a statement is about really happened."""
    Correction.objects.create(
        statement=by,
        original=original,
        previous=previous,
        reason=reason,
        effective_at=effective_at,
        recorded_at=at,
    )
