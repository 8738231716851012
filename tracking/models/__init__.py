"""The rows of the book: accounts and movements, transfers and their differences, holdings, counts of sites."""

from tracking.models.book import (
    ENTRANCES,
    OPEN_TRANSFERS,
    Account,
    AccountKind,
    Correction,
    Difference,
    DifferenceKind,
    Holding,
    Movement,
    MovementKind,
    MovementLine,
    Transfer,
    TransferState,
    Why,
)
from tracking.models.stock_counts import StockCount, StockDifference

__all__ = [
    "ENTRANCES",
    "OPEN_TRANSFERS",
    "Account",
    "AccountKind",
    "Correction",
    "Difference",
    "DifferenceKind",
    "Holding",
    "Movement",
    "MovementKind",
    "MovementLine",
    "StockCount",
    "StockDifference",
    "Transfer",
    "TransferState",
    "Why",
]
