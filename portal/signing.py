"""Which keys a person may sign with here, which signatures a draft still lacks, and the form that asks for one."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from django.conf import settings
from django.db.models import Q, QuerySet
from django.urls import reverse

from chipledger.dsse import parse_envelope
from chipledger.refusals import Refused
from chipledger.statements import parse_payload
from chipledger.statements.ledger import KeyAdded
from ledger.authority import AUTHORITY
from ledger.models import Key, KeyPurpose, KeyRole
from portal.doorway import refusal_of
from portal.models import Draft
from registry.access import Reader
from registry.models import Role
from web.components import Paper, SigningCredential, SigningRequest


def keys_for(reader: Reader, kind: str) -> QuerySet[Key]:
    """The living keys that this reader may sign such a statement with: own passkeys first, then keys kept offline."""
    pseudonym = reader.person.pseudonym if reader.person else ""
    return (
        Key.objects.filter(
            signer_id=reader.organisation.pk, revoked_at__isnull=True, role__in=AUTHORITY[kind].roles
        )
        .exclude(role=KeyRole.MACHINE)
        .filter(~Q(purpose=KeyPurpose.PASSKEY) | Q(person=pseudonym))
        .order_by("purpose", "pk")
    )


def describe_key(key: Key) -> str:
    """A key in a form's list."""
    what = "My passkey" if key.purpose == KeyPurpose.PASSKEY else "Offline key"
    return f"{what} {key.key_id[:12]}, {key.get_role_display().lower()}"


def missing_keys(draft: Draft) -> list[str]:
    """The keys that have not signed a draft yet."""
    signed = set()
    if draft.envelope is not None:
        signed = {signature.keyid for signature in parse_envelope(bytes(draft.envelope)).signatures}
    return [key for key in draft.keys if key not in signed]


def signing_request(draft: Draft, paper: Paper, reader: Reader) -> SigningRequest:
    """The form that asks this reader for the next signature of a draft."""
    missing = missing_keys(draft)
    return SigningRequest(
        paper=paper,
        action=reverse("draft", args=[draft.pk]),
        rp_id=settings.PASSKEY_RP_ID,
        credentials=_credentials(draft, missing, reader),
        frozen=[("seen", bytes(draft.digest).hex())],
        refusal=_refusal(draft, reader),
    )


def _refusal(draft: Draft, reader: Reader) -> Refused | None:
    if reader.kind not in AUTHORITY[draft.kind].organisations:
        return Refused("organisation_may_not_sign", "An organisation of your kind does not sign this.")
    return refusal_of(reader, Role.SIGNATORY)


def _credentials(draft: Draft, missing: Sequence[str], reader: Reader) -> list[SigningCredential]:
    pseudonym = reader.person.pseudonym if reader.person else ""
    own = Key.objects.filter(
        key_id__in=missing, purpose=KeyPurpose.PASSKEY, person=pseudonym, revoked_at__isnull=True
    )
    found = [SigningCredential(_from_base64url(key.credential), key.key_id) for key in own]
    body = parse_payload(bytes(draft.payload))
    if isinstance(body, KeyAdded) and body.key.credential and body.key.person == pseudonym:
        new = [key for key in missing if key not in {signer.key for signer in body.signers}]
        # The new passkey proves itself first; the administrator's signature follows.
        found = [SigningCredential(_from_base64url(body.key.credential), key) for key in new] or found
    return found


def _from_base64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
