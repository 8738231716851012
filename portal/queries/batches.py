"""Registrations of chips: as lines of a list, and one with what became of its chips as far as its maker may know.

A maker sees a chip where it answers for it, and while it comes back to it. Of all others it knows that they were
delivered, which it has signed itself, and nothing more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from audits import queries as audits
from audits.models import Finding
from audits.rules import RULE_OF
from audits.rules.rule import Rule
from chipledger.statements import parse_payload
from chipledger.statements.registry import ChipsCommissioned
from ledger.models import Statement
from portal.models import Draft
from portal.papers.documents import positions_of
from portal.queries.findings import Subject, about
from portal.queries.transfers import state_of
from registry.access import Reader, get_visible, visible
from registry.models import Chip
from tracking.models import OPEN_TRANSFERS, AccountKind, Holding, MovementKind, MovementLine, Transfer
from tracking.queries.transfers import with_parties
from web.components import Column, Tone

KIND: Final = "chips.commissioned"
SHOWN: Final = 12
MODEL_COLUMNS: Final = (
    Column("Model"),
    Column("Registered", numeric=True),
    Column("In stock"),
    Column("In transit", numeric=True),
    Column("Delivered", numeric=True),
    Column("Lost, retired and others", numeric=True),
)
COUNT_COLUMNS: Final = (Column("Model"), Column("Chips", numeric=True))
DELIVERY_COLUMNS: Final = (
    Column("Transfer"),
    Column("From"),
    Column("To"),
    Column("Under way", numeric=True),
    Column("Receipt due"),
    Column("State"),
)


@dataclass(frozen=True)
class Batch:
    """One registration."""

    digest: str
    accepted_at: datetime
    site: str
    rows: int
    sha256: str
    size: int
    rows_root: str
    position: int | None


@dataclass
class ModelStock:
    """What became of the chips of one model in a batch. ``stock`` are (site, chips on hand)."""

    code: str
    name: str
    registered: int
    in_transit: int = 0
    others: int = 0
    stock: list[tuple[str, int]] = field(default_factory=list)

    @property
    def delivered(self) -> int:
        """All that is on no account of the maker's, and on no way to it."""
        on_hand = sum(number for _, number in self.stock)
        return self.registered - on_hand - self.in_transit - self.others


def batches_of(statements: Sequence[Statement]) -> list[Batch]:
    """What these statements registered."""
    positions = positions_of([statement.pk for statement in statements])
    found = []
    for statement in statements:
        body = parse_payload(bytes(statement.payload))
        if isinstance(body, ChipsCommissioned):
            found.append(
                Batch(
                    digest=bytes(statement.digest).hex(),
                    accepted_at=statement.accepted_at,
                    site=body.site,
                    rows=body.manifest.rows,
                    sha256=body.manifest.sha256,
                    size=body.manifest.size,
                    rows_root=body.manifest.rows_root,
                    position=positions.get(statement.pk),
                )
            )
    return found


def find_batch(reader: Reader, digest: str) -> Statement:
    """A registration by the reader's own organisation, or 404."""
    return get_visible(
        reader, Statement, digest=bytes.fromhex(digest), kind=KIND, signer_id=reader.organisation.pk
    )


def lines_of(statement: Statement) -> QuerySet[MovementLine]:
    """The chips that a registration brought into the book."""
    return MovementLine.objects.filter(
        movement__statement=statement, movement__kind=MovementKind.COMMISSIONED
    )


def chips_of(statement: Statement, reader: Reader) -> QuerySet[Chip]:
    """The same as rows of a list."""
    return visible(reader, Chip).filter(pk__in=lines_of(statement).values("chip_id"))


def counts_of(statement: Statement) -> list[tuple[str, str, int]]:
    """How many chips of each model: code, name, number."""
    counted = lines_of(statement).values_list("chip__model__code", "chip__model__name")
    return list(counted.annotate(number=Count("chip")).order_by("chip__model__code"))


def stock_of(statement: Statement, reader: Reader) -> list[ModelStock]:
    """What became of a batch, by model, in two queries however large it is."""
    models = {code: ModelStock(code, name, number) for code, name, number in counts_of(statement)}
    placed = (
        visible(reader, Holding)
        .filter(pk__in=lines_of(statement).values("chip_id"))
        .order_by()
        .values_list("model__code", "account__kind", "account__site__code")
        .annotate(number=Count("pk"))
    )
    for code, kind, site, number in placed.order_by("account__site__code"):
        match kind:
            case AccountKind.ON_HAND:
                models[code].stock.append((site, number))
            case AccountKind.IN_TRANSIT:
                models[code].in_transit += number
            case _:
                models[code].others += number
    return list(models.values())


def deliveries_of(statement: Statement, reader: Reader, *, at: datetime) -> list[tuple[Transfer, str, Tone]]:
    """Transfers under way that carry chips of the batch, the longest due first."""
    carried = Holding.objects.filter(
        transfer=OuterRef("pk"), pk__in=lines_of(statement).values("chip_id")
    ).values("pk")
    open_ones = visible(reader, Transfer).filter(Exists(carried), state__in=OPEN_TRANSFERS)
    return [
        (each, *state_of(each, at=at)) for each in with_parties(open_ones).order_by("due_at", "pk")[:SHOWN]
    ]


def findings_of(statement: Statement, reader: Reader) -> list[tuple[Finding, Rule, Subject]]:
    """The gravest findings that the maker may read about chips of the batch, or about transfers that carried them."""
    chips = lines_of(statement).values("chip_id")
    carried = MovementLine.objects.filter(movement__transfer=OuterRef("transfer_id"), chip__in=chips)
    concerned = visible(reader, Finding).filter(
        Q(chip__in=chips) | Q(Exists(carried.values("movement_id")), transfer__isnull=False)
    )
    named = audits.with_names(concerned).select_related("chip__maker__signer", "transfer")
    found = named.filter(closed_at__isnull=True).order_by("-severity", "-id")[:SHOWN]
    return [(finding, RULE_OF[finding.rule], about(finding)) for finding in found]


def notes_of(statement: Statement, reader: Reader) -> list[tuple[str, str]]:
    """What its paper told beside its members: the name of the file, what was left out."""
    draft = visible(reader, Draft).filter(digest=bytes(statement.digest), kind=KIND).first()
    return [] if draft is None else [(str(term), str(text)) for term, text in draft.notes.items()]
