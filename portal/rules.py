"""When somebody's records must stay."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q

from audits.models import Finding
from chipledger.refusals import Refused
from ledger.models import Key
from portal.models import LegalHold
from registry.models import Membership, Person
from tracking.models import OPEN_TRANSFERS, Movement, Transfer


def grounds_to_keep(person: Person, *, at: datetime) -> list[Refused]:
    """Every ground, legal ones first, on which this person's records may not be erased now; none when they may."""
    found = [
        _ground(
            "legal_hold",
            f"{hold.organisation.name} placed a legal hold on {hold.placed_at:%Y-%m-%d}; ask them to lift it.",
        )
        for hold in LegalHold.objects.filter(person=person, lifted_at__isnull=True).select_related(
            "organisation"
        )
    ]
    keys = list(Key.objects.filter(person=person.pseudonym).values_list("pk", "revoked_at"))
    if keys:
        found += _signed_and_open(person, [pk for pk, _ in keys])
        found += _retention(person, at=at)
    if any(revoked_at is None for _, revoked_at in keys):
        found.append(
            _ground("key_counts", "A key of theirs still counts; have an administrator revoke it first.")
        )
    if person.memberships.filter(until__isnull=True).exists():
        found.append(
            _ground("still_member", "This person is a member still; have an administrator end that first.")
        )
    return found


def _signed_and_open(person: Person, keys: list[int]) -> list[Refused]:
    """Open transfers and findings that need whoever signed, because somebody may still be asked about them."""
    houses = list(person.memberships.values_list("organisation", flat=True))
    parties = Q(sender__in=houses) | Q(consignee__in=houses)
    took_over = Movement.objects.filter(transfer__state__in=OPEN_TRANSFERS, statement__keys__overlap=keys)
    transfers = Transfer.objects.filter(parties, state__in=OPEN_TRANSFERS).filter(
        Q(statement__keys__overlap=keys) | Q(pk__in=took_over.values("transfer"))
    )
    findings = Finding.objects.filter(Q(organisation__in=houses) | Q(counterparty__in=houses)).filter(
        Q(transfer__statement__keys__overlap=keys) | Q(explained_by__keys__overlap=keys),
        closed_at__isnull=True,
    )
    found = []
    if transfers.exists():
        found.append(
            _ground("open_transfer", "They signed for a transfer that is open; wait until it is closed.")
        )
    if findings.exists():
        found.append(
            _ground("open_finding", "They signed what an open finding is about; wait until it is closed.")
        )
    return found


def _retention(person: Person, *, at: datetime) -> list[Refused]:
    """Who could sign stays known for some days after leaving the last organisation."""
    days = timedelta(days=settings.PERSONAL_RECORDS_DAYS)
    last = Membership.objects.filter(person=person, until__isnull=False).order_by("-until").first()
    if last is None or last.until is None or last.until + days <= at:
        return []
    return [
        _ground(
            "retention",
            f"Records of people who had a signing key are kept for {days.days} days after they leave: "
            f"wait until {last.until + days:%Y-%m-%d}.",
        )
    ]


def _ground(code: str, sentence: str) -> Refused:
    return Refused(code, sentence, status=409)
