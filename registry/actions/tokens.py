"""Making and ending the tokens that programs read and file with."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from chipledger.refusals import Refused
from registry.models import ApiToken, Organisation, Person

SCOPES: Final = ("read", "write", "attest")
LONGEST_LIFE: Final = timedelta(days=366)


def issue_token(
    organisation: Organisation,
    *,
    by: Person | None,
    label: str,
    scopes: Sequence[str],
    at: datetime,
    lifetime: timedelta,
) -> str:
    """Make a token and return its secret, this once; only its hash is kept."""
    if not scopes or not set(scopes) <= set(SCOPES):
        raise Refused(
            "bad_scopes", f"Choose scopes from {', '.join(SCOPES)}.", field="scopes", value=",".join(scopes)
        )
    if not timedelta(0) < lifetime <= LONGEST_LIFE:
        raise Refused(
            "bad_lifetime",
            f"Let a token live 1 to {LONGEST_LIFE.days} days.",
            field="days",
            value=str(lifetime.days),
        )
    if not 1 <= len(label.strip()) <= 80:
        raise Refused("bad_label", "Give a label of 1 to 80 characters.", field="label")
    secret = "clt_" + secrets.token_urlsafe(32)
    ApiToken.objects.create(
        organisation=organisation,
        person=by,
        label=label.strip(),
        sha256=hashlib.sha256(secret.encode()).hexdigest(),
        scopes=sorted(set(scopes)),
        created_at=at,
        expires_at=at + lifetime,
    )
    return secret


def revoke_token(token: ApiToken, *, at: datetime) -> None:
    """End a token now; ending it twice changes nothing."""
    ApiToken.objects.filter(pk=token.pk, revoked_at__isnull=True).update(revoked_at=at)
