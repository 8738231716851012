"""Registrations of chips as lines of a list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chipledger.statements import parse_payload
from chipledger.statements.registry import ChipsCommissioned
from ledger.models import Statement
from portal.papers.documents import positions_of


@dataclass(frozen=True)
class Batch:
    """One registration."""

    digest: str
    accepted_at: datetime
    site: str
    rows: int
    sha256: str
    position: int | None


def batches_of(statements: Sequence[Statement]) -> list[Batch]:
    """What these statements registered."""
    positions = positions_of([statement.pk for statement in statements])
    found = []
    for statement in statements:
        body = parse_payload(bytes(statement.payload))
        if isinstance(body, ChipsCommissioned):
            found.append(
                Batch(
                    bytes(statement.digest).hex(),
                    statement.accepted_at,
                    body.site,
                    body.manifest.rows,
                    body.manifest.sha256,
                    positions.get(statement.pk),
                )
            )
    return found
