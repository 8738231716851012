"""Writing organisations and their owners. Only handlers call these, so that every change has a statement behind it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from chipledger.statements.common import KeyGrant, Owner
from ledger.actions import admit_signer
from ledger.models import Signer, Statement
from registry.models import Organisation, Ownership
from registry.rules import since_of


def found_organisation(signer: Signer, *, name: str, countries: Sequence[str], by: Statement) -> Organisation:
    """A first regulator: its signer stands already."""
    return Organisation.objects.create(signer=signer, name=name, countries=list(countries), statement=by)


def admit_organisation(
    handle: str,
    *,
    kind: str,
    name: str,
    countries: Sequence[str],
    owners: Sequence[Owner],
    keys: list[KeyGrant],
    by: Statement,
    at: datetime,
) -> Organisation:
    """Let an organisation in, with its first keys and its owners."""
    signer = admit_signer(handle, kind, keys, by=by, at=at)
    organisation = found_organisation(signer, name=name, countries=countries, by=by)
    record_owners(organisation, owners, by=by, at=at)
    return organisation


def amend_organisation(
    organisation: Organisation,
    *,
    name: str,
    countries: Sequence[str],
    owners: Sequence[Owner],
    by: Statement,
    at: datetime,
) -> None:
    """Record an organisation as it is from now on."""
    organisation.name, organisation.countries, organisation.statement = name, list(countries), by
    organisation.save(update_fields=["name", "countries", "statement"])
    record_owners(organisation, owners, by=by, at=at)


def record_owners(
    organisation: Organisation, owners: Sequence[Owner], *, by: Statement, at: datetime
) -> None:
    """Make these the present owners: shares that are no longer named, or changed, end; new ones begin.

    A share ends on the day that its successor began, or else on the day of the statement.
    """
    wanted = {owner.organisation: owner for owner in owners}
    for share in organisation.owned_by.select_related("owner__signer").filter(until__isnull=True):
        owner = wanted.get(share.owner.signer.handle)
        if owner is not None and (share.share_bp, share.since) == (owner.share_bp, since_of(owner)):
            del wanted[owner.organisation]
            continue
        share.until = max(share.since, since_of(owner)) if owner is not None else max(share.since, at.date())
        share.save(update_fields=["until"])
    holders = {found.signer.handle: found for found in Organisation.objects.filter(signer__handle__in=wanted)}
    Ownership.objects.bulk_create(
        Ownership(
            organisation=organisation,
            owner=holders[owner.organisation],
            share_bp=owner.share_bp,
            since=since_of(owner),
            statement=by,
        )
        for owner in wanted.values()
    )
