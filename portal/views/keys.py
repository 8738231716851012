"""The organisation's keys: enrolling a passkey for signing, and ending a key; both after signing in anew."""

from __future__ import annotations

import base64
import secrets

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from chipledger import clock
from chipledger.refusals import Refused
from ledger.models import Key, KeyPurpose, KeyRole
from ledger.signing_policies import policy_of
from portal.actions.drafts import prepare_draft
from portal.actions.passkeys import creation_options, prepare_enrolment, prepare_rotation
from portal.doorway import after_signing_in_anew, page, refusal_of
from portal.forms.papers import SIGNING_POLICY_FIELDS, PaperForm, RevokeForm, SigningPolicyForm
from registry.access import Reader
from registry.models import Person, Role
from web.components import Column
from web.refusals import status_of

COLUMNS = (
    Column("Key"),
    Column("Kind"),
    Column("Office"),
    Column("Person"),
    Column("Leaves its device"),
    Column("Counts from"),
    Column("Until"),
    Column(""),
)
CHALLENGE = "portal.enrolment"


class EnrolForm(PaperForm):
    """Which office the new passkey gets, and which administrator's key vouches for it."""

    kind = "key.added"
    role = forms.ChoiceField(
        label="Office",
        choices=[("signatory", "Signatory"), ("administrator", "Administrator")],
        help_text="Signatories sign for chips; administrators also add and end keys.",
    )

    def __init__(self, *args: object, reader: Reader, **kwargs: object) -> None:
        super().__init__(*args, reader=reader, **kwargs)
        self.fields["key"].label = "Administrator's key that vouches"
        self.fields[
            "key"
        ].help_text = "It signs after the new passkey did: here, or offline with the chipledger command."


@require_safe
@page
def keys(request: HttpRequest, reader: Reader) -> HttpResponse:
    """Whose keys count for this organisation, and since when."""
    found = (
        Key.objects.filter(signer=reader.organisation.pk)
        .select_related("added_by")
        .order_by("revoked_at", "pk")
    )
    own = reader.pseudonym
    has_own = any(
        key.person == own and key.purpose == KeyPurpose.PASSKEY and key.revoked_at is None for key in found
    )
    context = {
        "title": "Keys",
        "rows": [(key, bytes(key.added_by.digest).hex(), key.person == own and bool(own)) for key in found],
        "columns": COLUMNS,
        "has_own": has_own,
        "policy": policy_of(reader.organisation.signer),
        "refusal": refusal_of(reader, Role.SIGNATORY),
        "revoke_refusal": refusal_of(reader, Role.ADMINISTRATOR),
    }
    return render(request, "portal/keys.html", context)


@require_http_methods(["GET", "POST"])
@page
def enrol(request: HttpRequest, reader: Reader) -> HttpResponse:
    """Enrol a passkey for signing; the paper that adds it is signed by it and by an administrator's key."""
    return _enrol(request, reader)


@after_signing_in_anew
def _enrol(request: HttpRequest, reader: Reader) -> HttpResponse:
    if reader.person is None:
        raise Http404
    form = EnrolForm(request.GET or None, reader=reader)
    refusal = refusal_of(reader, Role.SIGNATORY)
    refused: Refused | None = None
    chosen = form.is_bound and form.is_valid()
    if request.method == "POST" and chosen and refusal is None:
        challenge = request.session.pop(CHALLENGE, "")
        try:
            draft = prepare_enrolment(
                request.POST.get("credential", ""),
                challenge=base64.b64decode(challenge),
                role=form.cleaned_data["role"],
                key=form.chosen_key(),
                by=reader,
                at=clock.now(),
            )
            return redirect("draft", draft.pk)
        except Refused as error:
            refused = error
    context = {
        "title": "Enrol a signing passkey",
        "form": form,
        "options": _new_options(request, reader.person) if chosen and refusal is None else None,
        "action": f"{reverse('enrol-passkey')}?{request.GET.urlencode()}",
        "refusal": refusal,
        "refused": refused,
    }
    return render(request, "portal/enrol.html", context, status=refused.status if refused else 200)


@require_http_methods(["GET", "POST"])
@page
def rotate(request: HttpRequest, reader: Reader, key_id: str) -> HttpResponse:
    """Put a new passkey in the place of one's own; the old one signs that, and ends."""
    return _rotate(request, reader, key_id)


@after_signing_in_anew
def _rotate(request: HttpRequest, reader: Reader, key_id: str) -> HttpResponse:
    if reader.person is None:
        raise Http404
    key = Key.objects.filter(
        signer=reader.organisation.pk,
        key_id=key_id,
        purpose=KeyPurpose.PASSKEY,
        person=reader.person.pseudonym,
        revoked_at__isnull=True,
    ).first()
    if key is None:
        raise Http404
    refusal = refusal_of(reader, Role.SIGNATORY)
    refused: Refused | None = None
    if request.method == "POST" and refusal is None:
        try:
            draft = prepare_rotation(
                request.POST.get("credential", ""),
                challenge=base64.b64decode(request.session.pop(CHALLENGE, "")),
                retires=key,
                by=reader,
                at=clock.now(),
            )
            return redirect("draft", draft.pk)
        except Refused as error:
            refused = error
    context = {
        "title": "Rotate your passkey",
        "key": key,
        "options": _new_options(request, reader.person, retires=key_id) if refusal is None else None,
        "action": reverse("rotate-key", args=[key_id]),
        "refusal": refusal,
        "refused": refused,
    }
    return render(request, "portal/rotate.html", context, status=refused.status if refused else 200)


def _new_options(request: HttpRequest, person: Person, *, retires: str = "") -> str:
    """What the browser is asked to create, with a challenge that this session alone can answer, once."""
    challenge = secrets.token_bytes(32)
    request.session[CHALLENGE] = base64.b64encode(challenge).decode()
    return creation_options(person, challenge=challenge, retires=retires)


@require_http_methods(["GET", "POST"])
@page
def policy(request: HttpRequest, reader: Reader) -> HttpResponse:
    """What the organisation's signatures need: no synced passkeys, two people above a size."""
    return _policy(request, reader)


@after_signing_in_anew
def _policy(request: HttpRequest, reader: Reader) -> HttpResponse:
    present = policy_of(reader.organisation.signer)
    initial = {name: getattr(present, name) for name in SIGNING_POLICY_FIELDS} if present else None
    form = SigningPolicyForm(request.POST or None, reader=reader, initial=initial)
    refusal = refusal_of(reader, Role.ADMINISTRATOR)
    refused: Refused | None = None
    if request.method == "POST" and refusal is None and form.is_valid():
        fields = {name: form.cleaned_data[name] for name in SIGNING_POLICY_FIELDS}
        fields = {name: value for name, value in fields.items() if value is not None}
        if present is not None:
            fields["previous"] = bytes(present.statement.digest).hex()
        try:
            draft = prepare_draft(form.kind, fields, keys=form.chosen_keys(), by=reader, at=clock.now())
            return redirect("draft", draft.pk)
        except Refused as error:
            refused = error
    context = {
        "title": "Signing policy",
        "form": form,
        "present": present,
        "refusal": refusal,
        "refused": refused,
    }
    return render(request, "portal/signing_policy.html", context, status=status_of(form, refused))


@require_http_methods(["GET", "POST"])
@page
def revoke(request: HttpRequest, reader: Reader, key_id: str) -> HttpResponse:
    """End a key of the organisation, by a statement that an administrator's key signs."""
    return _revoke(request, reader, key_id)


@after_signing_in_anew
def _revoke(request: HttpRequest, reader: Reader, key_id: str) -> HttpResponse:
    key = Key.objects.filter(signer=reader.organisation.pk, key_id=key_id, revoked_at__isnull=True).first()
    if key is None:
        raise Http404
    form = RevokeForm(request.POST or None, reader=reader)
    refusal = refusal_of(reader, Role.ADMINISTRATOR)
    refused: Refused | None = None
    if request.method == "POST" and refusal is None and form.is_valid():
        try:
            fields = {"key": key_id, "reason": form.cleaned_data["reason"]}
            draft = prepare_draft("key.revoked", fields, keys=form.chosen_keys(), by=reader, at=clock.now())
            return redirect("draft", draft.pk)
        except Refused as error:
            refused = error
    context = {
        "title": "Revoke a key",
        "form": form,
        "key": key,
        "is_machine": key.role == KeyRole.MACHINE,
        "refusal": refusal,
        "refused": refused,
    }
    return render(request, "portal/revoke.html", context, status=refused.status if refused else 200)
