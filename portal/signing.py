"""Which keys a person may sign with here, which signatures a draft still lacks, and the form that asks for one."""

from __future__ import annotations

import base64
from collections.abc import Collection, Sequence
from typing import Final

from django.conf import settings
from django.db.models import Q, QuerySet
from django.urls import reverse

from chipledger.dsse import parse_envelope
from chipledger.refusals import Refused
from chipledger.statements import parse_payload
from chipledger.statements.ledger import KeyAdded, KeyRotated
from ledger.authority import AUTHORITY
from ledger.models import Key, KeyPurpose, KeyRole
from ledger.signing_policies import policy_of
from portal.doorway import refusal_of
from portal.models import Draft
from registry.access import Reader
from registry.models import Person, Role
from web.components import Paper, SigningCredential, SigningRequest

FOUR_EYES: Final = frozenset({"transfer.dispatched", "transfer.received", "signing_policy.adopted"})
"""Kinds that a signing policy may ask two people to sign."""


def keys_for(reader: Reader, kind: str) -> QuerySet[Key]:
    """The living keys that this reader may sign such a statement with: own passkeys first, then keys kept offline."""
    pseudonym = reader.pseudonym
    return (
        Key.objects.filter(
            signer_id=reader.organisation.pk, revoked_at__isnull=True, role__in=AUTHORITY[kind].roles
        )
        .exclude(role=KeyRole.MACHINE)
        .filter(~Q(purpose=KeyPurpose.PASSKEY) | Q(person=pseudonym))
        .order_by("purpose", "pk")
    )


def may_need_second(reader: Reader, kind: str) -> bool:
    """Whether the organisation's signing policy may ask two people to sign this kind."""
    if kind not in FOUR_EYES:
        return False
    policy = policy_of(reader.organisation.signer)
    return policy is not None and policy.wants_second


def second_keys_for(reader: Reader, kind: str) -> list[tuple[Key, str]]:
    """The keys of colleagues that may sign beside this reader's own, each with the words for it in a form's list."""
    if not may_need_second(reader, kind):
        return []
    own = reader.pseudonym
    found = Key.objects.filter(
        signer_id=reader.organisation.pk, revoked_at__isnull=True, role__in=AUTHORITY[kind].roles
    ).exclude(person__in=["", own])
    keys = list(found.order_by("pk"))
    people = {
        person.pseudonym: str(person)
        for person in Person.objects.filter(pseudonym__in=[k.person for k in keys])
    }
    return [
        (
            key,
            f"{people.get(key.person, 'person ' + key.person[:8])}, "
            f"{key.get_purpose_display().lower()} {key.key_id[:12]}",
        )
        for key in keys
    ]


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


def waits_for(draft: Draft, own: Collection[str]) -> bool:
    """Whether somebody's passkeys, by their ids, are among those that must still sign."""
    return any(key in own for key in missing_keys(draft))


def own_passkeys(reader: Reader) -> set[str]:
    """The ids of the living passkeys of the person who reads."""
    if reader.person is None:
        return set()
    found = Key.objects.filter(
        person=reader.person.pseudonym, purpose=KeyPurpose.PASSKEY, revoked_at__isnull=True
    )
    return set(found.values_list("key_id", flat=True))


def signing_request(draft: Draft, paper: Paper, reader: Reader) -> SigningRequest:
    """The form that asks this reader for the next signature of a draft."""
    missing = missing_keys(draft)
    return SigningRequest(
        paper=paper,
        action=reverse("draft", args=[draft.pk]),
        rp_id=settings.PASSKEY_RP_ID,
        credentials=_credentials(draft, missing, reader),
        frozen=[("seen", bytes(draft.digest).hex())],
        envelope_url=reverse("draft-envelope", args=[draft.pk]),
        refusal=_refusal(draft, reader),
    )


def _refusal(draft: Draft, reader: Reader) -> Refused | None:
    if reader.kind not in AUTHORITY[draft.kind].organisations:
        return Refused(
            "organisation_may_not_sign",
            "An organisation of your kind does not sign this; leave it to one that may.",
        )
    return refusal_of(reader, Role.SIGNATORY)


def _credentials(draft: Draft, missing: Sequence[str], reader: Reader) -> list[SigningCredential]:
    pseudonym = reader.pseudonym
    own = Key.objects.filter(
        key_id__in=missing, purpose=KeyPurpose.PASSKEY, person=pseudonym, revoked_at__isnull=True
    )
    found = [SigningCredential(_from_base64url(key.credential), key.key_id) for key in own]
    body = parse_payload(bytes(draft.payload))
    if isinstance(body, KeyAdded | KeyRotated) and body.key.credential and body.key.person == pseudonym:
        new = [key for key in missing if key not in {signer.key for signer in body.signers}]
        # The new passkey proves itself first; the administrator's signature follows.
        found = [SigningCredential(_from_base64url(body.key.credential), key) for key in new] or found
    return found


def _from_base64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
