"""The history of one chip in the book: its movements in order, each with the statement behind it, for one reader."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max

from registry.access import Reader, visible
from registry.models import Chip
from tracking.models import Account, Movement


@dataclass(frozen=True)
class Side:
    """An account as one end of a movement."""

    account: str
    organisation: str
    site: str


@dataclass(frozen=True)
class Step:
    """One movement of a chip; ``source`` is None where it entered the book. ``position`` is None until integrated."""

    kind: str
    source: Side | None
    target: Side
    statement: str
    statement_kind: str
    signer: str | None
    position: int | None
    transfer: str | None
    effective_at: datetime
    recorded_at: datetime


def history_of(chip: Chip, *, reader: Reader) -> list[Step]:
    """What happened to a chip, oldest first: to a holder its own period, to a regulator everything up to the last
    movement that touched its countries, to a maker the movements it was a side of."""
    seen = visible(reader, Movement).filter(lines__chip=chip)
    if reader.is_regulator:
        last = seen.aggregate(last=Max("pk"))["last"]
        seen = Movement.objects.filter(lines__chip=chip, pk__lte=last or 0)
    movements = seen.select_related(
        "source__organisation__signer",
        "source__site",
        "target__organisation__signer",
        "target__site",
        "statement__signer",
        "statement__entry",
        "transfer",
    ).order_by("pk")
    return [_step(movement) for movement in movements]


def _step(movement: Movement) -> Step:
    statement = movement.statement
    entry = getattr(statement, "entry", None)
    return Step(
        kind=movement.kind,
        source=None if movement.source is None else _side(movement.source),
        target=_side(movement.target),
        statement=bytes(statement.digest).hex(),
        statement_kind=statement.kind,
        signer=None if statement.signer is None else statement.signer.handle,
        position=None if entry is None else entry.position,
        transfer=None if movement.transfer is None else bytes(movement.transfer.digest).hex(),
        effective_at=movement.effective_at,
        recorded_at=movement.recorded_at,
    )


def _side(account: Account) -> Side:
    return Side(account.kind, account.organisation.signer.handle, account.site.code)
