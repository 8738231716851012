"""Organisations are admitted, amended and suspended by regulators; the first regulators stand with the log."""

from __future__ import annotations

from chipledger.statements.ledger import LedgerFounded
from chipledger.statements.registry import OrganisationAdmitted, OrganisationAmended, OrganisationSuspended
from ledger.actions import suspend_signer
from ledger.book import keep
from ledger.handlers import Filing, Handler, Verdict, follows, handles
from ledger.keys import parse_grant, take_turn
from ledger.models import Signer
from registry import rules
from registry.actions import joining
from registry.actions.organisations import admit_organisation, amend_organisation, found_organisation
from registry.models import Organisation, Ownership
from registry.queries import lookups


@follows("ledger.founded")
def found_regulators(filing: Filing[LedgerFounded]) -> None:
    """The first regulators are organisations, too."""
    for regulator in filing.body.regulators:
        signer = Signer.objects.get(handle=regulator.handle)
        found_organisation(signer, name=regulator.name, countries=regulator.countries, by=filing.booked)


@handles("organisation.admitted")
class Admitted(Handler[OrganisationAdmitted]):
    """A regulator lets an organisation in. An application under its handle is answered by it."""

    def judge(self, filing: Filing[OrganisationAdmitted]) -> Verdict:
        body = filing.body
        key_ids = frozenset(parse_grant(grant).key_id for grant in body.keys)
        lookups.hold_names("handle", [body.handle])
        lookups.hold_names("key", key_ids)
        if Signer.objects.filter(handle=body.handle).exists():
            raise rules.handle_taken(body.handle)
        rules.check_first_keys(body.keys, known=lookups.keys_among(key_ids))
        known = lookups.handles_among(owner.organisation for owner in body.owners)
        rules.check_owners(body.handle, body.owners, known=known, today=filing.at.date())
        application = lookups.open_application(body.handle)
        if application is not None:
            rules.check_answers_application(
                application, kind=body.organisation_kind, key_ids=key_ids, key_id=joining.key_of(application)
            )
        return {}

    def apply(self, filing: Filing[OrganisationAdmitted], verdict: Verdict) -> None:
        body = filing.body
        organisation = admit_organisation(
            body.handle,
            kind=body.organisation_kind,
            name=body.name,
            countries=body.countries,
            owners=body.owners,
            keys=body.keys,
            by=filing.booked,
            at=filing.at,
        )
        if not filing.replaying:
            joining.close_application(organisation, at=filing.at)


@handles("organisation.amended")
class Amended(Handler[OrganisationAmended]):
    """A regulator records an organisation as it is now."""

    looks_at_previous = True

    def judge(self, filing: Filing[OrganisationAmended]) -> Verdict:
        body = filing.body
        lookups.hold_names("handle", [body.handle])
        organisation = lookups.known_organisation(body.handle)
        regulator = lookups.known_organisation(filing.signer.handle)
        rules.check_jurisdiction(regulator, organisation, admitted_by=lookups.admitted_by(organisation))
        if body.previous is not None:
            rules.check_previous(body.previous, current=bytes(organisation.statement.digest))
        known = lookups.handles_among(owner.organisation for owner in body.owners)
        rules.check_owners(body.handle, body.owners, known=known, today=filing.at.date())
        return {}

    def apply(self, filing: Filing[OrganisationAmended], verdict: Verdict) -> None:
        body = filing.body
        amend_organisation(
            lookups.known_organisation(body.handle),
            name=body.name,
            countries=body.countries,
            owners=body.owners,
            by=filing.booked,
            at=filing.at,
        )


@handles("organisation.suspended")
class Suspended(Handler[OrganisationSuspended]):
    """A regulator stops an organisation from signing, once everything that it is just signing has been booked."""

    def judge(self, filing: Filing[OrganisationSuspended]) -> Verdict:
        organisation = lookups.known_organisation(filing.body.handle)
        regulator = lookups.known_organisation(filing.signer.handle)
        rules.check_jurisdiction(regulator, organisation, admitted_by=lookups.admitted_by(organisation))
        take_turn(organisation.pk, exclusive=True)
        target = Signer.objects.select_for_update(no_key=True).get(pk=organisation.pk)
        rules.check_can_suspend(target, by=filing.signer)
        return {}

    def apply(self, filing: Filing[OrganisationSuspended], verdict: Verdict) -> None:
        suspend_signer(Signer.objects.get(handle=filing.body.handle))


keep(
    Organisation,
    """SELECT signer.handle, organisation.name, organisation.countries, statement.digest
       FROM registry_organisation organisation JOIN ledger_signer signer ON signer.id = organisation.signer_id
       JOIN ledger_statement statement ON statement.id = organisation.statement_id""",
)
keep(
    Ownership,
    """SELECT owned.handle AS organisation, owner.handle AS owner, share_bp, since, until, statement.digest
       FROM registry_ownership JOIN ledger_signer owned ON owned.id = organisation_id
       JOIN ledger_signer owner ON owner.id = owner_id
       JOIN ledger_statement statement ON statement.id = statement_id""",
)
