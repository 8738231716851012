"""Erasing a person's records, and forbidding that by a legal hold."""

from __future__ import annotations

from datetime import datetime

from allauth.account.models import EmailAddress
from django.db import transaction

from chipledger.refusals import Refused
from portal.models import LegalHold
from portal.rules import grounds_to_keep
from registry.access import Reader, check_role, person_of
from registry.actions.people import end_sessions, note_deed
from registry.models import ApiToken, Application, Deed, Invitation, Membership, Organisation, Person, Role


@transaction.atomic
def ask_erasure(person: Person, *, at: datetime) -> None:
    """A person wants to be forgotten; their administrators see it. Asking twice changes nothing."""
    asked = Person.objects.filter(pk=person.pk, erasure_asked_at__isnull=True).update(erasure_asked_at=at)
    if asked:
        for organisation in _houses(person):
            note_deed(organisation, Deed.ERASURE_ASKED, by=person, person=person, at=at)


def check_colleague(person: Person, *, by: Reader) -> None:
    """Only administrators of an organisation where somebody is or was a member read and erase their records."""
    check_role(by, Role.ADMINISTRATOR)
    if not Membership.objects.filter(person=person, organisation=by.organisation).exists():
        raise Refused(
            "not_a_colleague",
            "Only an administrator of their own organisation does this; ask one, or place a legal hold.",
            status=403,
        )


@transaction.atomic
def erase_person(person: Person, *, by: Reader | Person, at: datetime) -> None:
    """Delete everything that leads from a pseudonym to a person; statements keep the pseudonym, and prove as before.

    Raises Refused with the first ground on which the records must stay.
    """
    if isinstance(by, Reader):
        check_colleague(person, by=by)
        actor = by.person
    elif by.pk == person.pk:
        actor = by
    else:
        raise ValueError("a person erases nobody but themselves")
    held = Person.objects.select_for_update().get(pk=person.pk)
    for ground in grounds_to_keep(held, at=at):
        raise ground
    for organisation in _houses(held):
        note_deed(organisation, Deed.ERASED, by=actor, person=held, at=at)
    end_sessions(held)
    emails = {held.email, *EmailAddress.objects.filter(user=held).values_list("email", flat=True)}
    for email in emails:
        Invitation.objects.filter(email__iexact=email).delete()
        Application.objects.filter(email__iexact=email).update(email="")
    tokens = ApiToken.objects.filter(person=held)
    tokens.filter(scopes__overlap=["read", "write"]).delete()
    tokens.update(person=None)  # what is left files for a gateway: a site does not fall silent with a person
    LegalHold.objects.filter(person=held, lifted_at__isnull=False).delete()
    held.delete()


@transaction.atomic
def place_hold(person: Person, *, reason: str, by: Reader, at: datetime) -> None:
    """Forbid to erase somebody's records until further notice."""
    check_role(by, Role.ADMINISTRATOR)
    author = person_of(by)
    if not 1 <= len(reason.strip()) <= 500:
        raise Refused("bad_reason", "Give a reason of 1 to 500 characters.", field="reason")
    held = Person.objects.select_for_update().get(pk=person.pk)
    if LegalHold.objects.filter(person=held, organisation=by.organisation, lifted_at__isnull=True).exists():
        raise Refused(
            "held_already",
            "Your organisation holds these records already; lift that hold before you place another.",
            status=409,
        )
    LegalHold.objects.create(
        person=held,
        organisation=by.organisation,
        reason=reason.strip(),
        placed_at=at,
        placed_by=author.pseudonym,
    )
    note_deed(by.organisation, Deed.HELD, by=author, person=held, at=at)


@transaction.atomic
def lift_hold(hold: LegalHold, *, by: Reader, at: datetime) -> None:
    """End a hold; only the organisation that placed it does."""
    check_role(by, Role.ADMINISTRATOR)
    if hold.organisation_id != by.organisation.pk:
        raise Refused(
            "not_your_hold", "Only the organisation that placed a hold lifts it; ask them.", status=403
        )
    lifted = LegalHold.objects.filter(pk=hold.pk, lifted_at__isnull=True).update(
        lifted_at=at, lifted_by=by.pseudonym
    )
    if not lifted:
        raise Refused(
            "hold_lifted",
            "This hold was lifted in the meantime. Place a new one if it is still needed.",
            status=409,
        )
    note_deed(by.organisation, Deed.RELEASED, by=by.person, person=hold.person, at=at)


def _houses(person: Person) -> list[Organisation]:
    return list(Organisation.objects.filter(memberships__person=person).distinct().order_by("pk"))
