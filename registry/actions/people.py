"""The people of an organisation: letting one in without a letter, letting one go."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from chipledger.refusals import Refused
from registry.access import Reader, check_role
from registry.models import ApiToken, Membership, Organisation, Person, Role


@transaction.atomic
def end_membership(membership: Membership, *, by: Reader, at: datetime) -> None:
    """An administrator lets a colleague go; what they did stays. The last administrator cannot go.

    Tokens that they made and may know end with it, but for gateways' tokens, which read nothing and file only what a
    machine's key signed: a whole site must not fall silent because a person leaves.
    """
    check_role(by, Role.ADMINISTRATOR)
    present = Membership.objects.filter(organisation=by.organisation, until__isnull=True)
    administrators = set(
        present.filter(role=Role.ADMINISTRATOR)
        .order_by("pk")
        .select_for_update()
        .values_list("pk", flat=True)
    )
    if administrators == {membership.pk}:
        raise Refused(
            "last_administrator", "Invite another administrator before this one leaves.", status=409
        )
    if not present.filter(pk=membership.pk).update(until=at):
        raise Refused("not_a_member", "This person is no member any more.", status=409)
    known = ApiToken.objects.filter(
        organisation=by.organisation, person_id=membership.person_id, revoked_at__isnull=True
    )
    known.filter(scopes__overlap=["read", "write"]).update(revoked_at=at)


@transaction.atomic
def enrol_person(
    organisation: Organisation, *, email: str, name: str, password: str, role: Role, at: datetime
) -> Membership:
    """Let somebody in without a letter: for the first person of a demo, where no mail is sent."""
    person = Person.objects.create_user(email, password, name=name)
    return Membership.objects.create(person=person, organisation=organisation, role=role, since=at)
