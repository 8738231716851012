"""The people of an organisation: letting one in without a letter, changing a role, letting one go."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.db import transaction

from chipledger.refusals import Refused
from registry.access import Reader, check_role
from registry.models import AdministrationEvent, ApiToken, Deed, Membership, Organisation, Person, Role


def note_deed(
    organisation: Organisation,
    deed: Deed,
    *,
    by: Person | None,
    at: datetime,
    person: Person | None = None,
    detail: str = "",
) -> None:
    """Keep what was done about a person."""
    AdministrationEvent.objects.create(
        organisation=organisation,
        deed=deed,
        person=person.pseudonym if person else "",
        by=by.pseudonym if by else "",
        detail=detail,
        at=at,
    )


@transaction.atomic
def change_role(membership: Membership, role: Role, *, by: Reader, at: datetime) -> None:
    """An administrator gives a colleague another role; the last administrator keeps theirs.

    Keys do not change with it: the door knows keys, and ends one only by a signed statement.
    """
    check_role(by, Role.ADMINISTRATOR)
    if role != Role.ADMINISTRATOR:
        _keep_an_administrator(membership, by=by)
    held = Membership.objects.select_for_update().filter(
        pk=membership.pk, organisation=by.organisation, until__isnull=True
    )
    present = held.first()
    if present is None:
        raise not_a_member()
    if present.role == role:
        return
    held.update(role=role)
    detail = f"{present.role} to {role.value}"
    note_deed(
        by.organisation, Deed.ROLE_CHANGED, by=by.person, person=membership.person, detail=detail, at=at
    )


@transaction.atomic
def end_membership(membership: Membership, *, by: Reader, at: datetime) -> None:
    """An administrator lets a colleague go; what they did stays. The last administrator cannot go.

    Their sessions end, and the tokens that they made and may know, but for gateways' tokens, which read nothing and
    file only what a machine's key signed: a whole site must not fall silent because a person leaves.
    """
    check_role(by, Role.ADMINISTRATOR)
    _keep_an_administrator(membership, by=by)
    present = Membership.objects.filter(pk=membership.pk, organisation=by.organisation, until__isnull=True)
    if not present.update(until=at):
        raise not_a_member()
    known = ApiToken.objects.filter(
        organisation=by.organisation, person_id=membership.person_id, revoked_at__isnull=True
    )
    known.filter(scopes__overlap=["read", "write"]).update(revoked_at=at)
    end_sessions(membership.person)
    note_deed(by.organisation, Deed.LEFT, by=by.person, person=membership.person, at=at)


def end_sessions(person: Person) -> None:
    """Sign somebody out of every browser."""
    theirs = [
        session.pk
        for session in Session.objects.iterator()
        if session.get_decoded().get(SESSION_KEY) == str(person.pk)
    ]
    Session.objects.filter(pk__in=theirs).delete()


def not_a_member() -> Refused:
    """Somebody else let them go in the meantime."""
    return Refused("not_a_member", "This person is no member any more; load the page again.", status=409)


def _keep_an_administrator(membership: Membership, *, by: Reader) -> None:
    administrators = set(
        Membership.objects.filter(organisation=by.organisation, until__isnull=True, role=Role.ADMINISTRATOR)
        .order_by("pk")
        .select_for_update()
        .values_list("pk", flat=True)
    )
    if administrators == {membership.pk}:
        raise Refused(
            "last_administrator",
            "This is the last administrator; make somebody else an administrator first.",
            status=409,
        )


@transaction.atomic
def enrol_person(
    organisation: Organisation, *, email: str, name: str, password: str, role: Role, at: datetime
) -> Membership:
    """Let somebody in without a letter: for the first person of a demo, where no mail is sent."""
    person = Person.objects.create_user(email, password, name=name)
    return Membership.objects.create(person=person, organisation=organisation, role=role, since=at)
