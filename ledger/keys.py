"""Checking an envelope against our own record: whose keys signed, whether they count, and whether they verify."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from django.conf import settings
from django.db import connection

from chipledger.dsse import Envelope
from chipledger.keys import PublicKey
from chipledger.passkeys import other_algorithm, verify_signature
from chipledger.refusals import Refused
from chipledger.statements.common import KeyGrant
from chipledger.statements.common import Statement as Body
from ledger.models import Key, KeyPurpose, Signer, Standing

CLOCK_SKEW: Final = timedelta(minutes=5)
TURNS: Final = 0x7369676E
"""Class of the advisory locks by which statements of one organisation queue; two-part locks meet no one-part ones."""


@lru_cache(maxsize=10_000)
def _public_key(spki: bytes) -> PublicKey:
    return PublicKey.from_spki(spki)


def check_times(body: Body, *, at: datetime) -> None:
    """Refuse a statement for another log, from the future, or past its end."""
    if body.log != settings.LOG_ORIGIN:
        raise Refused(
            "wrong_log",
            f"This statement was signed for another log; sign it for {settings.LOG_ORIGIN}.",
            field="log",
            value=body.log,
        )
    if body.issued_at > at + CLOCK_SKEW:
        raise Refused(
            "issued_in_future",
            "This statement was issued in the future. Set the clock that issued it right, and sign anew.",
            field="issued_at",
        )
    if body.expires_at < at:
        raise Refused("expired", "This statement has expired; sign it anew.", field="expires_at")


def load_keys(body: Body) -> list[Key]:
    """The key records of everybody named as a signer, in the payload's order; unknown or foreign keys are refused."""
    found = {
        key.key_id: key
        for key in Key.objects.select_related("signer").filter(
            key_id__in=[signer.key for signer in body.signers]
        )
    }
    keys = []
    for named in body.signers:
        key = found.get(named.key)
        if key is None or key.signer.handle != named.organisation:
            raise Refused(
                "unknown_key",
                "This key does not belong to the organisation; sign with one of its own.",
                field="signers.key",
                value=named.key,
                status=403,
            )
        if named.person is not None and key.person and named.person != key.person:
            raise Refused(
                "person_differs",
                "This key was given to another person; sign with your own.",
                field="signers.person",
                value=named.person,
                status=403,
            )
        keys.append(key)
    if len({key.signer_id for key in keys}) != 1:
        raise Refused(
            "several_organisations",
            "All signers must belong to one organisation; sign with keys of one.",
            field="signers",
        )
    return keys


def check_signatures(envelope: Envelope, keys: Sequence[Key]) -> None:
    """Refuse unless every named key signed these bytes, and nobody else did."""
    check_granted(envelope, {key.key_id: (_public_key(bytes(key.spki)), key.purpose) for key in keys})


def check_granted(envelope: Envelope, expected: dict[str, tuple[PublicKey, str]]) -> None:
    """Refuse unless exactly these keys signed, a passkey as a passkey and every other key plainly."""
    if sorted(signature.keyid for signature in envelope.signatures) != sorted(expected):
        raise Refused(
            "signers_differ",
            "The signatures are not those of the signers named in the payload; sign with exactly their keys.",
            status=403,
        )
    for signature in envelope.signatures:
        key, purpose = expected[signature.keyid]
        if (purpose == KeyPurpose.PASSKEY) != (signature.webauthn is not None):
            raise Refused(
                "wrong_signature_form",
                "A passkey signs as a passkey, and no other key does; sign anew in that form.",
                status=403,
            )
        verify_signature(
            signature, key, envelope, rp_id=settings.PASSKEY_RP_ID, origins=settings.PASSKEY_ORIGINS
        )


def key_known(key_id: str, *, field: str) -> Refused:
    """The refusal of a key that serves already, whoever holds it."""
    return Refused(
        "key_known",
        "This key is registered already; use another one.",
        field=field,
        value=key_id,
        status=409,
    )


def key_ended(key_id: str) -> Refused:
    """The refusal of a key that ended, where one that counts is to be named."""
    return Refused(
        "key_revoked",
        "This key was revoked already; name one that still counts.",
        field="key",
        value=key_id,
        status=409,
    )


def lock_signer(keys: Sequence[Key], *, exclusive: bool) -> Signer:
    """Hold an organisation and its keys as they are until the statement is booked, and refuse those that ended.

    Statements share the lock; statements about keys and standing take it alone (``exclusive``), so that of a
    revocation and a signature by the same key in the same instant one comes first and the other sees it.
    """
    take_turn(keys[0].signer_id, exclusive=exclusive)
    mode = "FOR NO KEY UPDATE" if exclusive else "FOR SHARE"
    signer = Signer.objects.raw(f"SELECT * FROM ledger_signer WHERE id = %s {mode}", [keys[0].signer_id])[0]
    if signer.standing != Standing.ADMITTED:
        raise Refused(
            "organisation_suspended",
            "This organisation is suspended and cannot sign; ask its regulator.",
            status=403,
        )
    revoked = Key.objects.filter(pk__in=[key.pk for key in keys], revoked_at__isnull=False).first()
    if revoked is not None:
        raise Refused(
            "key_revoked",
            "This key was revoked; sign with another one.",
            field="signers.key",
            value=revoked.key_id,
            status=403,
        )
    return signer


def take_turn(signer_id: int, *, exclusive: bool) -> None:
    """Queue for an organisation before its row is locked. Row locks that are shared let later sharers in past one who
    waits to have the row alone, so that a thief who never stops filing could keep his key from being revoked.
    """
    name = "pg_advisory_xact_lock" if exclusive else "pg_advisory_xact_lock_shared"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {name}(%s, %s)", [TURNS, signer_id % 2**31])


def parse_grant(grant: KeyGrant) -> PublicKey:
    """The public key of a grant, refused when it is weak, not canonical or of a kind that may not sign statements."""
    key = PublicKey.from_base64(grant.spki)
    if grant.purpose == "passkey" and key.algorithm != "p256":
        raise other_algorithm(field="key.spki")
    return key
