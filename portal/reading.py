"""Which statements, jobs, saved views and legal holds a reader may see: rules that need to know every room."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from audits.access import readable_findings
from chipledger import clock
from jobs.models import Job
from ledger.models import Attachment, SignerKind, Statement
from portal.models import LegalHold, SavedView, Selection
from registry.access import Reader, readable, visible
from registry.models import Person, Role
from tracking.models import Correction, Difference, Movement, StockCount, Transfer

PUBLIC_PREFIXES = ("ledger.", "key.", "organisation.", "model.", "policy.")


@readable(Statement)
def statements_of(reader: Reader) -> QuerySet[Statement]:
    """Its own, the published registers, those behind transfers it may see, and those that explain or decide a finding
    that it may see; a regulator's are those of the organisations in its countries, and those that touch its own.
    A carrier's are not those of its shipments, which name the chips.
    """
    rule = Q(signer_id=reader.organisation.pk)
    for prefix in PUBLIC_PREFIXES:
        rule |= Q(kind__startswith=prefix)
    if reader.kind == SignerKind.CARRIER:
        return Statement.objects.filter(rule)
    transfers = visible(reader, Transfer)
    rule |= Q(Exists(transfers.filter(statement_id=OuterRef("pk"))))
    rule |= Q(Exists(Movement.objects.filter(statement_id=OuterRef("pk"), transfer__in=transfers)))
    rule |= Q(Exists(Difference.objects.filter(receipt_id=OuterRef("pk"), transfer__in=transfers)))
    corrected = Correction.objects.filter(statement_id=OuterRef("pk"))
    rule |= Q(Exists(corrected.filter(original__movements__transfer__in=transfers)))
    mine = readable_findings(reader)
    explained = mine.filter(explanations__statement=OuterRef("pk"))
    rule |= Q(Exists(explained) | Exists(mine.filter(closed_by=OuterRef("pk"))), kind__startswith="finding.")
    if reader.is_regulator:
        rule |= Q(signer__organisation__countries__overlap=list(reader.countries))
        rule |= Q(Exists(visible(reader, StockCount).filter(statement_id=OuterRef("pk"))))
    return Statement.objects.filter(rule)


@readable(Attachment)
def attachments_of(reader: Reader) -> QuerySet[Attachment]:
    """Its own; and an authority's those of the explanations of findings that it may see."""
    rule = Q(signer_id=reader.organisation.pk)
    if reader.is_regulator:
        rule |= Q(Exists(readable_findings(reader).filter(explanations__statement=OuterRef("statement_id"))))
    return Attachment.objects.filter(rule)


@readable(Job, logged=False)
def jobs_of(reader: Reader) -> QuerySet[Job]:
    """The organisation's own."""
    return Job.objects.filter(scope=reader.handle)


@readable(Selection, logged=False)
def selections_of(reader: Reader) -> QuerySet[Selection]:
    """The organisation's own, until they expire."""
    return Selection.objects.filter(organisation=reader.organisation, expires_at__gt=clock.now())


@readable(SavedView, logged=False)
def views_of(reader: Reader) -> QuerySet[SavedView]:
    """One's own for the organisation one acts for, and those that colleagues share with it; a program has none."""
    if reader.person is None:
        return SavedView.objects.none()
    mine = Q(person=reader.person) | Q(is_shared=True)
    return SavedView.objects.filter(mine, organisation=reader.organisation)


@readable(LegalHold, logged=False)
def holds_of(reader: Reader) -> QuerySet[LegalHold]:
    """For administrators: those that their organisation placed, and those on people whom they may see."""
    if reader.role != Role.ADMINISTRATOR:
        return LegalHold.objects.none()
    return LegalHold.objects.filter(
        Q(organisation=reader.organisation) | Q(person__in=visible(reader, Person))
    )
