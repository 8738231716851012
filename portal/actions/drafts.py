"""Freezing a statement on the server, rehearsing it against the rules, and taking its signatures to the door."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction

from chipledger.dsse import STATEMENT_TYPE, Envelope, parse_envelope
from chipledger.refusals import Refused
from chipledger.statements import parse_payload, write_payload
from chipledger.statements.common import ManifestRef, SignerRef, Statement, format_instant
from chipledger.statements.ledger import KeyAdded, KeyRotated
from ledger import door, manifests
from ledger.authority import check_may_sign
from ledger.handlers import HANDLERS, Filing
from ledger.keys import parse_grant
from ledger.models import Key
from portal.faults import collect_faults
from portal.models import Draft
from portal.signing import missing_keys
from registry.access import Reader, check_role
from registry.models import Role

LIFETIME: Final = timedelta(days=7)
"""How long a paper may lie on the table before it must be prepared anew."""


def prepare_draft(
    kind: str,
    fields: Mapping[str, object],
    *,
    keys: Sequence[Key],
    by: Reader,
    at: datetime,
    notes: Mapping[str, object] | None = None,
    number: UUID | None = None,
) -> Draft:
    """Freeze a statement for these keys to sign, after rehearsing it. ``number`` is the draft's own, where it has one.

    Raises Refused, with all rows at fault when it is about rows (``FaultyRows``).
    """
    check_role(by, Role.PREPARER)
    body = _rehearsed(kind, fields, keys=keys, by=by, at=at)
    draft = Draft(
        id=number or uuid4(),
        organisation=by.organisation,
        prepared_by=by.person,
        kind=kind,
        fields=dict(fields),
        notes=dict(notes or {}),
        created_at=at,
    )
    _freeze(draft, body)
    draft.save(force_insert=True)
    return draft


def prepare_again(draft: Draft, *, keys: Sequence[Key], by: Reader, at: datetime) -> None:
    """Freeze the same words anew, for other keys or because the paper has lain too long; earlier signatures end."""
    check_role(by, Role.PREPARER)
    body = _rehearsed(draft.kind, draft.fields, keys=keys, by=by, at=at)
    _freeze(draft, body)
    changed = Draft.objects.filter(pk=draft.pk, filed_at__isnull=True).update(
        payload=draft.payload, digest=draft.digest, keys=draft.keys, envelope=None, created_at=at
    )
    if not changed:
        raise already_filed()


def discard_draft(draft: Draft, *, by: Reader) -> None:
    """Throw a paper away that nobody has filed."""
    check_role(by, Role.PREPARER)
    Draft.objects.filter(pk=draft.pk, filed_at__isnull=True).delete()


def sign_draft(draft: Draft, raw: bytes, *, seen: str, by: Reader, at: datetime) -> door.Outcome | None:
    """Add the signatures of an envelope to a draft, and file it once none is missing; None while one is.

    Raises Refused when the envelope is about other bytes than those frozen, or the door refuses it.
    """
    check_role(by, Role.SIGNATORY)
    envelope = parse_envelope(raw)
    with transaction.atomic():
        held = Draft.objects.select_for_update(no_key=True).get(pk=draft.pk)
        known = door.find_known(door.read(raw))
        if known is not None and bytes(held.digest) == envelope.digest:
            return known
        if held.filed_at is not None:
            raise already_filed()
        if bytes(held.payload) != envelope.payload or (seen and bytes(held.digest).hex() != seen):
            raise Refused(
                "payload_changed",
                "What was signed is not the text that is frozen here; look at it again, then sign.",
                status=409,
            )
        whole = _merge(held, envelope)
        held.envelope = whole.to_json()
        if missing_keys(held):
            Draft.objects.filter(pk=held.pk).update(envelope=held.envelope)
            return None
        outcome = door.submit(bytes(held.envelope))
        Draft.objects.filter(pk=held.pk).update(
            envelope=held.envelope, filed_at=at, job=outcome.job.pk if outcome.job else None
        )
    return outcome


def _rehearsed(
    kind: str, fields: Mapping[str, object], *, keys: Sequence[Key], by: Reader, at: datetime
) -> Statement:
    check_may_sign(kind, signer=by.organisation.signer, keys=list(keys))
    body = _body(kind, fields, keys=keys, by=by, at=at)
    rehearse(body, keys=keys, by=by, at=at)
    return body


def rehearse(body: Statement, *, keys: Sequence[Key], by: Reader, at: datetime) -> None:
    """Ask the rules about a statement before anybody signs it; nothing is booked.

    Raises Refused; ``FaultyRows`` when rows are at fault.
    """
    handler = HANDLERS[body.kind]
    reference: ManifestRef | None = getattr(body, "manifest", None)
    with collect_faults(scope=by.handle) as note, transaction.atomic():
        filing = Filing(body, b"\0" * 32, by.organisation.signer, list(keys), at, reject=note)
        if reference is not None:
            filing.blob = manifests.find_blob(by.organisation.signer, reference)
        handler.stage(filing)
        handler.judge(filing)
        transaction.set_rollback(True)


def already_filed() -> Refused:
    """Somebody was quicker, or the form was sent twice."""
    return Refused(
        "already_filed",
        "This paper was filed already, perhaps by a colleague; see its statement in the log.",
        status=409,
    )


def _body(
    kind: str, fields: Mapping[str, object], *, keys: Sequence[Key], by: Reader, at: datetime
) -> Statement:
    """The statement with its common members, read as strictly as the door will read it."""
    signers = [SignerRef(organisation=by.handle, key=key.key_id, person=key.person or None) for key in keys]
    issued_at = at.replace(microsecond=at.microsecond // 1000 * 1000)
    members = {
        "kind": kind,
        "v": 1,
        "log": settings.LOG_ORIGIN,
        "nonce": secrets.token_hex(16),
        "issued_at": format_instant(issued_at),
        "expires_at": format_instant(issued_at + LIFETIME),
        "signers": [signer.model_dump(mode="json", exclude_none=True) for signer in signers],
        **fields,
    }
    return parse_payload(json.dumps(members, ensure_ascii=False).encode())


def _freeze(draft: Draft, body: Statement) -> None:
    draft.payload = write_payload(body)
    draft.digest = Envelope(STATEMENT_TYPE, draft.payload, ()).digest
    draft.keys = [signer.key for signer in body.signers]
    if isinstance(body, KeyAdded | KeyRotated):
        draft.keys.append(parse_grant(body.key).key_id)


def _merge(draft: Draft, envelope: Envelope) -> Envelope:
    """The signatures so far and the new ones, each key once, the newest of a key counting."""
    found = {}
    if draft.envelope is not None:
        found = {each.keyid: each for each in parse_envelope(bytes(draft.envelope)).signatures}
    found |= {each.keyid: each for each in envelope.signatures}
    strangers = found.keys() - set(draft.keys)
    if strangers:
        raise Refused(
            "signers_differ",
            "A key signed that the paper does not name. Sign with a key that it names, or prepare it again for yours.",
            field="signatures.keyid",
            value=sorted(strangers)[0],
            status=403,
        )
    return Envelope(
        envelope.payload_type, envelope.payload, tuple(found[key] for key in draft.keys if key in found)
    )
