"""Which tables make up the book, and how two copies of one are compared whatever numbers their rows got."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.db import models


@dataclass(frozen=True)
class Kept:
    """A table that replay rebuilds. ``query`` reads it by natural keys, each table named without a schema."""

    table: str
    query: str


BOOK: Final[list[Kept]] = []


def keep(model: type[models.Model], query: str) -> None:
    """Make a model's table part of the book; parents before children."""
    BOOK.append(Kept(model._meta.db_table, query))
