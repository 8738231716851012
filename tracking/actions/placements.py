"""Placement: whether a chip on hand is in service or in storage. It never changes who answers for it."""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from tracking.actions.staging import STAGED, count_staged


def place(*, installed_at: datetime | None) -> None:
    """Put the staged chips into service at an instant, or into storage."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""UPDATE tracking_holding holding SET installed_at = %s FROM {STAGED} staged
                WHERE holding.chip_id = staged.chip_id""",
            [installed_at],
        )
        if cursor.rowcount != count_staged():
            raise RuntimeError(f"{cursor.rowcount} of {count_staged()} chips were placed")
