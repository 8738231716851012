"""The history of one chip in the book: its movements in order, each with the statement behind it, for one reader."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from django.db.models import Max

from registry.access import Reader, visible
from registry.models import Chip
from tracking.models import Account, Correction, Movement


class View(StrEnum):
    """Which of two effective times a reader looks at: the one first stated, the one that counts now, or both."""

    FILED = "filed"
    CORRECTED = "corrected"
    BOTH = "both"


@dataclass(frozen=True)
class Side:
    """An account as one end of a movement."""

    account: str
    organisation: str
    site: str
    name: str


@dataclass(frozen=True)
class Correcting:
    """What a later statement of the same signer says of when a movement took effect; ``position`` as in ``Step``."""

    statement: str
    reason: str
    signer: str | None
    position: int | None
    effective_at: datetime
    recorded_at: datetime


@dataclass(frozen=True)
class Step:
    """One movement of a chip; ``source`` is None where it entered the book. ``position`` is None until integrated.

    ``effective_at`` is when it took effect in the view that was asked for, ``filed_at`` when it did as first stated.
    ``corrections`` come oldest first; the last one counts.
    """

    kind: str
    source: Side | None
    target: Side
    statement: str
    statement_kind: str
    signer: str | None
    position: int | None
    transfer: str | None
    consignee: str | None
    effective_at: datetime
    filed_at: datetime
    recorded_at: datetime
    corrections: tuple[Correcting, ...] = ()


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
        "transfer__consignee__signer",
    ).order_by("pk")
    found = list(movements)
    corrections = _corrections_of(found)
    return [_step(movement, corrections.get(movement.statement_id, ())) for movement in found]


def in_view(steps: Sequence[Step], view: View, *, known_at: datetime | None = None) -> list[Step]:
    """The same steps, in effect as first stated or as last corrected; ``known_at`` leaves out what was filed from
    that instant on."""
    shown = []
    for step in steps:
        if known_at is not None and step.recorded_at >= known_at:
            continue
        corrections = tuple(
            each for each in step.corrections if known_at is None or each.recorded_at < known_at
        )
        counts = view != View.FILED and corrections
        at = corrections[-1].effective_at if counts else step.filed_at
        shown.append(replace(step, effective_at=at, corrections=() if view == View.FILED else corrections))
    return shown


def _corrections_of(movements: Iterable[Movement]) -> dict[int, tuple[Correcting, ...]]:
    """The corrections of the statements behind these movements, oldest first; who may see those may see these."""
    found: dict[int, tuple[Correcting, ...]] = {}
    rows = Correction.objects.filter(original__in={movement.statement_id for movement in movements})
    for row in rows.select_related("statement__signer", "statement__entry").order_by("pk"):
        found[row.original_id] = (*found.get(row.original_id, ()), _correcting(row))
    return found


def _correcting(correction: Correction) -> Correcting:
    statement = correction.statement
    entry = getattr(statement, "entry", None)
    return Correcting(
        statement=bytes(statement.digest).hex(),
        reason=correction.reason,
        signer=None if statement.signer is None else statement.signer.handle,
        position=None if entry is None else entry.position,
        effective_at=correction.effective_at,
        recorded_at=correction.recorded_at,
    )


def _step(movement: Movement, corrections: tuple[Correcting, ...]) -> Step:
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
        consignee=None if movement.transfer is None else movement.transfer.consignee.signer.handle,
        effective_at=corrections[-1].effective_at if corrections else movement.effective_at,
        filed_at=movement.effective_at,
        recorded_at=movement.recorded_at,
        corrections=corrections,
    )


def _side(account: Account) -> Side:
    return Side(
        account.kind, account.organisation.signer.handle, account.site.code, account.organisation.name
    )
