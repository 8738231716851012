"""Handlers of this room at the door: entrances, transfers, receipts, settlements, and what holders say of chips."""

from tracking.queries import access
from tracking.statements import (
    chips,
    corrections,
    entrances,
    kept,
    receipts,
    settlements,
    stock_counts,
    transfers,
)

__all__ = [
    "access",
    "chips",
    "corrections",
    "entrances",
    "kept",
    "receipts",
    "settlements",
    "stock_counts",
    "transfers",
]
