"""How the log begins, and how a new key proves that somebody holds it."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from django.db import connection

from chipledger import base64s
from chipledger.dsse import Envelope
from chipledger.keys import PublicKey
from chipledger.refusals import Refused
from chipledger.statements.common import Statement as Body
from chipledger.statements.ledger import KeyAdded, KeyRotated, LedgerFounded
from ledger import keys as key_rules
from ledger.handlers import Filing
from ledger.log_key import log_key
from ledger.models import Key, Signer, SignerKind, Statement


def with_new_key(body: Body, keys: list[Key]) -> list[Key]:
    """The keys that must have signed: those named, and the new key of a key statement, which proves its possession."""
    if not isinstance(body, KeyAdded | KeyRotated):
        return keys
    public = key_rules.parse_grant(body.key)
    new = Key(key_id=public.key_id, spki=public.spki, purpose=body.key.purpose, role=body.key.role)
    return [*keys, new]


def found(envelope: Envelope, body: LedgerFounded, *, at: datetime) -> Filing[Body]:
    """Check the first statement of a log: it founds this log, and all its first regulators signed it."""
    # Asked before the lock, too: once the log has begun, nobody may hold up the table by founding it again.
    _check_not_begun()
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE ledger_statement IN SHARE ROW EXCLUSIVE MODE")
    _check_not_begun()
    key_rules.check_times(body, at=at)
    if body.log_key != base64s.encode(log_key().public.spki):
        raise Refused(
            "wrong_log_key",
            "The log key is not the one that this server signs with; name that one.",
            field="log_key",
        )
    grants = [grant for regulator in body.regulators for grant in regulator.keys]
    expected = {}
    for grant in grants:
        public: PublicKey = key_rules.parse_grant(grant)
        expected[public.key_id] = (public, str(grant.purpose))
    named = {signer.key for signer in body.signers}
    if len(expected) != len(grants) or named != expected.keys():
        raise Refused(
            "signers_differ",
            "Every first regulator's key signs, and nobody else's; sign with exactly these.",
            field="signers",
        )
    key_rules.check_granted(envelope, expected)
    first = Signer.objects.create(handle=body.regulators[0].handle, kind=SignerKind.REGULATOR)
    return cast("Filing[Body]", Filing(body, envelope.digest, first, [], at))


def _check_not_begun() -> None:
    if Statement.objects.exists():
        raise Refused(
            "already_founded",
            "This log has begun already; start another one in an empty database.",
            status=409,
        )
