"""Small papers and evidence bundles, signed and logged in memory, for tests of the library and the command."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from chipledger import merkle
from chipledger.bundles import EvidenceBundle, KeyRecord, LoggedEnvelope
from chipledger.dsse import Envelope, sign_payload
from chipledger.entries import encode_commitment, encode_full, is_logged_in_full
from chipledger.keys import Algorithm, PrivateKey
from chipledger.notes import Checkpoint, NoteKey, sign_checkpoint
from chipledger.receipts import LogReceipt
from chipledger.statements import common_fields, parse_payload, write_payload
from chipledger.statements.common import KeyGrant, SignerRef, Statement
from chipledger.statements.ledger import FirstRegulator, KeyAdded, KeyRotated, LedgerFounded
from chipledger.statements.registry import OrganisationAdmitted
from chipledger.statements.tracking import TransferVoided

ORIGIN = "demo.ledger.example"
AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
LOG = PrivateKey.generate(Algorithm.ED25519)
VKEY = NoteKey(ORIGIN, LOG.public).vkey
REGULATOR, ALICE, BOB, CAROL, STRANGER = (PrivateKey.generate(Algorithm.P256) for _ in range(5))


def grant(key: PrivateKey) -> KeyGrant:
    return KeyGrant(spki=key.public.base64, purpose="statement", role="administrator")


def said(kind: type[Statement], who: str, signer: PrivateKey, *more: PrivateKey, **members: Any) -> Envelope:
    common = common_fields(log=ORIGIN, signers=[SignerRef(organisation=who, key=signer.public.key_id)], at=AT)
    return sign_payload(write_payload(kind.model_validate(common | members)), [signer, *more])


def paper(who: str, key: PrivateKey, **members: Any) -> Envelope:
    return said(TransferVoided, who, key, dispatch="0" * 64, reason="mistake", **members)


def genesis() -> Envelope:
    first = FirstRegulator(handle="reg", name="Regulator", countries=["NL"], keys=[grant(REGULATOR)])
    return said(LedgerFounded, "reg", REGULATOR, log_key=LOG.public.base64, regulators=[first])


def admitted(handle: str, key: PrivateKey, *, by: PrivateKey = REGULATOR, who: str = "reg") -> Envelope:
    return said(
        OrganisationAdmitted,
        who,
        by,
        handle=handle,
        name=handle,
        organisation_kind="operator",
        countries=["NL"],
        keys=[grant(key)],
    )


def bundle_of(*envelopes: Envelope, log: PrivateKey = LOG, origin: str = ORIGIN) -> EvidenceBundle:
    """Log these envelopes in order: key statements become the bundle's keys, the others its items."""
    bodies = [parse_payload(envelope.payload) for envelope in envelopes]
    entries = [
        encode_full(envelope.digest, AT, envelope.to_json())
        if is_logged_in_full(body.kind)
        else encode_commitment(envelope.digest, AT)
        for envelope, body in zip(envelopes, bodies, strict=True)
    ]
    tree = merkle.MemoryTree([merkle.leaf_hash(entry) for entry in entries])
    note = sign_checkpoint(Checkpoint(origin, tree.size, tree.root()), origin, log)
    keys, items = [], []
    for index, (envelope, body) in enumerate(zip(envelopes, bodies, strict=True)):
        receipt = LogReceipt(index, tuple(tree.inclusion_proof(index)), note).to_text()
        logged = LoggedEnvelope(envelope.to_json(), AT, receipt)
        if not is_logged_in_full(body.kind):
            items.append(logged)
            continue
        if isinstance(body, LedgerFounded):
            owner, introduced = "reg", [REGULATOR.public.base64]
        elif isinstance(body, OrganisationAdmitted):
            owner, introduced = body.handle, [key.spki for key in body.keys]
        elif isinstance(body, KeyAdded | KeyRotated):
            owner, introduced = body.signers[0].organisation, [body.key.spki]
        else:
            owner, introduced = "reg", [REGULATOR.public.base64]
        by_spki = {key.public.base64: key.public.key_id for key in (REGULATOR, ALICE, BOB, CAROL, STRANGER)}
        keys += [KeyRecord(by_spki[spki], spki, owner, logged) for spki in introduced]
    return EvidenceBundle(tuple(items), tuple(keys), origin, VKEY)


GOOD = bundle_of(genesis(), admitted("alice", ALICE), paper("alice", ALICE), paper("alice", ALICE))
