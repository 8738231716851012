"""The watch: looks at what is new in the log and in the rooms, and tells each organisation once what it may see.

Facts of the log are taken in the order of its positions, which follow commits. All others are looked for by their
instants, a day back: longer than any transaction takes, in a demonstration's time too. Telling twice is impossible
by the unique name of each fact.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet

from audits.models import Finding
from jobs.models import Job
from ledger.models import Entry, SignerKind, Statement
from notices.actions.telling import tell
from notices.models import Kind, Notice, Watch
from portal.models import Draft
from registry.access import Reader, reader_for, visible
from registry.models import ApiToken, Membership, Organisation, Role
from tracking.models import OPEN_TRANSFERS, Difference, Movement, Transfer

LOOKS_BACK: Final = timedelta(days=1)
AT_ONCE: Final = 5000
ANSWERS: Final = ("transfer.received", "transfer.settled", "transfer.voided")
KEY_KINDS: Final = ("key.added", "key.rotated", "key.revoked", "signing_policy.adopted")


@transaction.atomic
def look(*, at: datetime) -> int:
    """Tell what is new, and say how many notices came of it; 0 when somebody else is looking.

    The row of the watch is locked while it looks and moved on in the same transaction: whoever dies has told nothing.
    """
    newest = Entry.objects.aggregate(newest=Max("position"))["newest"]
    begin = {"position": 0 if newest is None else newest + 1, "looked_at": at}
    Watch.objects.bulk_create([Watch(id=1, **begin)], ignore_conflicts=True)
    watch = Watch.objects.select_for_update(skip_locked=True).filter(pk=1).first()
    if watch is None:
        return 0
    since = min(watch.looked_at, at) - LOOKS_BACK
    entries = Entry.objects.filter(position__gte=watch.position).order_by("position")
    positions = dict(entries.values_list("statement_id", "position")[:AT_ONCE])
    found = [
        *_of_the_log(list(positions)),
        *_of_transfers(since, at),
        *_of_findings(since, at),
        *_of_the_house(since),
    ]
    told = tell(found, at=at)
    watch.position = max(positions.values(), default=watch.position - 1) + 1
    watch.looked_at = at
    watch.save(update_fields=["position", "looked_at"])
    return told


def _of_the_log(statements: list[int]) -> Iterator[Notice]:
    papers = Statement.objects.filter(pk__in=statements)
    for transfer in Transfer.objects.filter(statement__in=papers):
        yield _about_transfer(Kind.TRANSFER_DISPATCHED, transfer, transfer.consignee_id, transfer.recorded_at)
    yield from _answers(papers.filter(kind__in=ANSWERS))
    explained = Finding.objects.filter(explained_by__in=papers.filter(kind="finding.explained"))
    for finding in explained.filter(counterparty__isnull=False, transfer__isnull=False):
        if finding.explained_at and finding.counterparty_id:
            told = (finding.counterparty_id, finding.explained_at, str(finding.explained_by_id))
            yield _about_finding(Kind.FINDING_EXPLAINED, finding, *told)
    decided = Finding.objects.filter(closed_by__in=papers.filter(kind="finding.decided"))
    for finding in decided:
        if finding.closed_at:
            told = (finding.organisation_id, finding.closed_at, str(finding.closed_by_id))
            yield _about_finding(Kind.FINDING_DECIDED, finding, *told)
    for regulator in _regulators():
        for finding in visible(regulator, Finding).filter(pk__in=explained.values("pk")):
            if finding.explained_at:
                told = (regulator.organisation.pk, finding.explained_at, str(finding.explained_by_id))
                yield _about_finding(Kind.FINDING_EXPLAINED, finding, *told)
    for paper in papers.filter(kind__in=KEY_KINDS, signer__organisation__isnull=False):
        yield Notice(
            organisation_id=paper.signer_id,
            kind=Kind.KEYS_CHANGED,
            fact=f"statement:{paper.pk}",
            happened_at=paper.accepted_at,
            statement=paper,
        )


def _answers(papers: QuerySet[Statement]) -> Iterator[Notice]:
    """The other side of each transfer that a statement answered, whether it moved chips or only named differences."""
    moved = Movement.objects.filter(statement__in=papers, transfer__isnull=False)
    short = Difference.objects.filter(receipt__in=papers)
    pairs = {
        *moved.values_list("statement_id", "transfer_id"),
        *short.values_list("receipt_id", "transfer_id"),
    }
    signers = dict(
        Statement.objects.filter(pk__in=[each for each, _ in pairs]).values_list("pk", "signer_id")
    )
    at = dict(Statement.objects.filter(pk__in=[each for each, _ in pairs]).values_list("pk", "accepted_at"))
    transfers = Transfer.objects.in_bulk([each for _, each in pairs])
    for statement, number in sorted(pairs):
        transfer = transfers[number]
        for party in {transfer.sender_id, transfer.consignee_id} - {signers[statement]}:
            yield _about_transfer(Kind.TRANSFER_ANSWERED, transfer, party, at[statement], str(statement))


def _of_transfers(since: datetime, at: datetime) -> Iterator[Notice]:
    late = Transfer.objects.filter(state__in=OPEN_TRANSFERS, due_at__gt=since, due_at__lte=at)
    for transfer in late:
        for party in {transfer.sender_id, transfer.consignee_id}:
            yield _about_transfer(Kind.TRANSFER_OVERDUE, transfer, party, transfer.due_at)


def _of_findings(since: datetime, at: datetime) -> Iterator[Notice]:
    """Opened and grown graver, to whom they concern; and those whose explanation is overdue, to who owes it."""
    still = Finding.objects.filter(closed_at__isnull=True)
    yield from _graver(still.annotate(told=F("organisation_id")))
    yield from _graver(
        still.filter(transfer__isnull=False, counterparty__isnull=False).annotate(told=F("counterparty_id"))
    )
    for regulator in _regulators():
        mine = visible(regulator, Finding).filter(closed_at__isnull=True)
        yield from _graver(mine.annotate(told=F("pk") * 0 + regulator.organisation.pk))
    for finding in still.filter(state=Finding.State.OPEN, due_at__gt=since, due_at__lte=at):
        yield _about_finding(Kind.FINDING_DUE, finding, finding.organisation_id, finding.due_at)


def _graver(findings: QuerySet[Any]) -> Iterator[Notice]:
    """Findings that ``told`` has not been told of at this severity."""
    told = Notice.objects.filter(
        finding=OuterRef("pk"),
        organisation=OuterRef("told"),
        kind__in=[Kind.FINDING_OPENED, Kind.FINDING_WORSENED],
    )
    fresh = findings.filter(~Exists(told.filter(severity__gte=OuterRef("severity"))))
    for finding in fresh.annotate(is_known=Exists(told)).order_by("pk")[:AT_ONCE]:
        kind = Kind.FINDING_WORSENED if finding.is_known else Kind.FINDING_OPENED
        happened = finding.refreshed_at if finding.is_known else finding.opened_at
        yield _about_finding(kind, finding, finding.told, happened, str(finding.severity))


def _of_the_house(since: datetime) -> Iterator[Notice]:
    """Papers, jobs, tokens and people of the organisation itself."""
    for draft in Draft.objects.filter(filed_at__isnull=True, created_at__gt=since):
        yield Notice(
            organisation_id=draft.organisation_id,
            kind=Kind.PAPER_WAITING,
            fact=f"draft:{draft.pk}",
            happened_at=draft.created_at,
            draft=draft,
        )
    ended = Job.objects.filter(finished_at__gt=since).exclude(scope="")
    owners = dict(
        Organisation.objects.filter(signer__handle__in=ended.values("scope")).values_list(
            "signer__handle", "pk"
        )
    )
    for job in ended:
        if job.scope in owners and job.finished_at:
            yield Notice(
                organisation_id=owners[job.scope],
                kind=Kind.JOB_ENDED,
                fact=f"job:{job.pk}",
                happened_at=job.finished_at,
                job=job,
            )
    for token in ApiToken.objects.filter(Q(created_at__gt=since) | Q(revoked_at__gt=since)):
        for name, instant in (("token", token.created_at), ("token-end", token.revoked_at)):
            if instant is not None and instant > since:
                yield Notice(
                    organisation_id=token.organisation_id,
                    kind=Kind.TOKENS_CHANGED,
                    fact=f"{name}:{token.pk}",
                    happened_at=instant,
                    token=token,
                )
    for member in Membership.objects.filter(Q(since__gt=since) | Q(until__gt=since)):
        for name, instant in (("member", member.since), ("member-end", member.until)):
            if instant is not None and instant > since:
                yield Notice(
                    organisation_id=member.organisation_id,
                    kind=Kind.PEOPLE_CHANGED,
                    fact=f"{name}:{member.pk}",
                    happened_at=instant,
                    membership=member,
                )


def _regulators() -> list[Reader]:
    offices = Organisation.objects.filter(signer__kind__in=[SignerKind.REGULATOR]).select_related("signer")
    return [reader_for(office, role=Role.VIEWER) for office in offices]


def _about_transfer(kind: Kind, transfer: Transfer, to: int, at: datetime, more: str = "") -> Notice:
    fact = f"{kind}:{transfer.pk}" + (f":{more}" if more else "")
    return Notice(organisation_id=to, kind=kind, fact=fact, happened_at=at, transfer=transfer)


def _about_finding(kind: Kind, finding: Finding, to: int, at: datetime, more: str = "") -> Notice:
    fact = f"{kind}:{finding.pk}" + (f":{more}" if more else "")
    return Notice(
        organisation_id=to, kind=kind, fact=fact, happened_at=at, finding=finding, severity=finding.severity
    )
