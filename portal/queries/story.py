"""The story of a finding: what happened around it, the evidence there is, and the statements that it rests on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.urls import reverse

from attestations.models import Conflict, IdentityGrade, PlaceGrade, Sighting
from attestations.queries import sightings_of
from audits.models import Finding
from ledger.models import Checkpoint, Statement
from portal.papers.documents import positions_of
from portal.queries.chips import moved_event, seen_event
from portal.queries.stock_takes import COUNTED_RULES
from registry.access import Reader, visible
from tracking.models import OPEN_TRANSFERS, Difference, Movement, MovementKind, StockCount, Transfer
from tracking.queries.history import Step, history_of
from web.components import Event, Severity, Side
from web.durations import stamp

SHOWN: Final = 30
"""So many movements of a chip, or of a transfer, are told at most: the newest."""


@dataclass(frozen=True)
class Evidence:
    """The latest evidence of a chip in one grade; all but the grade is empty where there is none to see."""

    grade: str
    place: str = ""
    site: str = ""
    seen_at: datetime | None = None
    statement: str = ""


@dataclass(frozen=True)
class Story:
    """What is known around a finding, as far as the reader may see it. ``grounds`` are its statements, each with the
    part that it plays; ``checkpoint`` is the newest one when the finding was frozen."""

    events: list[Event] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    grounds: list[tuple[str, Statement]] = field(default_factory=list)
    checkpoint: Checkpoint | None = None


def story_of(finding: Finding, reader: Reader, *, at: datetime) -> Story:
    """Everything that the page of a finding tells, and its download holds; come with its names selected."""
    parts: dict[int, str] = {}
    steps: list[Step] = []
    movements: list[Movement] = []
    sightings: list[Sighting] = []
    conflicts: list[Conflict] = []
    missing: list[str] = []
    if finding.chip is not None:
        steps = _around(history_of(finding.chip, reader=reader), finding.began_at)
        sightings = list(sightings_of(finding.chip, reader=reader))
        conflicts = _conflicts(finding, reader)
        parts |= {each.statement_id: "A contradiction" for each in conflicts}
        parts |= {each.statement_id: f"Evidence by {_grade(each.identity)}" for each in reversed(sightings)}
        missing = _missing_of_chip(sightings)
    transfer = finding.transfer and visible(reader, Transfer).filter(pk=finding.transfer.pk).first()
    if transfer is not None:
        movements = _movements_of(transfer, reader)
        parts |= {each.statement_id: str(MovementKind(each.kind).label) for each in reversed(movements)}
        parts[transfer.statement_id] = "The dispatch"
        missing = _missing_of_transfer(transfer, reader)
    if finding.rule in COUNTED_RULES:
        digest = bytes.fromhex(finding.frozen["arithmetic"]["count"])
        counts = visible(reader, StockCount).filter(statement__digest=digest)
        parts |= dict.fromkeys(counts.values_list("statement_id", flat=True), "The count")
    if finding.policy is not None:
        parts[finding.policy.statement_id] = "The policy"
    earlier = finding.explanations.order_by("-pk").values_list("statement_id", flat=True)
    parts |= dict.fromkeys(earlier[:SHOWN], "An earlier explanation")
    parts |= {
        number: part
        for number, part in (
            (finding.explained_by_id, "The explanation"),
            (finding.closed_by_id, "The decision"),
        )
        if number is not None
    }
    grounds = _grounds(parts, steps, finding.began_at, reader)
    positions = positions_of([statement.pk for _, statement in grounds])
    by_number = {statement.pk: statement for _, statement in grounds}
    events = [
        *_own_events(finding, by_number, positions),
        *(moved_event(step) for step in steps),
        *(seen_event(each, positions.get(each.statement_id)) for each in sightings),
        *(_contradiction(each, positions) for each in conflicts),
        *_transfer_events(transfer, movements, positions, at=at),
    ]
    size = finding.frozen.get("checkpoint")
    return Story(
        sorted(events, key=lambda event: event.at, reverse=True),
        _evidence(sightings) if finding.chip is not None else [],
        missing,
        grounds,
        Checkpoint.objects.filter(size=size).first() if isinstance(size, int) else None,
    )


def _around(steps: Sequence[Step], since: datetime) -> list[Step]:
    """The last movement before it began, and what came after."""
    before = sum(1 for step in steps if step.recorded_at < since)
    return list(steps[max(0, before - 1) :][-SHOWN:])


def _conflicts(finding: Finding, reader: Reader) -> list[Conflict]:
    found = visible(reader, Conflict).filter(chip=finding.chip)
    return list(found.select_related("site", "other_site", "statement").order_by("-seen_at", "-pk")[:SHOWN])


def _movements_of(transfer: Transfer, reader: Reader) -> list[Movement]:
    rows = visible(reader, Movement).filter(transfer=transfer).select_related("statement__signer")
    return list(rows.order_by("-pk")[:SHOWN])


def _grounds(
    parts: dict[int, str], steps: Sequence[Step], since: datetime, reader: Reader
) -> list[tuple[str, Statement]]:
    """The statements that the reader may open, in the order in which they were accepted."""
    moved = {bytes.fromhex(step.statement): "A movement since it began" for step in steps}
    if steps and steps[0].recorded_at < since:
        moved[bytes.fromhex(steps[0].statement)] = "The last movement before"
    mine = visible(reader, Statement)
    found = mine.filter(pk__in=parts) | mine.filter(digest__in=moved)
    return [
        (parts.get(each.pk) or moved[bytes(each.digest)], each)
        for each in found.select_related("signer").order_by("pk")
    ]


def _evidence(sightings: Iterable[Sighting]) -> list[Evidence]:
    """One line for each grade, the strongest first."""
    found = {sighting.identity: sighting for sighting in sightings}
    return [
        Evidence(
            _grade(grade),
            str(PlaceGrade(seen.place).label).lower(),
            seen.site.code,
            seen.seen_at,
            bytes(seen.statement.digest).hex(),
        )
        if (seen := found.get(grade))
        else Evidence(_grade(grade))
        for grade in sorted(IdentityGrade.values, reverse=True)
    ]


def _missing_of_chip(sightings: Sequence[Sighting]) -> list[str]:
    strongest = [each for each in sightings if each.identity == IdentityGrade.HARDWARE]
    if strongest:
        return [f"Nothing by the chip's own hardware since {stamp(strongest[0].seen_at)}."]
    return ["No evidence by the chip's own hardware that you may see: a weaker grade never stands in for it."]


def _missing_of_transfer(transfer: Transfer, reader: Reader) -> list[str]:
    found = []
    if transfer.outstanding:
        found.append(
            f"Nobody has signed for {transfer.outstanding:,} of the {transfer.quantity:,} chips dispatched."
        )
    unsettled = visible(reader, Difference).filter(transfer=transfer, settled_at__isnull=True)
    if number := unsettled.count():
        found.append(f"{number:,} differences between dispatch and receipt are not settled.")
    return found


def _own_events(
    finding: Finding, statements: dict[int, Statement], positions: dict[int, int]
) -> Iterable[Event]:
    """What became of the finding itself."""
    must = f"{finding.organisation.name} must explain."
    size = finding.frozen.get("checkpoint")
    made_at = f" At checkpoint {size:,}." if isinstance(size, int) else ""
    yield Event(finding.began_at, "So since then, by the records", Side.AUDIT)
    yield Event(finding.opened_at, "A sweep opened the finding", Side.AUDIT, must + made_at)
    if finding.worsened_at:
        step = Severity(finding.severity).name.lower()
        yield Event(finding.worsened_at, "It became graver", Side.AUDIT, f"It is {step} since.")
    if finding.refreshed_at not in (finding.opened_at, finding.worsened_at):
        yield Event(finding.refreshed_at, "A sweep saw it last", Side.AUDIT)
    if finding.closed_at is None or finding.closed_at > finding.due_at:
        yield Event(finding.due_at, "The explanation is due", Side.AUDIT, must)
    if finding.explained_at:
        cause = f"Root cause: {finding.root_cause.replace('_', ' ')}."
        yield _said("Explained", cause, finding.explained_at, finding.explained_by_id, statements, positions)
    if finding.closed_at:
        how = str(finding.get_closing_display())
        if finding.closed_by_id is None:
            yield Event(finding.closed_at, how, Side.AUDIT, "Sweeps in a row no longer saw it.")
        else:
            yield _said("Decided", f"{how}.", finding.closed_at, finding.closed_by_id, statements, positions)


def _said(
    title: str,
    text: str,
    at: datetime,
    number: int | None,
    statements: dict[int, Statement],
    positions: dict[int, int],
) -> Event:
    statement = statements.get(number or 0)
    if statement is None:
        return Event(at, title, Side.AUDIT, text)
    signer = f" by {statement.signer.handle}" if statement.signer else ""
    url = reverse("statement", args=[bytes(statement.digest).hex()])
    return Event(at, f"{title}{signer}", Side.AUDIT, text, url, positions.get(statement.pk))


def _transfer_events(
    transfer: Transfer | None, movements: Sequence[Movement], positions: dict[int, int], *, at: datetime
) -> Iterable[Event]:
    """The states of a transfer: what moved, and what is or was expected of it."""
    if transfer is None:
        return
    for moved in movements:
        signer = f" by {moved.statement.signer.handle}" if moved.statement.signer else ""
        yield Event(
            moved.effective_at,
            f"{MovementKind(moved.kind).label}{signer}",
            Side.BOOK,
            f"{moved.quantity:,} chips.",
            reverse("statement", args=[bytes(moved.statement.digest).hex()]),
            positions.get(moved.statement_id),
        )
    yield Event(transfer.estimated_arrival, "Arrival estimated by the sender")
    late = transfer.state in OPEN_TRANSFERS and transfer.due_at < at
    yield Event(
        transfer.due_at, "The receipt is due", text="Nobody has signed for all of it since." if late else ""
    )
    if transfer.closed_at:
        yield Event(transfer.closed_at, f"The transfer is {transfer.get_state_display().lower()}")


def _contradiction(conflict: Conflict, positions: dict[int, int]) -> Event:
    return Event(
        conflict.seen_at,
        f"Contradiction: {conflict.get_sign_display().lower()}",
        Side.SILICON,
        f"Proved at {conflict.site.code}; at {conflict.other_site.code} {stamp(conflict.other_seen_at)}.",
        reverse("statement", args=[bytes(conflict.statement.digest).hex()]),
        positions.get(conflict.statement_id),
    )


def _grade(identity: int) -> str:
    return str(IdentityGrade(identity).label).lower()
