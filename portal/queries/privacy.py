"""What is kept about a person, as they or their administrator read it. Secrets are nobody's to read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.db.models import Q

from ledger.models import Attachment, Key
from portal.models import Draft, LegalHold, SavedView, Selection
from registry.models import (
    AdministrationEvent,
    ApiToken,
    Application,
    Invitation,
    Membership,
    Organisation,
    Person,
    Reading,
)

Records = dict[str, Sequence[Mapping[str, object]]]
Source = Callable[[Person, Sequence[int]], Records]
_SOURCES: list[Source] = []


def keeps_records(source: Source) -> Source:
    """A room above this one adds what it keeps about a person in these organisations."""
    _SOURCES.append(source)
    return source


def records_of(person: Person, *, within: Organisation | None = None) -> Records:
    """Everything about a person, by its kind; ``within`` leaves out what belongs to other organisations or to none."""
    houses = [within.pk] if within else list(person.memberships.values_list("organisation", flat=True))
    ours = Q(organisation__in=houses)
    deeds = AdministrationEvent.objects.filter(ours, Q(person=person.pseudonym) | Q(by=person.pseudonym))
    found: Records = {
        "person": list(
            Person.objects.filter(pk=person.pk).values(
                "email", "name", "pseudonym", "joined_at", "last_login", "erasure_asked_at"
            )
        ),
        "memberships": list(
            Membership.objects.filter(ours, person=person)
            .order_by("id")
            .values("organisation__name", "role", "since", "until")
        ),
        "invitations": list(
            Invitation.objects.filter(_at(within), email__iexact=person.email)
            .order_by("id")
            .values("organisation__name", "email", "role", "expires_at", "accepted_at")
        ),
        "keys": list(
            Key.objects.filter(signer__in=houses, person=person.pseudonym)
            .order_by("id")
            .values("signer__handle", "key_id", "purpose", "role", "added_at", "revoked_at")
        ),
        "tokens": list(
            ApiToken.objects.filter(ours, person=person)
            .order_by("id")
            .values("organisation__name", "label", "scopes", "created_at", "expires_at", "last_used_at")
        ),
        "papers": list(
            Draft.objects.filter(ours, prepared_by=person)
            .order_by("created_at")
            .values("organisation__name", "id", "kind", "notes", "created_at", "filed_at")
        ),
        "selections": list(
            Selection.objects.filter(ours, chosen_by=person)
            .order_by("chosen_at")
            .values("organisation__name", "kind", "how", "count", "sha256", "chosen_at", "expires_at")
        ),
        "attachments": list(
            Attachment.objects.filter(signer__in=houses, kept_by=person.pseudonym)
            .order_by("id")
            .values("signer__handle", "name", "size", "kept_at")
        ),
        "saved_views": list(
            SavedView.objects.filter(ours, person=person)
            .order_by("id")
            .values("organisation__name", "listing", "name", "query", "is_shared", "saved_at")
        ),
        "readings": list(
            Reading.objects.filter(ours, person=person.pseudonym)
            .order_by("id")
            .values("organisation__name", "address", "kinds", "read_at")
        ),
        "administration": list(
            deeds.order_by("id").values("organisation__name", "deed", "person", "by", "detail", "at")
        ),
        "legal_holds": list(
            LegalHold.objects.filter(person=person)
            .order_by("id")
            .values("organisation__name", "placed_at", "lifted_at")
        ),
    }
    for source in _SOURCES:
        found |= source(person, houses)
    return found if within else found | _sign_in(person)


def _at(within: Organisation | None) -> Q:
    return Q(organisation=within) if within else Q()


def _sign_in(person: Person) -> Records:
    """How a person signs in, which is no organisation's business."""
    sessions: list[dict[str, object]] = [
        {"ends": session.expire_date}
        for session in Session.objects.iterator()
        if session.get_decoded().get(SESSION_KEY) == str(person.pk)
    ]
    return {
        "email_addresses": list(
            EmailAddress.objects.filter(user=person).values("email", "verified", "primary")
        ),
        "second_factors": list(
            Authenticator.objects.filter(user=person).values("type", "created_at", "last_used_at")
        ),
        "sessions": sessions,
        "applications": list(
            Application.objects.filter(Q(email__iexact=person.email) | Q(decided_by=person))
            .order_by("id")
            .values("handle", "name", "state", "applied_at", "decided_at")
        ),
    }
