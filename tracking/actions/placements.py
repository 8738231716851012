"""Placement: whether a chip on hand is in service or in storage. It never changes who answers for it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db import connection

from tracking.actions.staging import STAGED, count_staged

GRACE_ONCE_IN: Final = timedelta(days=60)
"""Taking a chip out and putting it back within this time of an installation winds no clock back (record 0007)."""


def place(*, installed_at: datetime | None) -> None:
    """Put the staged chips into service at an instant, or into storage."""
    a_grace_ago = None if installed_at is None else installed_at - GRACE_ONCE_IN
    with connection.cursor() as cursor:
        cursor.execute(
            f"""UPDATE tracking_holding holding
                SET installed_at = %(at)s,
                    clock_from = CASE WHEN %(at)s::timestamptz IS NULL OR clock_from > %(a_grace_ago)s
                                      THEN clock_from ELSE %(at)s END
                FROM {STAGED} staged WHERE holding.chip_id = staged.chip_id""",
            {"at": installed_at, "a_grace_ago": a_grace_ago},
        )
        if cursor.rowcount != count_staged():
            raise RuntimeError(f"{cursor.rowcount} of {count_staged()} chips were placed")
