"""Writing signers and keys. Only handlers call these, so that every change has a statement behind it."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from chipledger.passkeys import PasskeyFlags, read_flags
from chipledger.statements.common import KeyGrant
from chipledger.statements.ledger import SigningPolicyAdopted
from ledger.keys import key_ended, key_known, parse_grant
from ledger.models import Key, Signer, SigningPolicy, Standing, Statement
from ledger.signatures import envelope_of


def admit_signer(handle: str, kind: str, grants: list[KeyGrant], *, by: Statement, at: datetime) -> Signer:
    """Let an organisation sign, with its first keys. On genesis the first regulator is there already."""
    signer, _ = Signer.objects.get_or_create(handle=handle, defaults={"kind": kind})
    for grant in grants:
        add_key(signer, grant, by=by, at=at)
    return signer


def add_key(signer: Signer, grant: KeyGrant, *, by: Statement, at: datetime) -> Key:
    """Give a key an office; the same key never serves twice, whoever holds it."""
    public = parse_grant(grant)
    flags = _flags_of(public.key_id, by)
    try:
        with transaction.atomic():
            return Key.objects.create(
                signer=signer,
                key_id=public.key_id,
                algorithm=public.algorithm,
                spki=public.spki,
                purpose=grant.purpose,
                role=grant.role,
                person=grant.person or "",
                credential=grant.credential or "",
                is_backup_eligible=flags.is_backup_eligible if flags else None,
                is_backed_up=flags.is_backed_up if flags else None,
                added_by=by,
                added_at=at,
            )
    except IntegrityError:
        raise key_known(public.key_id, field="key.spki") from None


def revoke_key(key: Key, *, by: Statement, at: datetime, suspected_since: datetime | None = None) -> None:
    """End a key from this statement's place in the log on."""
    ended = Key.objects.filter(pk=key.pk, revoked_at__isnull=True).update(
        revoked_by=by, revoked_at=at, suspected_since=suspected_since
    )
    if not ended:
        raise key_ended(key.key_id)


def adopt_signing_policy(signer: Signer, body: SigningPolicyAdopted, *, by: Statement) -> None:
    """Let this be what the organisation's signatures need from now on."""
    SigningPolicy.objects.update_or_create(
        signer=signer,
        defaults={
            "refuses_synced": body.refuses_synced,
            "second_above_chips": body.second_above_chips,
            "second_above_tpp": body.second_above_tpp,
            "statement": by,
        },
    )


def _flags_of(key_id: str, by: Statement) -> PasskeyFlags | None:
    """The flags under which a passkey signed the statement that adds it."""
    for signature in envelope_of(by).signatures:
        if signature.keyid == key_id and signature.webauthn is not None:
            return read_flags(signature.webauthn)
    return None


def suspend_signer(signer: Signer) -> None:
    """Stop an organisation from signing; what it signed before stands."""
    Signer.objects.filter(pk=signer.pk).update(standing=Standing.SUSPENDED)
