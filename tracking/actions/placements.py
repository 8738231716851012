"""Placement: whether a chip on hand is in service or in storage. It never changes who answers for it."""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from tracking.actions.staging import STAGED, count_staged


def install(*, happened_at: datetime) -> None:
    """Put the staged chips into service."""
    _place("installed_at = %s", happened_at)


def take_out(*, recorded_at: datetime) -> None:
    """Put the staged chips into storage, and note when by our own clock: the holder may date its paper as it likes."""
    _place("installed_at = NULL, taken_out_before = taken_out_at, taken_out_at = %s", recorded_at)


def _place(change: str, at: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE tracking_holding holding SET {change} FROM {STAGED} staged"
            " WHERE holding.chip_id = staged.chip_id",
            [at],
        )
        if cursor.rowcount != count_staged():
            raise RuntimeError(f"{cursor.rowcount} of {count_staged()} chips were placed")
