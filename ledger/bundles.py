"""Evidence bundles: statements with receipts and the chain of key statements behind their signatures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from chipledger import base64s, merkle
from chipledger.bundles import EvidenceBundle, KeyRecord, LoggedEnvelope
from chipledger.entries import FULL, Commitment
from chipledger.receipts import LogReceipt
from chipledger.refusals import Refused
from ledger import log
from ledger.log_key import note_key
from ledger.models import Checkpoint, Entry, Key, Statement
from ledger.signatures import envelope_of


def bundle_of(statements: Sequence[Statement]) -> EvidenceBundle:
    """Everything that an outsider needs to verify these statements offline.

    Raises Refused when one of them has no place in the log yet (within a second or two of its acceptance).
    """
    checkpoint = log.latest_checkpoint()
    if checkpoint is None:
        raise Refused("not_integrated", "The log has no checkpoint yet; try again in a moment.", status=409)
    keys = _keys_behind(statements)
    sources = {source for key in keys for source in _events_of(key)}
    entries = {
        entry.statement_id: entry
        for entry in Entry.objects.select_related("statement").filter(
            statement_id__in=sources | {statement.pk for statement in statements},
            position__lt=checkpoint.size,
        )
    }
    logged = {pk: _logged(entry, checkpoint) for pk, entry in entries.items()}
    for statement in statements:
        if statement.pk not in logged:
            raise log.not_integrated()
    records = [
        KeyRecord(key.key_id, base64s.encode(bytes(key.spki)), key.signer.handle, logged[source])
        for key in sorted(keys, key=lambda key: entries[key.added_by_id].position)
        for source in _events_of(key)
        if source in logged
    ]
    return EvidenceBundle(
        tuple(logged[statement.pk] for statement in statements), tuple(records), log.origin(), note_key().vkey
    )


def _keys_behind(statements: Iterable[Statement]) -> list[Key]:
    """The keys that signed these statements, the keys that signed what introduced or ended those, and so on."""
    found: dict[int, Key] = {}
    wanted = {pk for statement in statements for pk in statement.keys}
    genesis_keys = Key.objects.select_related("signer", "added_by", "revoked_by")
    if any(statement.kind == "ledger.founded" for statement in statements):
        wanted |= set(genesis_keys.filter(added_by__kind="ledger.founded").values_list("pk", flat=True))
    while wanted:
        keys = list(genesis_keys.filter(pk__in=wanted))
        found |= {key.pk: key for key in keys}
        events = [event for key in keys for event in (key.added_by, key.revoked_by) if event is not None]
        wanted = {pk for event in events for pk in event.keys} - found.keys()
    return list(found.values())


def _events_of(key: Key) -> list[int]:
    """The statements that introduced the key and, where there is one, ended it."""
    return [event for event in (key.added_by_id, key.revoked_by_id) if event is not None]


def _logged(entry: Entry, checkpoint: Checkpoint) -> LoggedEnvelope:
    data = bytes(entry.data)
    full = Commitment.parse(data).envelope if data[0] == FULL else None
    proof = merkle.inclusion_proof(log.nodes(checkpoint.size), entry.position, checkpoint.size)
    receipt = LogReceipt(entry.position, tuple(proof), checkpoint.note)
    return LoggedEnvelope(
        full or envelope_of(entry.statement).to_json(), entry.statement.accepted_at, receipt.to_text()
    )
