"""Enrolling a passkey that signs statements: kept apart from the passkeys that sign people in."""

from __future__ import annotations

import base64
import json
import secrets
from datetime import datetime

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from webauthn import verify_registration_response
from webauthn.helpers import decode_credential_public_key, options_to_json
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.decode_credential_public_key import DecodedEC2PublicKey
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import CredentialDeviceType
from webauthn.registration.generate_registration_options import generate_registration_options

from chipledger import base64s
from chipledger.passkeys import other_algorithm
from chipledger.refusals import Refused
from ledger.models import Key, KeyPurpose, KeyRole
from ledger.signing_policies import policy_of, synced_refused
from portal.actions.drafts import prepare_draft
from portal.models import Draft
from registry.access import Reader, check_role, person_of
from registry.models import Person, Role


def creation_options(person: Person, *, challenge: bytes, retires: str = "") -> str:
    """What the browser is asked to create, as JSON with binary members in base64url.

    A device that has one of the person's passkeys makes no second; the one that is being retired does not count.
    """
    options = generate_registration_options(
        rp_id=settings.PASSKEY_RP_ID,
        rp_name="Chipledger, signing",
        # A handle of its own each time: a device keeps one passkey for each handle, and would put the new one in the
        # place of the old, or of the passkey that signs in.
        user_id=b"sign:" + secrets.token_bytes(16),
        user_name=f"{person} (signing)",
        user_display_name=f"{person} (signing)",
        challenge=challenge,
        supported_pub_key_algs=[COSEAlgorithmIdentifier.ECDSA_SHA_256],
    )
    members = json.loads(options_to_json(options))
    known = Key.objects.filter(person=person.pseudonym, purpose=KeyPurpose.PASSKEY, revoked_at__isnull=True)
    known = known.exclude(key_id=retires)
    members["excludeCredentials"] = [{"type": "public-key", "id": key.credential} for key in known]
    return json.dumps(members)


def prepare_enrolment(
    credential: str, *, challenge: bytes, role: str, key: Key, by: Reader, at: datetime
) -> Draft:
    """The paper that adds a new passkey: the passkey signs it to prove itself, and ``key``, an administrator's, too."""
    if role == KeyRole.ADMINISTRATOR:
        check_role(by, Role.ADMINISTRATOR)
    grant = _read_grant(credential, challenge=challenge, role=role, by=by)
    return prepare_draft("key.added", {"key": grant}, keys=[key], by=by, at=at)


def prepare_rotation(credential: str, *, challenge: bytes, retires: Key, by: Reader, at: datetime) -> Draft:
    """The paper by which a person's passkey hands its office to a new one of theirs; both sign it, and the old ends."""
    grant = _read_grant(credential, challenge=challenge, role=retires.role, by=by)
    fields = {"retires": retires.key_id, "key": grant}
    return prepare_draft("key.rotated", fields, keys=[retires], by=by, at=at)


def _read_grant(credential: str, *, challenge: bytes, role: str, by: Reader) -> dict[str, str]:
    """The grant of a passkey that a browser has just made.

    Raises Refused when the browser's answer does not belong to this page, the passkey cannot verify its user, or it is
    synced and the organisation does not want such.
    """
    check_role(by, Role.SIGNATORY)
    person = person_of(by)
    if not credential:
        raise Refused(
            "no_credential",
            "No passkey was created: the page was not ready yet, or this browser knows none. Try once more.",
            field="credential",
        )
    try:
        verified = verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=settings.PASSKEY_RP_ID,
            expected_origin=list(settings.PASSKEY_ORIGINS),
            require_user_verification=True,
            supported_pub_key_algs=[COSEAlgorithmIdentifier.ECDSA_SHA_256],
        )
    except (WebAuthnException, ValueError, KeyError) as error:
        raise Refused(
            "passkey_not_enrolled",
            f"This passkey cannot be enrolled: {error}. Try again, or with another one.",
            field="credential",
        ) from None
    policy = policy_of(by.organisation.signer)
    if (
        verified.credential_device_type == CredentialDeviceType.MULTI_DEVICE
        and policy
        and policy.refuses_synced
    ):
        raise synced_refused()
    return {
        "spki": base64s.encode(_spki(verified.credential_public_key)),
        "purpose": "passkey",
        "role": role,
        "person": person.pseudonym,
        "credential": base64.urlsafe_b64encode(verified.credential_id).decode().rstrip("="),
    }


def _spki(cose: bytes) -> bytes:
    """SubjectPublicKeyInfo DER of a COSE ES256 key (RFC 9053 §7.1.1)."""
    key = decode_credential_public_key(cose)
    if not isinstance(key, DecodedEC2PublicKey):
        raise other_algorithm(field="credential")
    numbers = ec.EllipticCurvePublicNumbers(
        int.from_bytes(key.x, "big"), int.from_bytes(key.y, "big"), ec.SECP256R1()
    )
    return numbers.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
