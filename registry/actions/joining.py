"""Coming in: an organisation applies, a regulator vets and admits it, its first administrator is invited by mail."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.mail import send_mail
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.urls import reverse

from chipledger.keys import PublicKey
from chipledger.refusals import Refused
from ledger.keys import key_known
from ledger.models import Signer, SignerKind
from registry.access import Reader, check_role
from registry.actions.people import note_deed
from registry.models import (
    Application,
    ApplicationState,
    Deed,
    Invitation,
    Membership,
    Organisation,
    Person,
    Role,
)
from registry.queries.lookups import OPEN_APPLICATIONS, keys_among, open_application, regulators_of
from registry.rules import handle_taken

INVITATION_LIVES: Final = timedelta(days=7)
_HANDLE: Final = re.compile(r"[a-z0-9][a-z0-9-]{1,62}")
_COUNTRY: Final = re.compile(r"[A-Z]{2}")


def apply_to_join(
    *, handle: str, name: str, kind: str, countries: Sequence[str], email: str, spki: str, at: datetime
) -> Application:
    """Ask to be let in. ``spki`` is the first administrator's public key, base64; a handle has one open application."""
    if not _HANDLE.fullmatch(handle):
        raise Refused(
            "bad_handle",
            "Choose a handle of 2 to 63 characters of a-z, 0-9 and hyphen.",
            field="handle",
            value=handle,
        )
    if not 1 <= len(name.strip()) <= 200:
        raise Refused("bad_name", "Give a name of 1 to 200 characters.", field="name")
    if kind not in SignerKind.values:
        raise Refused(
            "bad_kind",
            f"No organisation is of this kind; choose one of {', '.join(SignerKind.values)}.",
            field="kind",
            value=kind,
        )
    if not 1 <= len(countries) <= 250 or not all(_COUNTRY.fullmatch(country) for country in countries):
        raise Refused(
            "bad_countries",
            "Write countries as two capital letters each (ISO 3166), at least one.",
            field="countries",
        )
    if not regulators_of(countries).exists():
        raise Refused(
            "no_regulator",
            "No regulator here answers for any of these countries; ask yours to join first.",
            field="countries",
        )
    _check_email(email)
    key = PublicKey.from_base64(spki)
    if keys_among([key.key_id]):
        raise key_known(key.key_id, field="spki")
    if Signer.objects.filter(handle=handle).exists():
        raise handle_taken(handle)
    try:
        with transaction.atomic():
            return Application.objects.create(
                handle=handle,
                name=name.strip(),
                kind=kind,
                countries=sorted(set(countries)),
                email=email,
                spki=key.spki,
                applied_at=at,
            )
    except IntegrityError:
        raise Refused(
            "application_open",
            "An application for this handle is open already; wait for its decision, or choose another handle.",
            field="handle",
            value=handle,
            status=409,
        ) from None


def _check_email(email: str) -> None:
    try:
        validate_email(email)
    except ValidationError:
        raise Refused(
            "bad_email", "This is no e-mail address; write one like name@example.org.", field="email"
        ) from None


def key_of(application: Application) -> str:
    """The id of the applicant's own key."""
    return hashlib.sha256(bytes(application.spki)).hexdigest()


def decide_application(
    application: Application, state: ApplicationState, *, by: Reader, at: datetime, note: str = ""
) -> None:
    """A regulator's signatory has vetted the applicant, or declines. Admitting it takes a signed statement."""
    if not by.is_regulator:
        raise Refused(
            "not_a_regulator", "Only a regulator decides on applications; leave it to one.", status=403
        )
    check_role(by, Role.SIGNATORY)
    from_states = {
        ApplicationState.VETTED: [ApplicationState.APPLIED],
        ApplicationState.DECLINED: OPEN_APPLICATIONS,
    }
    if state not in from_states:
        raise ValueError("an application is vetted or declined here")
    if len(note) > 500:
        raise Refused("note_too_long", "Write a note of at most 500 characters.", field="note")
    decided = Application.objects.filter(pk=application.pk, state__in=from_states[state]).update(
        state=state, note=note, decided_at=at, decided_by=by.person
    )
    if not decided:
        raise Refused(
            "application_decided",
            "This application was decided in the meantime; load it again to see how.",
            status=409,
        )


def close_application(organisation: Organisation, *, at: datetime) -> None:
    """The organisation is admitted: its application ends, and its first administrator gets a letter."""
    application = open_application(organisation.signer.handle)
    if application is None:
        return
    Application.objects.filter(pk=application.pk).update(state=ApplicationState.ADMITTED, decided_at=at)
    invite(organisation, email=application.email, role=Role.ADMINISTRATOR, at=at)


def invite(organisation: Organisation, *, email: str, role: Role, at: datetime) -> None:
    """Send somebody a letter with a link that works once, for seven days; earlier letters to them end."""
    secret = secrets.token_urlsafe(32)
    Invitation.objects.filter(
        organisation=organisation, email__iexact=email, accepted_at__isnull=True
    ).update(expires_at=at)
    Invitation.objects.create(
        organisation=organisation,
        email=email,
        role=role,
        token_sha256=_hash(secret),
        expires_at=at + INVITATION_LIVES,
    )
    letter = (
        f"{organisation.name} invites you to Chipledger as {role.label.lower()}.\n\n"
        f"Follow this link within seven days; it works once:\n"
        f"{settings.PUBLIC_URL}{reverse('invitation', args=[secret])}\n"
    )
    # A lambda: Django reports a robust callback that failed by its __qualname__, which a partial lacks.
    transaction.on_commit(
        lambda: send_mail("Your invitation to Chipledger", letter, settings.DEFAULT_FROM_EMAIL, [email]),
        robust=True,
    )


@transaction.atomic
def invite_colleague(email: str, role: Role, *, by: Reader, at: datetime) -> None:
    """An administrator lets a further person in."""
    check_role(by, Role.ADMINISTRATOR)
    _check_email(email)
    invite(by.organisation, email=email, role=role, at=at)
    note_deed(by.organisation, Deed.INVITED, by=by.person, detail=f"as {role.value}", at=at)


@transaction.atomic
def send_again(invitation: Invitation, *, by: Reader, at: datetime) -> None:
    """Send a new letter in the place of one that was not answered; the link of the old one ends."""
    check_role(by, Role.ADMINISTRATOR)
    _end_letter(invitation, at=at)
    role = Role(invitation.role)
    invite(by.organisation, email=invitation.email, role=role, at=at)
    note_deed(by.organisation, Deed.RESENT, by=by.person, detail=f"as {role.value}", at=at)


@transaction.atomic
def withdraw(invitation: Invitation, *, by: Reader, at: datetime) -> None:
    """End a letter that was not answered."""
    check_role(by, Role.ADMINISTRATOR)
    _end_letter(invitation, at=at)
    note_deed(by.organisation, Deed.WITHDRAWN, by=by.person, detail=f"as {invitation.role}", at=at)


def _end_letter(invitation: Invitation, *, at: datetime) -> None:
    ended = Invitation.objects.filter(pk=invitation.pk, accepted_at__isnull=True, expires_at__gt=at).update(
        expires_at=at
    )
    if not ended:
        raise Refused(
            "invitation_ended",
            "This invitation was answered or has ended in the meantime; load the page again, and "
            "invite anew if need be.",
            status=409,
        )


def find_invitation(secret: str, *, at: datetime) -> Invitation:
    """The letter behind a link, or Refused when there is none, it was used, or its days are over."""
    invitation = (
        Invitation.objects.select_related("organisation")
        .filter(token_sha256=_hash(secret), accepted_at__isnull=True, expires_at__gt=at)
        .first()
    )
    if invitation is None:
        raise Refused(
            "invitation_ended", "This invitation was used or has ended; ask for another one.", status=404
        )
    return invitation


@transaction.atomic
def accept_invitation(
    secret: str, *, person: Person | None, name: str, password: str, at: datetime
) -> Membership:
    """Join by a letter: the person begins to exist with this password, or joins as who they are, signed in.

    A letter never sets the password of somebody who has an account, or whoever reads their mail could take it over.
    """
    invitation = find_invitation(secret, at=at)
    used = Invitation.objects.filter(pk=invitation.pk, accepted_at__isnull=True, expires_at__gt=at).update(
        accepted_at=at
    )
    if not used:
        raise Refused(
            "invitation_ended", "This invitation was used or has ended; ask for another one.", status=404
        )
    known = Person.objects.filter(email__iexact=invitation.email).first()
    if known is None:
        known = _create_person(invitation.email, name=name, password=password)
    elif person is None or person.pk != known.pk:
        raise Refused(
            "sign_in_first", "You have an account here; sign in, then follow the link again.", status=403
        )
    if Membership.objects.filter(
        person=known, organisation=invitation.organisation, until__isnull=True
    ).exists():
        raise Refused(
            "already_member",
            "You are a member of this organisation already; go on without the invitation.",
            status=409,
        )
    note_deed(
        invitation.organisation, Deed.JOINED, by=known, person=known, detail=f"as {invitation.role}", at=at
    )
    return Membership.objects.create(
        person=known, organisation=invitation.organisation, role=invitation.role, since=at
    )


def _create_person(email: str, *, name: str, password: str) -> Person:
    if len(name) > 120:
        raise Refused("name_too_long", "Give a name of at most 120 characters.", field="name")
    try:
        validate_password(password)
    except ValidationError as error:
        raise Refused("weak_password", " ".join(error.messages), field="password") from None
    return Person.objects.create_user(email, password, name=name.strip())


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
